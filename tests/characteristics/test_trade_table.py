"""Prints of a trade table against a plain loop over its rows."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pytest

from alpha_lightning.characteristics.exchange import Exchange, TradeFeed
from alpha_lightning.characteristics.feed import trade_feed
from alpha_lightning.characteristics.feed_index import index_feed
from alpha_lightning.characteristics.intraday import CLOSING, CONTINUOUS, OPENING
from alpha_lightning.characteristics.stock_facts import StockFacts
from alpha_lightning.characteristics.trade_table import DayPrints, trade_days

CN = Exchange(
    "cn", "Asia/Shanghai", [("09:30", "11:30"), ("13:00", "15:00")], lot=100,
    opening_auction=("09:15", "09:30"), closing_auction=("14:57", "15:00"),
    trades=TradeFeed(delay_seconds=5, orders_in_time=True),
)  # fmt: skip
DAY = dt.date(2024, 1, 2)
Row = dict[str, Any]


def at(second: float) -> dt.datetime:
    return dt.datetime.combine(DAY, dt.time()) + dt.timedelta(seconds=second)


def read(folder: Path, rows: list[Row], exchange: Exchange = CN) -> DayPrints:
    folder.mkdir(exist_ok=True)
    types = {"side": pl.String, "buy_order": pl.Int64, "sell_order": pl.Int64}
    schema = {name: dtype for name, dtype in types.items() if name in rows[0]}
    pl.DataFrame(rows, schema_overrides=schema).write_parquet(folder / "trades.parquet")
    index = index_feed(trade_feed(folder, exchange), folder.parent / "index.parquet")
    (day,) = trade_days(index, [DAY])
    return day


def simple(second: float = 36000, **changes: Any) -> Row:
    row = {"time": at(second), "symbol": "A", "price": 10.0, "volume": 100.0, "side": "B"}
    return row | {"buy_order": 5, "sell_order": 4} | changes


def random_rows(rng: np.random.Generator, count: int = 600) -> list[Row]:
    """Trades of four stocks, several a second, with sides and orders of all sorts."""
    seconds = rng.choice([33900, 54001, 54005, *range(34200, 34260), *range(46800, 46830)], count)
    return [
        simple(
            float(second),
            symbol=str(rng.choice(["A", "B", "C", "D"])),
            price=float(rng.integers(900, 1100)) / 100,
            volume=float(rng.integers(1, 9)),
            side=("B", "S", "N", None)[rng.integers(4)],
            buy_order=int(rng.integers(1, 50)) if rng.random() < 0.9 else None,
            sell_order=int(rng.integers(1, 50)) if rng.random() < 0.9 else 0,
        )
        for second in seconds
    ]


def prints_by_hand(rows: list[Row]) -> tuple[list[tuple[Any, ...]], dict[str, int]]:
    """(stock, clock, price, volume, sign, phase, aggressor) of each print, and crossed by stock."""
    symbols = sorted({row["symbol"] for row in rows})
    out, crossed = [], dict.fromkeys(symbols, 0)
    for row in sorted(rows, key=lambda row: (row["symbol"], row["time"])):
        second = (row["time"] - at(0)).total_seconds()
        phase = OPENING if second < 34200 else CLOSING if second > 53825 else CONTINUOUS
        clock = 0.0 if phase == OPENING else second - 34200 - 5400 * (second >= 46800)
        sign = {"B": 1, "S": -1}.get(row["side"], 0)
        buy, sell = row["buy_order"] or 0, row["sell_order"] or 0
        aggressor = sign
        if phase == CONTINUOUS and buy and sell and buy != sell:
            aggressor = 1 if buy > sell else -1
            sign = aggressor if row["side"] is None else sign
            if sign == -aggressor:
                sign = 0
                crossed[row["symbol"]] += 1
        order = {1: ("buy", buy), -1: ("sell", sell), 0: None}[aggressor]
        known = order if order and order[1] else None
        place = symbols.index(row["symbol"])
        out.append(
            (place, min(clock, 14400.0), row["price"], row["volume"] * 100, sign, phase, known)
        )
    return out, crossed


@pytest.mark.parametrize("order", ["symbol", "time", "random"])
def test_prints_are_what_a_loop_makes_of_them(tmp_path: Path, order: str) -> None:
    rng = np.random.default_rng(7)
    rows = random_rows(rng)
    keys = ("time", "symbol", "price", "volume", "side", "buy_order", "sell_order")
    rows = list({tuple(row[key] for key in keys): row for row in rows}.values())  # none repeated
    if order != "random":
        rows.sort(key=lambda row: row["time"] if order == "time" else (row["symbol"], row["time"]))
    exchange = replace(CN, trades=replace(CN.trades, volume_unit="lots"))
    day = read(tmp_path / "t", rows, exchange)
    expected, crossed = prints_by_hand(rows)
    prints = day.prints
    assert prints.order is not None
    columns = (prints.stock, prints.clock, prints.price, prints.volume, prints.sign, prints.phase)
    found = list(zip(*(column.tolist() for column in columns), strict=True))
    assert found == [row[:6] for row in expected]
    numbers: dict[Any, set[int]] = {}
    for k, row in enumerate(expected):
        numbers.setdefault(row[6] or ("alone", k), set()).add(int(prints.order[k]))
    assert all(len(own) == 1 for own in numbers.values())  # an order is one number,
    assert len(set().union(*numbers.values())) == len(numbers)  # and a number one order
    assert day.facts.crossed.tolist() == list(crossed.values())
    assert sum(crossed.values()) > 20
    volume = np.bincount([row[0] for row in expected], [row[3] for row in expected])
    np.testing.assert_array_equal(day.facts.day_volume, volume)
    continuous = np.bincount([row[0] for row in expected if row[5] == CONTINUOUS])
    np.testing.assert_array_equal(day.facts.continuous, continuous)
    lost = [
        (row["symbol"], row["side"])
        for row in rows
        if 34200 <= (row["time"] - at(0)).total_seconds() <= 53825
    ]
    assert day.facts.unsided.tolist() == [lost.count((symbol, None)) for symbol in "ABCD"]
    assert 0 < day.facts.by_order.sum() < day.facts.unsided.sum()


def test_sides_that_are_missing_take_the_sign_of_the_last_change(tmp_path: Path) -> None:
    prices = [10.0, 11.0, 11.0, 10.5, 10.5]
    sides = [None, None, "S", None, "N"]
    rows = [
        simple(36000 + k, price=p, side=s)
        for k, (p, s) in enumerate(zip(prices, sides, strict=True))
    ]
    plain = [{k: v for k, v in row.items() if "order" not in k} for row in rows]
    half = replace(CN, trades=TradeFeed(missing_side="half"))
    assert read(tmp_path / "h", plain, half).prints.sign.tolist() == [0, 0, -1, 0, 0]
    tick = replace(CN, trades=TradeFeed(missing_side="tick"))
    day = read(tmp_path / "t", plain, tick)
    assert day.prints.sign.tolist() == [0, 1, -1, -1, 0]
    assert day.facts.unsided.tolist() == [3]
    bare = [{k: v for k, v in row.items() if k != "side"} for row in plain]
    day = read(tmp_path / "b", bare, tick)
    assert day.prints.sign.tolist() == [0, 1, 1, -1, -1]
    assert day.prints.order is None
    assert (day.facts.unsided == day.facts.continuous).all()


@pytest.mark.parametrize("missing_side", ["half", "tick"])
@pytest.mark.parametrize("has_column", [True, False])
def test_order_numbers_tell_the_sides_that_are_missing(
    tmp_path: Path, missing_side: Literal["half", "tick"], has_column: bool
) -> None:
    # Prices rise, so that the tick rule alone would take each trade for a buy.
    orders = [(5, 4), (6, 7), (8, 8), (9, None), (10, 0)]
    rows = [
        simple(36000 + k, price=10.0 + k, side=None, buy_order=b, sell_order=s)
        for k, (b, s) in enumerate(orders)
    ]
    rows.append(simple(54000, price=10.0, side=None, buy_order=11, sell_order=12))
    if not has_column:
        rows = [{k: v for k, v in row.items() if k != "side"} for row in rows]
        if missing_side == "half":
            return  # such a table is refused
    trades = replace(CN.trades, missing_side=missing_side)
    day = read(tmp_path / "t", rows, replace(CN, trades=trades))
    # Nobody is the aggressor in the closing auction.
    guess = {"half": [0, 0, 0, 0], "tick": [1, 1, 1, 0]}[missing_side]
    assert day.prints.sign.tolist() == [1, -1, *guess]
    assert day.facts.by_order.tolist() == [2]
    assert day.facts.crossed.tolist() == [0]  # no side was given that they could contradict
    assert day.facts.unsided.tolist() == [5]
    unordered = replace(trades, orders_in_time=False)
    day = read(tmp_path / "u", rows, replace(CN, trades=unordered))
    assert day.facts.by_order.tolist() == [0]


def test_other_words_for_sides(tmp_path: Path) -> None:
    words = replace(CN, trades=TradeFeed(sides={"1": "buy", "2": "sell", "auction": "neither"}))
    rows = [
        simple(36000 + k, side=s, buy_order=None)
        for k, s in enumerate(("1", "2", "auction", "", "B"))
    ]
    day = read(tmp_path / "t", rows, words)
    assert day.prints.sign.tolist() == [1, -1, 0, 0]
    assert day.sifting.bad == {"unknown side": 1}
    assert day.sifting.first[0]["values"]["side"] == "B"


def test_repeated_rows_go_only_when_orders_tell(tmp_path: Path) -> None:
    rows = [simple(), simple(36000.5), simple(), simple(volume=200.0), simple(symbol="B")]
    day = read(tmp_path / "t", rows)
    assert day.prints.volume.tolist() == [100, 200, 100, 100]
    assert day.facts.duplicates.tolist() == [1, 0]
    assert day.sifting.left_out == {"repeated": 1}
    plain = [{k: v for k, v in row.items() if "order" not in k} for row in rows]
    day = read(tmp_path / "p", plain)
    assert day.prints.volume.tolist() == [100, 100, 200, 100, 100]
    assert day.facts.duplicates.tolist() == [1, 0]
    assert day.sifting.left_out == {}
    for lost in ({"buy_order": None, "sell_order": None}, {"buy_order": 0}, {"sell_order": None}):
        empty = [row | lost for row in rows]
        again = read(tmp_path / "e", empty)
        assert again.prints.volume.tolist() == day.prints.volume.tolist()
        assert again.sifting.left_out == {}
        assert (again.prints.order is None) == (len(lost) == 2)


def test_rows_that_are_left_out_and_rows_that_are_wrong(tmp_path: Path) -> None:
    long = replace(CN, extended_hours=("08:00", "17:00"))
    rows = [
        simple(),
        simple(volume=0.0, price=0.0),
        simple(60000, price=-1.0),
        simple(28000),
        simple(price=float("inf")),
        simple(price=None),
        simple(volume=float("inf")),
        simple(symbol=None),
        simple(symbol="  "),
        simple(symbol="Z", volume=0.0),
    ]
    day = read(tmp_path / "t", rows, long)
    assert day.symbols.tolist() == ["A"]
    assert day.facts.trades.tolist() == [1]
    assert day.sifting.left_out == {"in the extended hours": 1, "of volume 0": 2}
    assert day.sifting.bad == {
        "infinite price": 1,
        "infinite volume": 1,
        "missing price": 1,
        "no symbol": 2,
        "outside the sessions": 1,
    }
    assert day.sifting.rows == 10


def test_a_day_on_which_nothing_is_left(tmp_path: Path) -> None:
    day = read(tmp_path / "t", [simple(volume=0.0)])
    assert day.symbols.tolist() == []
    assert len(day.prints.stock) == 0
    assert day.facts.matrix().shape == (0, len(StockFacts.names()))
