"""Shares of the attainable against plain loops, on markets whose oracle is written by hand."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.evaluation.attainable import (
    CONSTANT,
    STRANGE,
    oracle_by_date_table,
    read_oracle,
    share_of,
    share_table,
)
from alpha_lightning.evaluation.evaluate import evaluate
from alpha_lightning.evaluation.sample import EvaluationRule, Sample, draw_sample
from alpha_lightning.panel.returns import EVALUATION_RETURNS, Horizon, forward_return
from alpha_lightning.panel.store import Panel

Write = Callable[..., str]
Array = NDArray[Any]
DATES, STOCKS = 220, 30
HORIZONS = [str(Horizon(*pair)) for pair in EVALUATION_RETURNS]
PARTS = ("expected_10g_daily", "expected_10g_trades", "attainable_10g")


@pytest.fixture
def panel(market: Callable[..., Any], tmp_path: Path) -> Panel:
    written: Panel = market(DATES, STOCKS, seed=8).write(tmp_path / "market")
    return written


@pytest.fixture
def truth(panel: Panel) -> dict[str, Array]:
    """By column: what came, veiled by noise."""
    generator = np.random.default_rng(1)
    columns = {}
    for days, gap in EVALUATION_RETURNS:
        came = np.nan_to_num(forward_return(panel, days, gap))
        columns[f"expected_{Horizon(days, gap)}"] = came + generator.normal(0, 0.05, came.shape)
    for name in PARTS:
        columns[name] = columns["expected_10g"] + generator.normal(0, 0.05, came.shape)
    return columns


def write_oracle(panel: Panel, columns: dict[str, Array], path: Path) -> str:
    """As the simulated market writes it, with a symbol and a date that the panel lacks."""
    grid = [(t, n) for t in range(len(panel.dates)) for n in range(len(panel.symbols))]
    rows, symbols = zip(*grid, strict=True)
    dates = panel.dates[list(rows)].astype("datetime64[ms]")
    values = {name: matrix.ravel() for name, matrix in columns.items()}
    about = {"date": dates, "symbol": panel.symbols[list(symbols)].astype(str)}
    frame = pl.DataFrame(about | values).with_columns(pl.col("date").cast(pl.Date))
    strangers = frame.head(2).with_columns(symbol=pl.lit("X99"))
    late = frame.tail(2).with_columns(date=pl.lit("2039-01-03").str.to_date())
    pl.concat([frame, strangers, late]).cast({"symbol": pl.Categorical}).write_parquet(path)
    return str(path)


@pytest.fixture
def values(truth: dict[str, Array]) -> Array:
    noise = np.random.default_rng(2).normal(0, 0.1, (DATES, STOCKS))
    return np.asarray(truth["expected_10g"] + noise)


def drawn(panel: Panel, files: list[str], **rule: Any) -> Sample:
    return draw_sample(panel.path, files, EvaluationRule(**rule))


def plain_rank_ics(panel: Panel, x: Array, days: int, gap: int, members: Array) -> list[float]:
    returns, series = forward_return(panel, days, gap), []
    for t in range(len(panel.dates)):
        pairs = [
            (x[t, n], returns[t, n])
            for n in range(len(panel.symbols))
            if members[t, n] and math.isfinite(returns[t, n])
        ]
        enough = len(pairs) >= 20
        series.append(float(spearmanr(*zip(*pairs, strict=True)).statistic) if enough else math.nan)
    return series


def test_the_table_equals_plain_loops(
    panel: Panel, truth: dict[str, Array], values: Array, write_score: Write, tmp_path: Path
) -> None:
    oracle = write_oracle(panel, truth, tmp_path / "oracle.parquet")
    sample = drawn(panel, [write_score(panel, values, "gru", units=["gru"], datasets=["rawbar"])])
    table = share_table(sample, read_oracle(oracle, sample)).set_index(["score", "horizon"])
    members = panel.listed & panel.traded
    for days, gap in EVALUATION_RETURNS:
        horizon = str(Horizon(days, gap))
        column = truth[f"expected_{horizon}"]
        own, best = (
            np.array(plain_rank_ics(panel, x.astype(kind), days, gap, members))[sample.rows]
            for x, kind in ((values, np.float32), (column, np.float64))
        )
        seen = np.isfinite(own) & np.isfinite(best)
        row = table.loc["gru", horizon]
        assert row["dates"] == seen.sum() > 30
        assert row["rank_ic_pct"] == pytest.approx(100 * own[seen].mean(), abs=1e-9)
        assert row["oracle_pct"] == pytest.approx(100 * best[seen].mean(), abs=1e-9)
        share = 100 * own[seen].mean() / best[seen].mean()
        assert row["share_pct"] == pytest.approx(share, abs=1e-7)
        assert row["level"] == "model"
    assert 20 < table.loc["gru", "10g"]["share_pct"] < 90
    parts = table[table["level"] == "oracle"]
    assert sorted(name for name, _ in parts.index) == sorted(PARTS)
    assert {horizon for _, horizon in parts.index} == {"10g"}
    assert (parts["share_pct"] < 100).all()


def test_the_oracle_is_all_that_can_be_attained(
    panel: Panel, truth: dict[str, Array], write_score: Write, tmp_path: Path
) -> None:
    oracle = write_oracle(panel, truth, tmp_path / "oracle.parquet")
    sample = drawn(panel, [write_score(panel, truth["expected_10g"].astype(np.float32), "same")])
    row = share_table(sample, read_oracle(oracle, sample)).set_index(["score", "horizon"])
    assert row.loc["same", "10g"]["share_pct"] == pytest.approx(100, abs=1e-3)
    assert row.loc["same", "10g"]["share_se_pct"] == pytest.approx(0, abs=1e-2)


def test_a_share_counts_the_dates_that_both_have() -> None:
    own = np.array([0.1, np.nan, 0.2, 0.3, 0.1])
    best = np.array([0.2, 0.9, np.nan, 0.4, 0.2])
    share = share_of(own, best, 0)
    assert share.dates == 3
    assert share.own == pytest.approx(0.5 / 3)
    assert share.best == pytest.approx(0.8 / 3)
    assert share.ratio == pytest.approx(0.5 / 0.8)
    assert share.error > 0
    unknown = share_of(own, np.full(5, np.nan), 0)
    assert unknown.dates == 4
    assert unknown.own == pytest.approx(0.7 / 4)
    assert unknown.own_error > 0
    assert math.isnan(unknown.best)
    assert math.isnan(unknown.ratio)
    nothing = share_of(np.full(3, np.nan), np.ones(3), 1)
    assert nothing.dates == 0
    assert math.isnan(nothing.own)
    assert math.isnan(nothing.ratio)


def test_a_market_without_signal_has_no_share_and_says_so(
    panel: Panel, truth: dict[str, Array], values: Array, write_score: Write, tmp_path: Path
) -> None:
    zeros = {name: np.zeros((DATES, STOCKS)) for name in truth}
    oracle = write_oracle(panel, zeros, tmp_path / "oracle.parquet")
    out = evaluate(
        str(panel.path), [write_score(panel, values)], str(tmp_path / "out"), oracle=oracle
    )
    about = json.loads((out / "evaluation.json").read_text())
    assert CONSTANT in about["warnings"]
    table = pd.read_csv(out / "tables" / "share_of_attainable.csv")
    assert table[["share_pct", "share_se_pct", "oracle_pct"]].isna().all(axis=None)
    own = table[table["level"] != "oracle"].set_index("horizon")["rank_ic_pct"]
    shown = pd.read_csv(out / "tables" / "fig06_rank_ic.csv").iloc[0]
    assert own["10g"] == pytest.approx(shown["rank_ic_10g_pct"], abs=1e-6)
    assert not (out / "tables" / "oracle_by_date.csv").exists()


@pytest.mark.parametrize(("sign", "told"), [(1.0, False), (-1.0, True)])
def test_an_oracle_that_forecasts_nothing_is_doubted(
    sign: float,
    told: bool,
    panel: Panel,
    truth: dict[str, Array],
    values: Array,
    write_score: Write,
    tmp_path: Path,
) -> None:
    columns = {name: sign * column for name, column in truth.items()}
    oracle = write_oracle(panel, columns, tmp_path / "oracle.parquet")
    score = write_score(panel, values)
    out = evaluate(str(panel.path), [score], str(tmp_path / "out"), oracle=oracle)
    about = json.loads((out / "evaluation.json").read_text())
    assert (STRANGE in about["warnings"]) == told


def test_shares_know_nothing_after_the_end(
    panel: Panel, truth: dict[str, Array], values: Array, write_score: Write, tmp_path: Path
) -> None:
    score, cut = write_score(panel, values), 150
    changed = {name: column.copy() for name, column in truth.items()}
    tables = []
    for name, columns in (("a", truth), ("b", changed)):
        for column in columns.values():
            column[cut + 1 :] *= -1 if name == "b" else 1
        oracle = write_oracle(panel, columns, tmp_path / f"{name}.parquet")
        sample = drawn(panel, [score], end=str(panel.dates[cut]))
        tables.append(share_table(sample, read_oracle(oracle, sample)))
    pd.testing.assert_frame_equal(*tables)


def test_the_series_of_the_oracle_are_kept(
    panel: Panel, truth: dict[str, Array], values: Array, write_score: Write, tmp_path: Path
) -> None:
    oracle = write_oracle(panel, truth, tmp_path / "oracle.parquet")
    sample = drawn(panel, [write_score(panel, values)])
    read = read_oracle(oracle, sample)
    series = oracle_by_date_table(sample, read)
    assert set(series["score"]) == set(truth)
    means = series.groupby("score")["rank_ic_pct"].mean()
    shares = share_table(sample, read).set_index(["score", "horizon"])
    for horizon in HORIZONS:
        expected = shares.loc["alpha", horizon]["oracle_pct"]
        assert means[f"expected_{horizon}"] == pytest.approx(expected, abs=1e-9)
    assert series["date"].is_monotonic_increasing


def test_what_is_no_oracle_of_this_market_is_named(
    panel: Panel, truth: dict[str, Array], values: Array, write_score: Write, tmp_path: Path
) -> None:
    sample = drawn(panel, [write_score(panel, values)])
    old = {name: column for name, column in truth.items() if name != "expected_5g"}
    stranger = pl.read_parquet(write_oracle(panel, truth, tmp_path / "x.parquet"))
    stranger.with_columns(symbol=pl.lit("Q1")).write_parquet(tmp_path / "stranger.parquet")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 and nothing")
    for file, words in (
        (str(tmp_path / "nowhere.parquet"), r"nowhere\.parquet is missing or damaged"),
        (str(tmp_path / "damaged.parquet"), r"damaged\.parquet is missing or damaged"),
        (write_oracle(panel, old, tmp_path / "old.parquet"), "no oracle, it lacks expected_5g"),
        (str(tmp_path / "stranger.parquet"), "knows none of the compared stocks"),
    ):
        with pytest.raises(ArtefactError, match=words):
            read_oracle(file, sample)
