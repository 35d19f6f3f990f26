"""Rows that cannot be true: refused, dropped or masked, through the command line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel.store import Panel

Bars = Callable[..., pl.DataFrame]
Ingested = Callable[..., Any]
ROW = 7  # of the frame: B on 2024-01-04, close 11.2
PRICES = ("open", "high", "low", "close")


def spoil(frame: pl.DataFrame, row: int = ROW, **values: Any) -> pl.DataFrame:
    here = pl.int_range(pl.len()) == row
    return frame.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(name).alias(name)
        for name, value in values.items()
    )


# What is wrong with the row, what is said about it, and which fields masking takes away.
BAD_VALUES: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [
    ({"close": -11.2}, "zero or negative close", ("close",)),
    ({"open": 0.0}, "zero or negative open", ("open",)),
    ({"low": 0.0}, "zero or negative low", ("low",)),
    ({"adj_factor": 0.0}, "zero or negative adj_factor", ()),  # the last factor holds on
    ({"vwap": -1.0}, "zero or negative vwap", ("vwap", "amount")),
    ({"high": 11.0}, "high below low", PRICES),
    ({"close": 11.5}, "close outside [low, high]", PRICES),
    ({"open": 5.0}, "open outside [low, high]", ("open", "high", "low")),
    ({"close": float("inf")}, "infinite close", PRICES),  # no close, no trade
    ({"open": float("-inf")}, "infinite open", ("open",)),
    ({"high": float("inf")}, "infinite high", ("high",)),
    ({"volume": float("inf")}, "infinite volume", (*PRICES, "volume")),  # no volume, no trade
    ({"volume": -5.0}, "negative volume", (*PRICES, "volume")),
    ({"total_cap": -5.0}, "negative total_cap", ()),  # the last value holds on
    (dict.fromkeys(PRICES, 0.0) | {"volume": 0.0}, "zero or negative open", (*PRICES, "volume")),
]


def complete(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(vwap=pl.col("close"), adj_factor=pl.lit(2.0), total_cap=pl.lit(1e6))


@pytest.mark.parametrize(("values", "reason", "masked"), BAD_VALUES)
def test_a_bad_value(
    ingested: Ingested,
    bars: Bars,
    values: dict[str, Any],
    reason: str,
    masked: tuple[str, ...],
) -> None:
    good = complete(bars())
    bad = spoil(good, **values)
    status, message, _ = ingested(bad)
    assert status == 1
    assert f"error: 1 bad row ({reason}: 1)" in message
    assert f"daily.parquet row {ROW + 1}, 2024-01-04 B: {reason} [open " in message
    assert "--bad-rows drop" in message
    assert "--bad-rows mask" in message

    panels = {}
    for name, frame, mode in (
        ("good", good, "refuse"),
        ("mask", bad, "mask"),
        ("drop", bad, "drop"),
    ):
        status, message, out = ingested(frame, "--bad-rows", mode, "--overwrite", "true")
        assert (status, message) == (0, "")
        panels[name] = Panel.open(out)
        panels[name].meta["arrays"] = {
            field: np.array(panels[name].market(field)) for field in panels["good"].meta["market"]
        }
    assert panels["mask"].meta["bad_rows"]["counts"] == {reason: 1}
    assert panels["mask"].meta["bad_rows"]["first"][0]["row"] == ROW + 1
    assert any(f"1 bad row ({reason}: 1): kept" in said for said in panels["mask"].switched_off)
    assert any(f"1 bad row ({reason}: 1): left out" in said for said in panels["drop"].switched_off)
    for field, expected in panels["good"].meta["arrays"].items():
        for mode, lost in (("mask", masked), ("drop", (*PRICES, "volume", "amount", "vwap"))):
            changed = panels[mode].meta["arrays"][field] != expected
            traded = changed & ~np.isnan(expected)
            where = {(2, 1)} if field in _lost(lost) else set()
            assert set(zip(*np.nonzero(traded), strict=True)) == where, (mode, field)


def _lost(masked: tuple[str, ...]) -> set[str]:
    # Without a close or a volume the stock did not trade: prices are missing, amounts 0.
    whole = {*PRICES, "vwap", "volume", "amount"}
    return whole if "close" in masked else set(masked)


def test_the_first_twenty_are_listed_and_all_are_counted(ingested: Ingested, bars: Bars) -> None:
    frame = bars(days=60)
    for row in range(0, 75, 3):
        frame = spoil(frame, row, open=-1.0)
    for row in range(1, 30, 3):
        frame = spoil(frame, row, volume=-1.0)
    status, message, _ = ingested(frame)
    assert status == 1
    assert "35 bad rows (zero or negative open: 25; negative volume: 10). The first:" in message
    listed = [line for line in message.splitlines() if line.startswith("  daily.parquet row ")]
    assert len(listed) == 20
    assert [int(line.split()[2].rstrip(",")) for line in listed][:4] == [1, 2, 4, 5]
    record = Panel.open(ingested(frame, "--bad-rows", "mask")[2]).meta["bad_rows"]
    assert record["rows"] == 35
    assert record["mode"] == "mask"
    assert len(record["first"]) == 20
    assert record["first"][0] | {"values": {}} == {
        "file": "daily.parquet",
        "row": 1,
        "date": "2024-01-02",
        "symbol": "A",
        "reason": "zero or negative open",
        "values": {},
    }


def test_values_within_rounding_are_no_mistakes(ingested: Ingested, bars: Bars) -> None:
    frame = spoil(bars(), close=11.3 * (1 + 5e-7), high=11.3)
    assert ingested(frame)[0] == 0
    assert (
        ingested(spoil(bars(), close=11.3 * (1 + 5e-6), high=11.3), "--overwrite", "true")[0] == 1
    )


def test_a_missing_bar_is_not_a_bad_one(ingested: Ingested, bars: Bars) -> None:
    status, _, out = ingested(spoil(bars(), open=None, high=None, low=None, close=None, volume=0.0))
    assert status == 0
    assert not Panel.open(out).traded[2, 1]


@pytest.mark.parametrize("mode", ["drop", "mask"])
def test_repeated_rows_are_one(ingested: Ingested, bars: Bars, mode: str) -> None:
    frame = pl.concat([bars(), bars().slice(ROW, 2)])
    status, message, _ = ingested(frame)
    assert status == 1
    assert "2 bad rows (row repeated: 2)" in message
    assert "daily.parquet row 91, 2024-01-04 B: row repeated" in message
    kept = Panel.open(ingested(frame, "--bad-rows", mode)[2]).fingerprint
    assert kept == Panel.open(ingested(bars(), "--overwrite", "true")[2]).fingerprint


@pytest.mark.parametrize("mode", ["drop", "mask"])
def test_rows_that_contradict_each_other_are_both_out(
    ingested: Ingested, bars: Bars, mode: str
) -> None:
    frame = pl.concat([bars(), spoil(bars(), close=11.25).slice(ROW, 1)])
    status, message, _ = ingested(frame)
    assert status == 1
    assert "(other rows of the same date and symbol differ: 2)" in message
    assert "row 8, 2024-01-04 B" in message
    assert "row 91, 2024-01-04 B" in message
    panel = Panel.open(ingested(frame, "--bad-rows", mode)[2])
    assert np.argwhere(~panel.traded).tolist() == [[2, 1]]


@pytest.mark.parametrize("mode", ["drop", "mask"])
def test_symbols_that_differ_only_by_case(ingested: Ingested, bars: Bars, mode: str) -> None:
    frame = spoil(spoil(bars(), symbol="b"), 8, symbol=" ")
    status, message, _ = ingested(frame)
    assert status == 1
    assert "2024-01-04 b: symbol differs from another only by case" in message
    assert "2024-01-04 None: no symbol" in message
    panel = Panel.open(ingested(frame, "--bad-rows", mode)[2])
    assert panel.symbols.tolist() == ["A", "B", "C"]
    assert np.argwhere(~panel.traded).tolist() == [[2, 1], [2, 2]]


def test_the_spelling_seen_first_stays_however_many_follow(ingested: Ingested, bars: Bars) -> None:
    late = pl.col("date") > pl.date(2024, 1, 3)
    frame = bars().with_columns(
        symbol=pl.when(late & (pl.col("symbol") == "A")).then(pl.lit("a")).otherwise("symbol")
    )
    panel = Panel.open(ingested(frame, "--bad-rows", "drop")[2])
    assert panel.symbols.tolist() == ["A", "B", "C"]
    assert np.flatnonzero(panel.traded[:, 0]).tolist() == [0, 1]


@pytest.mark.parametrize("mode", ["drop", "mask"])
def test_rows_on_days_without_trading(ingested: Ingested, bars: Bars, mode: str) -> None:
    sunday = bars(days=1).with_columns(date=pl.date(2024, 1, 7))
    frame = pl.concat([bars(), sunday])
    status, message, _ = ingested(frame)
    assert status == 1
    assert "3 bad rows (not a trading day: 3)" in message
    assert "row 91, 2024-01-07 A: not a trading day" in message
    assert "--calendar" in message
    kept = Panel.open(ingested(frame, "--bad-rows", mode)[2]).fingerprint
    assert kept == Panel.open(ingested(bars(), "--overwrite", "true")[2]).fingerprint


@pytest.mark.parametrize("mode", ["drop", "mask"])
def test_what_cannot_be_read(ingested: Ingested, bars: Bars, mode: str) -> None:
    text = bars().with_columns(pl.all().cast(pl.String))
    frame = spoil(spoil(spoil(text, open="11,1"), 8, date="2024-01-99"), 9, symbol="")
    status, message, _ = ingested(frame, file="daily.csv")
    assert status == 1
    assert "daily.csv row 8, 2024-01-04 B: value that is not of the column's type" in message
    assert "(open '11,1')" in message
    assert "row 9, None C: no readable date (date '2024-01-99')" in message
    assert "row 10, 2024-01-05 None: no symbol" in message
    panel = Panel.open(ingested(frame, "--bad-rows", mode, file="daily.csv")[2])
    out = [[2, 2], [3, 0]] if mode == "mask" else [[2, 1], [2, 2], [3, 0]]
    assert np.argwhere(~panel.traded).tolist() == out
    assert np.isnan(panel.market("open")[2, 1])


def test_nothing_but_bad_rows(ingested: Ingested, bars: Bars) -> None:
    frame = bars(days=1).with_columns(date=pl.date(2024, 1, 7))
    for mode in ("drop", "mask"):
        status, message, _ = ingested(frame, "--bad-rows", mode)
        assert status == 1
        assert "no row is left without the bad ones" in message
