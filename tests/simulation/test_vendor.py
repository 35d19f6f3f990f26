from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from alpha_lightning.simulation import vendor
from alpha_lightning.simulation.market import Market, MarketDay
from alpha_lightning.simulation.vendor import SCHEMAS, write_tables

DATE, TEXT, NUMBER = pl.Date(), pl.String(), pl.Float64()
CONTRACT: dict[str, dict[str, pl.DataType]] = {
    "daily": {
        "date": DATE,
        "symbol": TEXT,
        "open": NUMBER,
        "high": NUMBER,
        "low": NUMBER,
        "close": NUMBER,
        "volume": pl.Int64(),
        "amount": NUMBER,
        "adj_factor": NUMBER,
        "limit_up": NUMBER,
        "limit_down": NUMBER,
        "suspended": pl.Boolean(),
        "st": pl.Boolean(),
        "list_date": DATE,
        "delist_date": DATE,
        "total_cap": NUMBER,
        "float_cap": NUMBER,
    },
    "index_members": {"date": DATE, "index": TEXT, "symbol": TEXT, "weight": NUMBER},
    "index_levels": {"date": DATE, "index": TEXT, "close": NUMBER},
    "industries": {"date": DATE, "symbol": TEXT, "industry": TEXT},
    "fundamentals": {
        "date": DATE,
        "symbol": TEXT,
        "book_equity": NUMBER,
        "net_assets": NUMBER,
        "net_profit_ttm": NUMBER,
        "sales_ttm": NUMBER,
        "state_share": NUMBER,
        "fund_share": NUMBER,
        "coverage": NUMBER,
    },
    "oracle": {
        "date": DATE,
        "symbol": TEXT,
        "expected_5": NUMBER,
        "expected_10": NUMBER,
        "expected_20": NUMBER,
        "expected_5g": NUMBER,
        "expected_10g": NUMBER,
        "expected_20g": NUMBER,
        "expected_10g_daily": NUMBER,
        "expected_10g_intraday": NUMBER,
        "expected_10g_trades": NUMBER,
        "attainable_10g": NUMBER,
    },
}


@pytest.mark.parametrize("name", list(CONTRACT))
def test_tables_have_the_columns_of_the_contract(lively_folder: Path, name: str) -> None:
    frame = pl.read_parquet(lively_folder / f"{name}.parquet")
    assert dict(frame.schema) == CONTRACT[name]
    assert list(CONTRACT) == list(SCHEMAS)
    key = [c for c in ("date", "index", "symbol") if c in frame.columns]
    assert not frame.select(key).is_duplicated().any()
    assert frame["date"].is_sorted()
    complete = set(frame.columns) - {"delist_date", "limit_up", "limit_down"}
    assert all(frame[column].null_count() == 0 for column in complete)
    floats = [c for c, d in frame.schema.items() if d.is_float()]
    assert all(frame[c].drop_nulls().is_finite().all() for c in floats)


def test_daily_rows_are_the_market(lively_folder: Path, lively: Market) -> None:
    daily = pl.read_parquet(lively_folder / "daily.parquet")
    oracle = pl.read_parquet(lively_folder / "oracle.parquet")
    assert daily.select("date", "symbol").equals(oracle.select("date", "symbol"))
    by_date = pl.concat([daily, oracle.drop("date", "symbol")], how="horizontal").partition_by(
        "date"
    )
    assert len(by_date) == len(lively)
    for day, rows in zip(lively, by_date, strict=True):
        shown = day.status.shown
        assert rows["symbol"].to_list() == lively.stocks.symbols[shown].tolist()
        assert rows["date"][0] == day.date.item()
        for name in ("open", "high", "low", "close", "volume", "amount"):
            assert (rows[name].to_numpy() == getattr(day.bars, name)[shown]).all()
        for name in ("adj_factor", "total_cap", "float_cap"):
            assert (rows[name].to_numpy() == getattr(day, name)[shown]).all()
        for name, values in day.expected.items():
            assert (rows[name].to_numpy() == values[shown]).all()
        assert (rows["st"].to_numpy() == day.special[shown]).all()
        for name, limit in (("limit_up", day.limits.up), ("limit_down", day.limits.down)):
            np.testing.assert_array_equal(rows[name].to_numpy(), limit[shown])
        assert (rows["suspended"].to_numpy() == ~day.status.traded[shown]).all()
        assert rows["list_date"].to_list() == lively.stocks.list_date[shown].tolist()
        assert rows["delist_date"].to_list() == day.status.delist_date[shown].tolist()


def test_index_weights_sum_to_one_on_every_date(lively_folder: Path, lively: Market) -> None:
    members = pl.read_parquet(lively_folder / "index_members.parquet")
    sums = members.group_by("date", "index").agg(pl.col("weight").sum())
    assert sums.height == 3 * len(lively)
    np.testing.assert_allclose(sums["weight"].to_numpy(), 1, atol=1e-12)
    levels = pl.read_parquet(lively_folder / "index_levels.parquet")
    assert levels.height == sums.height
    assert set(levels["index"]) == {"000985", "000300", "000905"}


def test_industries_are_told_from_when_they_hold(
    lively_folder: Path, lively_days: list[MarketDay], lively: Market
) -> None:
    rows = pl.read_parquet(lively_folder / "industries.parquet").partition_by("date", as_dict=True)
    known: dict[str, str] = {}
    for day in lively_days:
        fresh = rows.get((day.date.item(),))
        if fresh is not None:
            changes = dict(zip(fresh["symbol"], fresh["industry"], strict=True))
            assert all(known.get(symbol) != industry for symbol, industry in changes.items())
            known |= changes
        for n in np.flatnonzero(day.status.listed):
            assert known[lively.stocks.symbols[n]] == f"I{day.industry[n] + 1:02d}"


@pytest.mark.parametrize("rows", [1, 1000])
def test_row_groups_are_written_as_the_market_goes(
    tmp_path: Path, lively: Market, lively_folder: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(vendor, "_ROWS_PER_GROUP", rows)
    write_tables(lively, tmp_path)
    for name in SCHEMAS:
        file = f"{name}.parquet"
        assert pl.read_parquet(tmp_path / file).equals(pl.read_parquet(lively_folder / file))
    daily = pq.ParquetFile(tmp_path / "daily.parquet")
    assert daily.num_row_groups > 5
