"""Bars of a minute table against a plain loop over its rows."""

import datetime as dt
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pytest

from alpha_lightning.characteristics.exchange import Exchange, MinuteFeed
from alpha_lightning.characteristics.feed import minute_feed
from alpha_lightning.characteristics.feed_index import index_feed
from alpha_lightning.characteristics.intraday import IntradayBars
from alpha_lightning.characteristics.minute_table import DayBars, minute_days

CN = Exchange(
    "cn", "Asia/Shanghai", [("09:30", "11:30"), ("13:00", "15:00")], lot=100,
    opening_auction=("09:15", "09:30"), closing_auction=("14:57", "15:00"),
)  # fmt: skip
DAY = dt.date(2024, 1, 2)
PRICES = ("open", "high", "low", "close")
Row = dict[str, Any]


def clock_of(place: int, length: int, stamp: str) -> dt.datetime:
    """The stamp of a bar, found by walking through the day; -1 is the opening auction."""
    if place < 0:
        return dt.datetime.combine(DAY, dt.time(9, 25))
    minute = 570 + length * place
    minute += 90 if minute >= 690 else 0
    minute += length if stamp == "end" else 0
    return dt.datetime.combine(DAY, dt.time()) + dt.timedelta(minutes=minute)


def random_rows(length: int, stamp: str, rng: np.random.Generator) -> list[Row]:
    """Bars of five stocks with gaps and empty bars; ZZ trades in the auction only."""
    rows = []
    for symbol in ("A", "B", "C", "D", "ZZ"):
        for place in range(-1, 240 // length):
            if rng.random() < 0.2 or (symbol == "ZZ" and place >= 0):
                continue
            low, high = np.sort(rng.uniform(9, 11, 2))
            opened, close = rng.uniform(low, high, 2)
            volume = float(rng.integers(1, 50)) if rng.random() < 0.9 or symbol == "ZZ" else 0.0
            stated = {"open": opened, "high": high, "low": low, "close": close}
            time = clock_of(place, length, stamp)
            bar = {"time": time, "symbol": symbol, **stated, "volume": volume}
            rows.append(bar | {"amount": volume * close, "place": place})
    return rows


def bars_by_hand(rows: list[Row], symbols: list[str], length: int, shares: int) -> dict[str, Any]:
    n, width = len(symbols), 240 // length
    out: dict[str, Any] = {name: np.full((n, width), np.nan) for name in PRICES}
    out |= {name: np.zeros((n, width)) for name in ("volume", "amount")}
    out |= {
        "auction_price": np.full(n, np.nan),
        "auction_volume": np.zeros(n),
        "auction_amount": np.zeros(n),
    }
    for row in rows:
        k, j = symbols.index(row["symbol"]), row["place"]
        if row["volume"] == 0:
            continue
        if j < 0:
            out["auction_price"][k] = row["close"]
            out["auction_volume"][k] += row["volume"] * shares
            out["auction_amount"][k] += row["amount"]
            continue
        for name in (*PRICES, "amount"):
            out[name][k, j] = row[name]
        out["volume"][k, j] = row["volume"] * shares
    last = width - 3 // length if 3 % length == 0 else None
    unknown = np.full(n, np.nan)
    out["closing_amount"] = unknown if last is None else out["amount"][:, last:].sum(axis=1)
    return out


def read(folder: Path, frame: pl.DataFrame, exchange: Exchange, length: int) -> DayBars:
    folder.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(folder / "bars.parquet")
    index = index_feed(minute_feed(folder, exchange), folder.parent / "index.parquet")
    (day,) = minute_days(index, [DAY], {DAY: 60 * length})
    return day


@pytest.mark.parametrize("length", [1, 2, 3, 5, 6, 10, 15, 30])
@pytest.mark.parametrize("stamp", ["end", "start"])
@pytest.mark.parametrize("order", ["symbol", "time", "random"])
def test_bars_are_where_a_loop_puts_them(
    tmp_path: Path, length: int, stamp: Literal["end", "start"], order: str
) -> None:
    rng = np.random.default_rng(length)
    rows = random_rows(length, stamp, rng)
    frame = pl.DataFrame(rows).drop("place")
    shuffled = (
        frame.sort("time") if order == "time" else frame.sample(fraction=1, shuffle=True, seed=1)
    )
    exchange = replace(CN, minute=MinuteFeed(stamp=stamp, volume_unit="lots"))
    day = read(tmp_path / "t", frame if order == "symbol" else shuffled, exchange, length)
    symbols = day.symbols.tolist()
    assert symbols == sorted({row["symbol"] for row in rows})
    expected = bars_by_hand(rows, symbols, length, 100)
    for name in (field.name for field in fields(IntradayBars)):
        np.testing.assert_allclose(
            getattr(day.bars, name), expected[name], rtol=1e-12, err_msg=name
        )
    traded = [row for row in rows if row["volume"] > 0]
    for k, symbol in enumerate(symbols):
        own = [row for row in traded if row["symbol"] == symbol]
        assert day.facts.trades[k] == len(own)
        assert day.facts.continuous[k] == len([row for row in own if row["place"] >= 0])
        assert day.facts.day_volume[k] == 100 * sum(row["volume"] for row in own)
    assert day.sifting.rows == len(rows)
    assert day.sifting.bad == {}


def simple(**changes: Any) -> Row:
    price = dict.fromkeys(PRICES, 10.0)
    time = dt.datetime.combine(DAY, dt.time(9, 35))
    return {"time": time, "symbol": "A", **price, "volume": 7.0, "amount": 70.0} | changes


def at(hour: int, minute: int, second: int = 0) -> dt.datetime:
    return dt.datetime.combine(DAY, dt.time(hour, minute, second))


def test_an_auction_in_several_bars(tmp_path: Path) -> None:
    rows = [
        simple(time=at(9, 20), volume=0.0, amount=0.0, close=1.0, low=1.0),
        simple(time=at(9, 25), volume=3.0, amount=30.0),
        simple(time=at(9, 30), volume=1.0, amount=11.0, close=11.0, high=11.0),
        simple(symbol="B"),
    ]
    for number, some in enumerate((rows, rows[::-1])):
        bars = read(tmp_path / str(number) / "t", pl.DataFrame(some), CN, 5).bars
        np.testing.assert_array_equal(bars.auction_price, [10.0, np.nan])
        assert bars.auction_volume.tolist() == [4, 0]
        assert bars.auction_amount.tolist() == [41, 0]


def test_an_auction_that_is_not_told_apart(tmp_path: Path) -> None:
    bars = read(tmp_path / "t", pl.DataFrame([simple()]), CN, 5).bars
    for values in (bars.auction_price, bars.auction_volume, bars.auction_amount):
        assert np.isnan(values).all()


def test_money_that_is_not_known(tmp_path: Path) -> None:
    day = read(
        tmp_path / "t", pl.DataFrame([simple(), simple(time=at(9, 25))]).drop("amount"), CN, 5
    )
    assert np.isnan(day.bars.amount[0, 0])
    assert day.bars.amount[0, 1:].sum() == 0
    assert np.isnan(day.bars.auction_amount[0])
    assert day.sifting.bad == {}


def test_empty_bars_may_say_anything_of_prices(tmp_path: Path) -> None:
    empty = simple(time=at(9, 40), volume=0.0, open=None, high=0.0, low=-1.0, close=float("nan"))
    day = read(tmp_path / "t", pl.DataFrame([simple(), empty | {"amount": 0.0}]), CN, 5)
    assert day.sifting.bad == {}
    assert np.isnan(day.bars.close[0, 1:]).all()


def test_rounding_of_single_precision_is_no_mistake(tmp_path: Path) -> None:
    close = float(np.float32(10.1))
    day = read(tmp_path / "t", pl.DataFrame([simple(close=close, high=10.1)]), CN, 5)
    assert close > 10.1
    assert day.sifting.bad == {}
    day = read(tmp_path / "t", pl.DataFrame([simple(close=10.2, high=10.1)]), CN, 5)
    assert day.sifting.bad == {"close outside [low, high]": 1}
    assert day.symbols.tolist() == []
    assert day.bars.close.shape == (0, 48)


def test_repeated_bars_count_once_and_contradictions_not_at_all(tmp_path: Path) -> None:
    rows = [
        simple(),
        simple(symbol="B"),
        simple(),
        simple(symbol="C"),
        simple(symbol="C", volume=8.0),
    ]
    day = read(tmp_path / "t", pl.DataFrame([*rows, simple(symbol="C", time=at(9, 40))]), CN, 5)
    assert day.symbols.tolist() == ["A", "B", "C"]
    assert day.facts.duplicates.tolist() == [1, 0, 0]
    assert day.facts.day_volume.tolist() == [7, 7, 7]
    assert day.sifting.left_out == {"repeated": 1}
    assert day.sifting.bad == {"other bars of the same symbol and time differ": 2}
    assert [row["row"] for row in day.sifting.first] == [4, 5]


@pytest.mark.parametrize("doubtful", ["A", "B", "C"])
def test_repeats_of_a_stock_whose_rows_are_all_in_doubt(tmp_path: Path, doubtful: str) -> None:
    sure = [simple(symbol=symbol) for symbol in "ABC" if symbol != doubtful]
    other = simple(symbol=doubtful, close=11.0, high=11.0)
    twice = [simple(symbol=doubtful), simple(symbol=doubtful), other]
    day = read(tmp_path / "t", pl.DataFrame([*sure, *twice]), CN, 5)
    assert day.symbols.tolist() == [row["symbol"] for row in sure]
    assert day.facts.duplicates.tolist() == [0, 0]
    assert day.sifting.left_out == {"repeated": 1}
    assert day.sifting.bad == {"other bars of the same symbol and time differ": 2}
    assert [row["symbol"] for row in day.sifting.first] == [doubtful, doubtful]


@pytest.mark.parametrize("stray", [at(10, 1), at(10, 0, 30), at(9, 31), at(14, 59)])
def test_rows_off_the_grid_are_bad(tmp_path: Path, stray: dt.datetime) -> None:
    odd = simple(symbol="B", time=stray)
    long = replace(CN, extended_hours=("08:00", "17:00"))
    for number, exchange in enumerate((CN, long)):
        frame = pl.DataFrame([simple(), odd, simple(symbol="B")])
        day = read(tmp_path / str(number) / "t", frame, exchange, 5)
        assert day.sifting.bad == {"off the grid of bars of 5 minutes": 1}
        (told,) = day.sifting.first
        assert (told["file"], told["symbol"], told["time"]) == ("bars.parquet", "B", str(stray))
        assert day.facts.day_volume.tolist() == [7, 7]


def test_extended_hours_are_left_out_whatever_they_say(tmp_path: Path) -> None:
    long = replace(CN, extended_hours=("08:00", "17:00"))
    odd = [simple(time=at(16, 0), volume=-1.0), simple(time=at(12, 0, 30), close=None)]
    day = read(tmp_path / "t", pl.DataFrame([simple(), *odd]), long, 5)
    assert day.sifting.left_out == {"in the extended hours": 2}
    assert day.sifting.bad == {}
    assert day.facts.trades.tolist() == [1]


def test_days_of_two_lengths_one_after_another(tmp_path: Path) -> None:
    other = dt.date(2024, 1, 3)
    frame = pl.DataFrame([simple(), simple(time=dt.datetime.combine(other, dt.time(9, 31)))])
    (tmp_path / "t").mkdir()
    frame.write_parquet(tmp_path / "t" / "bars.parquet")
    index = index_feed(minute_feed(tmp_path / "t", CN), tmp_path / "index.parquet")
    found = list(minute_days(index, [DAY, other], {DAY: 300, other: 60}))
    assert [day.date for day in found] == [DAY, other]
    assert [day.bars.close.shape for day in found] == [(1, 48), (1, 240)]
