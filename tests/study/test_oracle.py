"""The oracle's RankIC against scipy, and tables that cannot be read."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.simulate import simulate
from alpha_lightning.study.oracle import count_nulls, oracle_rank_ics

COLUMNS = (
    *("expected_10g", "expected_10g_daily", "expected_10g_intraday", "expected_10g_trades"),
    "attainable_10g",
)


def plain_rank_ic(folder: Path, column: str) -> tuple[float, int]:
    daily = pl.read_parquet(folder / "daily.parquet")
    oracle = pl.read_parquet(folder / "oracle.parquet").select("date", "symbol", column)
    dates = sorted(daily["date"].unique())
    daily = daily.filter(~pl.col("suspended"))
    rows = zip(daily["date"], daily["symbol"], daily["close"], daily["adj_factor"], strict=True)
    price = {(date, symbol): close * factor for date, symbol, close, factor in rows}
    expected: dict[object, dict[str, float]] = {}
    for date, symbol, value in oracle.iter_rows():
        expected.setdefault(date, {})[symbol] = value
    results = []
    for t in range(len(dates) - 11):
        pairs = [
            (value, price[dates[t + 11], symbol] / price[dates[t + 1], symbol] - 1)
            for symbol, value in expected[dates[t]].items()
            if (dates[t + 1], symbol) in price and (dates[t + 11], symbol) in price
        ]
        results.append(spearmanr(*zip(*pairs, strict=True)).statistic)
    return float(np.mean(results)), len(results)


def test_against_a_plain_loop(market_folder: Path) -> None:
    means, count = oracle_rank_ics(market_folder)
    assert tuple(means) == COLUMNS
    for column in COLUMNS[:2]:
        mean, dates = plain_rank_ic(market_folder, column)
        assert count == dates
        assert means[column] == pytest.approx(mean, abs=1e-12)
    assert means["expected_10g"] > 0.1


def test_parts_that_a_market_does_not_tell_are_left_out(
    market_folder: Path, tmp_path: Path
) -> None:
    shutil.copy(market_folder / "daily.parquet", tmp_path)
    oracle = pl.read_parquet(market_folder / "oracle.parquet")
    oracle.select("date", "symbol", "expected_10g").write_parquet(tmp_path / "oracle.parquet")
    assert tuple(oracle_rank_ics(tmp_path)[0]) == ("expected_10g",)


def test_a_market_without_signal_cannot_be_forecast(tmp_path: Path) -> None:
    market = MarketSettings(stocks=20, days=60, signal=0)
    means, count = oracle_rank_ics(simulate(str(tmp_path / "noise"), market))
    assert all(np.isnan(mean) for mean in means.values())
    assert count == 0


def test_a_market_shorter_than_the_label_has_no_dates(market_folder: Path, tmp_path: Path) -> None:
    for name in ("daily", "oracle"):
        table = pl.read_parquet(market_folder / f"{name}.parquet")
        first = sorted(table["date"].unique())[:5]
        table.filter(pl.col("date").is_in(first)).write_parquet(tmp_path / f"{name}.parquet")
    assert oracle_rank_ics(tmp_path)[1] == 0


def test_empty_cells_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pl.DataFrame({"x": [1, None, 3, None], "y": ["a", "b", None, "d"]}).write_parquet(
        file, row_group_size=2
    )
    assert count_nulls(file) == (4, {"x": 2, "y": 1})
    folder = tmp_path / "days"
    folder.mkdir()
    for day in ("2020-01-02", "2020-01-03"):
        shutil.copy(file, folder / f"{day}.parquet")
    assert count_nulls(folder) == (8, {"x": 4, "y": 2})


def test_tables_that_are_missing_damaged_or_lack_a_column_are_named(
    market_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ArtefactError, match=r"daily\.parquet is missing or damaged"):
        oracle_rank_ics(tmp_path)
    shutil.copy(market_folder / "daily.parquet", tmp_path)
    (tmp_path / "oracle.parquet").write_bytes(b"PAR1 and nothing")
    for read in (oracle_rank_ics, lambda folder: count_nulls(folder / "oracle.parquet")):
        with pytest.raises(ArtefactError, match=r"oracle\.parquet is missing or damaged"):
            read(tmp_path)
    pl.DataFrame({"date": [1], "symbol": ["a"]}).write_parquet(tmp_path / "oracle.parquet")
    with pytest.raises(ArtefactError, match="expected"):
        oracle_rank_ics(tmp_path)
