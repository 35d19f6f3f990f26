"""The command `backtest`, of a policy and of weights, and its mistakes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.backtest.backtest import backtest
from alpha_lightning.backtest.construct import construct
from alpha_lightning.backtest.settings import (
    BenchmarkSettings,
    Conventions,
    CostSettings,
    ExecutionSettings,
    SignalSettings,
)
from alpha_lightning.panel.store import Panel
from alpha_lightning.portfolio.top_n import TopN

Write = Callable[..., str]
FILES = ["holdings.parquet", "nav.parquet", "summary.json", "trades.parquet"]
TEN = TopN(names=10)
YEAR = SignalSettings(end="2020-12-31")


@pytest.fixture(scope="module")
def panel(panel_path: Path) -> Panel:
    return Panel.open(panel_path)


@pytest.fixture
def score(panel: Panel, write_score: Write) -> str:
    drawn = np.random.default_rng(0).normal(size=(len(panel.dates), len(panel.symbols)))
    drawn[:300] = np.nan
    return write_score(panel, drawn)


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


def test_a_policy_and_a_score(panel: Panel, score: str, tmp_path: Path) -> None:
    where = str(panel.path)
    folder = backtest(where, str(tmp_path / "out"), scores=score, policy=TEN, signals=YEAR)
    assert folder == tmp_path / "out"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    about = summary(folder)
    assert (about["kind"], about["name"]) == ("backtest", "TOP-10 of alpha")
    assert about["settings"]["policy"]["names"] == 10
    assert about["settings"]["signals"]["end"] == "2020-12-31"
    assert about["scores"]["file"] == score
    assert about["panel_fingerprint"] == panel.fingerprint
    assert about["results"]["residual"] < 1e-9
    assert about["last"] == "2020-12-31"
    nav = pl.read_parquet(folder / "nav.parquet")
    assert nav["nav"][-1] == pytest.approx(1 + about["results"]["absolute"]["total_return"])
    assert nav["names"].max() == 10


def test_names_and_conventions(panel: Panel, score: str, tmp_path: Path) -> None:
    folder = backtest(
        str(panel.path),
        str(tmp_path / "out"),
        scores=score,
        policy=TEN,
        signals=YEAR,
        benchmark=BenchmarkSettings("000300"),
        conventions=Conventions(year=252, relative="ratio"),
        name="mine",
    )
    about = summary(folder)
    assert (about["name"], about["benchmark"]) == ("mine", "000300")
    assert about["conventions"]["relative"] == "ratio"
    assert about["settings"]["benchmark"] == {"index": "000300", "total_return": False}
    assert any("price index" in sentence for sentence in about["warnings"])


def test_weights_of_another_execution_say_so(panel: Panel, score: str, tmp_path: Path) -> None:
    where, file = str(panel.path), str(tmp_path / "w.parquet")
    construct(where, score, file, policy=TEN, signals=YEAR)
    table = tmp_path / "actions.csv"
    table.write_text(f"date,symbol,cash,shares\n{panel.dates[0]},{panel.symbols[0]},0,0\n")
    folder = backtest(
        where,
        str(tmp_path / "out"),
        weights=file,
        actions=str(table),
        execution=ExecutionSettings(delay=2),
        costs=CostSettings(sell=0.0),
    )
    about = summary(folder)
    told = f"execution.delay 1 (now 2), costs.sell 0.002 (now 0.0), actions None (now {table})"
    assert told in about["warnings"][0]
    assert about["name"] == "TOP-10 of alpha"
    assert about["weights"]["file"] == file
    assert about["settings"]["policy"]["names"] == 10
    same = backtest(where, str(tmp_path / "same"), weights=file)
    assert not any("made with" in sentence for sentence in summary(same)["warnings"])


def test_ones_own_weights(panel: Panel, tmp_path: Path) -> None:
    file = tmp_path / "half.csv"
    lines = [f"{panel.dates[row]},{panel.symbols[3]},0.5" for row in (300, 320)]
    file.write_text("date,symbol,weight\n" + "\n".join(lines) + "\n")
    where = str(panel.path)
    with pytest.raises(UserError, match=r"sum to 0\.5, not to 1"):
        backtest(where, str(tmp_path / "out"), weights=str(file))
    assert not (tmp_path / "out").exists()
    folder = backtest(where, str(tmp_path / "out"), weights=str(file), partial=True)
    about, nav = summary(folder), pl.read_parquet(folder / "nav.parquet")
    assert (about["name"], about["settings"]["policy"]) == ("half", None)
    assert about["last"] == str(panel.dates[-1])
    traded = nav.filter(pl.col("turnover").is_not_nan())["date"].dt.date().cast(pl.String)
    assert traded.to_list() == [str(panel.dates[row]) for row in (301, 321)]
    assert nav["cash"][0] == pytest.approx(0.5e8, rel=1e-2)


@pytest.mark.parametrize("given", [{}, {"scores": "s", "weights": "w"}])
def test_either_weights_or_a_score(given: dict[str, str], panel: Panel, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"either target weights .* or a score"):
        backtest(str(panel.path), str(tmp_path / "out"), **given)  # type: ignore[arg-type]


def test_nothing_is_replaced_unasked(panel: Panel, score: str, tmp_path: Path) -> None:
    where, out = str(panel.path), tmp_path / "out"
    out.mkdir()
    (out / "diary.txt").write_text("mine")
    given: dict[str, Any] = {"scores": score, "policy": TEN, "signals": YEAR}
    with pytest.raises(ArtefactError, match="exists: choose another path"):
        backtest(where, str(out), scores="nowhere")
    with pytest.raises(ArtefactError, match=r"holds other things \(no summary.json\)"):
        backtest(where, str(out), overwrite=True, **given)
    (out / "diary.txt").unlink()
    first = backtest(where, str(out), overwrite=True, **given)
    before = {name: (first / name).read_bytes() for name in FILES}
    backtest(where, str(out), overwrite=True, **given)
    assert {name: (out / name).read_bytes() for name in FILES} == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".parquet"] == ["out"]


def test_a_failure_leaves_the_old_result(panel: Panel, score: str, tmp_path: Path) -> None:
    where, out = str(panel.path), str(tmp_path / "out")
    folder = backtest(where, out, scores=score, policy=TEN, signals=YEAR)
    before = {name: (folder / name).read_bytes() for name in FILES}
    mistakes: list[dict[str, Any]] = [
        {"benchmark": BenchmarkSettings("moon")},
        {"actions": "nowhere.parquet"},
        {"execution": ExecutionSettings(price="twap")},
    ]
    for mistake in mistakes:
        with pytest.raises(UserError):
            backtest(where, out, scores=score, policy=TEN, signals=YEAR, overwrite=True, **mistake)
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def test_a_signal_that_nothing_comes_of(panel: Panel, write_score: Write, tmp_path: Path) -> None:
    few = np.full((len(panel.dates), len(panel.symbols)), np.nan)
    few[300:320, :5] = 1.0
    with pytest.raises(UserError, match=r"no signal led to a trade: scores for [345] of"):
        backtest(str(panel.path), str(tmp_path / "out"), scores=write_score(panel, few))
    assert not (tmp_path / "out").exists()


def test_a_score_that_ends_is_held_to_the_next_signal(
    panel: Panel, write_score: Write, tmp_path: Path
) -> None:
    drawn = np.random.default_rng(0).normal(size=(len(panel.dates), len(panel.symbols)))
    drawn[:300] = drawn[400:] = np.nan
    drawn[340:350] = np.nan
    folder = backtest(
        str(panel.path), str(tmp_path / "out"), scores=write_score(panel, drawn), policy=TEN
    )
    about = summary(folder)
    assert str(panel.dates[400]) <= about["last"] <= str(panel.dates[405])
    assert [reason for _, reason in about["results"]["trading"]["held"]] == ["no scores"] * 2
    assert any("2 signals led to no trade" in sentence for sentence in about["warnings"])
