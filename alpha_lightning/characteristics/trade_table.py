"""From rows of a trade table to `Prints`, day by day.

``trade_days(index, days)`` reads a few days and yields a `DayPrints` for each.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.characteristics.day_rows import DayRows, read_days
from alpha_lightning.characteristics.feed import Feed
from alpha_lightning.characteristics.feed_index import FeedIndex
from alpha_lightning.characteristics.feed_scan import FileScan
from alpha_lightning.characteristics.intraday import CONTINUOUS, OPENING, Floats, Prints
from alpha_lightning.characteristics.session_clock import (
    LEFT_OUT,
    NOWHERE,
    PhaseTable,
    trading_clock,
)
from alpha_lightning.characteristics.sifting import (
    EXTENDED_HOURS,
    NO_SYMBOL,
    OUTSIDE_HOURS,
    UNKNOWN_SIDE,
    UNREADABLE,
    Check,
    Sifting,
    checks_of,
    without_bad,
)
from alpha_lightning.characteristics.signs import tick_signs
from alpha_lightning.characteristics.stock_facts import StockFacts, range_of_prints

Integers = NDArray[np.int64]
_SIGNS = {"buy": 1, "sell": -1, "neither": 0}
_UNKNOWN = 9
Table = dict[str, NDArray[Any]]
_ORDERS = ("buy_order", "sell_order")
_CONTENT = ("stock", "time", "price", "volume", "_sign", *_ORDERS)
_COLUMNS = ("price", "volume", "_sign", "_phase")


@dataclass(frozen=True)
class DayPrints:
    """Trades of one day.

    Args:
        date: of the day.
        symbols: ``(N,)`` of the stocks with a row, sorted.
        prints: of these stocks.
        facts: counted for each stock.
        sifting: what became of the rows.
    """

    date: dt.date
    symbols: NDArray[np.str_]
    prints: Prints
    facts: StockFacts
    sifting: Sifting


def trade_days(index: FeedIndex, days: Sequence[dt.date]) -> Iterator[DayPrints]:
    """Read days of a trade table, a few at a time.

    Args:
        index: the table and where its days are.
        days: days of the table, ascending.

    Raises:
        CharacteristicsError: a file that cannot be read.
    """
    feed = index.feed
    settle = partial(_day_prints, feed=feed, phases=PhaseTable.of(feed.exchange))
    yield from read_days(index, days, partial(_tagged, feed=feed), settle)


def _tagged(scan: FileScan, feed: Feed) -> pl.LazyFrame:
    return scan.frame.with_columns(_sign=_sign(feed))


def _sign(feed: Feed) -> pl.Expr:
    # A chain of a few comparisons is quicker than a look-up of text.
    side = pl.col("side")
    cases = [
        pl.when(side == name).then(pl.lit(_SIGNS[meaning], dtype=pl.Int8))
        for name, meaning in feed.exchange.trades.sides.items()
    ]
    return pl.coalesce(*cases, pl.when(side != "").then(pl.lit(_UNKNOWN, dtype=pl.Int8)))


def _checks() -> list[Check]:
    price, traded = pl.col("price"), pl.col("volume") != 0
    checks = [
        (UNREADABLE, pl.col("_unreadable").is_not_null()),
        (NO_SYMBOL, pl.col("_code") < 0),
        (OUTSIDE_HOURS, pl.col("_phase") == NOWHERE),
        *checks_of("volume"),
        ("missing price", traded & price.is_null()),
        ("zero or negative price", traded & (price <= 0)),
        ("infinite price", traded & price.is_infinite()),
        (UNKNOWN_SIDE, traded & (pl.col("_sign") == _UNKNOWN)),
    ]
    here = pl.col("_phase") != LEFT_OUT
    return [(reason, wrong & here) for reason, wrong in checks]


_CHECKS = _checks()


def _doubtful(frame: pl.DataFrame) -> NDArray[np.bool_]:
    # Most tables are right: a few comparisons tell, and the rows that fail one are looked at.
    price, volume, sign = (frame[c].to_numpy() for c in ("price", "volume", "_sign"))
    fine = (price > 0) & (price < np.inf) & (volume > 0) & (volume < np.inf)
    return np.asarray(~(fine & (frame["_phase"].to_numpy() != NOWHERE) & (sign != _UNKNOWN)))


def _day_prints(rows: DayRows, feed: Feed, phases: PhaseTable) -> DayPrints:
    rows = rows.tag("_phase", phases.at(rows.clock()))
    rows, sifting = without_bad(rows, _doubtful(rows.frame), _CHECKS, feed)
    rows, left_out = _without_idle(rows)
    symbols, stock = rows.stocks()
    table = _sorted(rows, stock)
    twice = _said_before(table)
    duplicates = np.bincount(table["stock"][twice], minlength=len(symbols)).astype(float)
    # Without order numbers several equal trades in a moment are a matter of course, and a column
    # of them says nothing where it is empty.
    gone = twice & (table["buy_order"] > 0) & (table["sell_order"] > 0)
    if gone.any():
        left_out["repeated"] = int(gone.sum())
        table = {name: values[~gone] for name, values in table.items()}
    prints, sides = _prints(table, feed)
    facts = _facts(prints, duplicates, sides)
    return DayPrints(rows.date, symbols, prints, facts, sifting.add([Sifting(left_out=left_out)]))


def _without_idle(rows: DayRows) -> tuple[DayRows, dict[str, int]]:
    outside = rows.frame["_phase"] == LEFT_OUT
    empty = (rows.frame["volume"] == 0) & ~outside
    left_out = {EXTENDED_HOURS: int(outside.sum()), "of volume 0": int(empty.sum())}
    told = {reason: count for reason, count in left_out.items() if count}
    return (rows.keep(~(outside | empty)) if told else rows), told


def _sorted(rows: DayRows, stock: Integers) -> Table:
    order = rows.order()
    table = {name: rows.frame[name].to_numpy()[order] for name in _COLUMNS}
    table |= {name: rows.frame[name].fill_null(0).to_numpy()[order] for name in _ORDERS}
    return table | {"stock": stock[order], "time": rows.clock()[order]}


def _said_before(table: Table) -> NDArray[np.bool_]:
    # Only rows of the same stock and moment can say the same, and those lie side by side.
    same = (np.diff(table["stock"]) == 0) & (np.diff(table["time"]) == 0)
    near = np.flatnonzero(np.r_[same, False] | np.r_[False, same])
    out = np.zeros(len(table["stock"]), dtype=bool)
    if len(near):
        some = pl.DataFrame({name: table[name][near] for name in _CONTENT})
        out[near] = ~some.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy()
    return out


@dataclass(frozen=True)
class _Sides:
    """Trades ``(rows,)`` outside the auctions whose side is told in another way than by itself.

    Args:
        lost: without a side, auctions left out.
        by_order: without a side, told by the order numbers.
        crossed: whose side contradicts the order numbers.
    """

    lost: NDArray[np.bool_]
    by_order: NDArray[np.bool_]
    crossed: NDArray[np.bool_]


def _prints(table: Table, feed: Feed) -> tuple[Prints, _Sides]:
    stock, phase, habits = table["stock"], table["_phase"], feed.exchange.trades
    clock = trading_clock(feed.exchange, table["time"])
    clock[phase == OPENING] = 0.0
    given: Floats = table["_sign"].astype(float)
    lost = np.isnan(given)
    later = _later(table) if habits.orders_in_time else np.zeros(len(stock))
    sides = _Sides(lost & (phase == CONTINUOUS), lost & (later != 0), given * later < 0)
    sign = given
    if lost.any():
        ticks = habits.missing_side == "tick"
        # In an auction nobody is the aggressor.
        guess = np.where((phase == CONTINUOUS) & ticks, tick_signs(stock, table["price"]), 0.0)
        sign = np.where(lost, np.where(later != 0, later, guess), given)
    sign = np.where(sides.crossed, 0.0, sign)
    prints = Prints(stock, clock, table["price"], table["volume"] * feed.shares, sign, phase)
    if not any((table[name] > 0).any() for name in _ORDERS):
        return prints, sides
    return replace(prints, order=_orders(table, np.where(later != 0, later, sign))), sides


def _later(table: Table) -> Floats:
    """The aggressor that the order numbers tell: 1 or -1, 0 where they do not."""
    buy, sell = (table[name] for name in _ORDERS)
    # Orders that wait for an auction have no aggressor.
    known = (buy > 0) & (sell > 0) & (table["_phase"] == CONTINUOUS)
    return np.where(known, np.sign(buy - sell), 0).astype(float)


def _orders(table: Table, side: Floats) -> Integers:
    buy, sell = (table[name] for name in _ORDERS)
    # Even numbers are orders to buy, odd ones orders to sell; a trade whose aggressor is not known
    # is an order of its own.
    number: Integers = 2 * np.where(side > 0, buy, sell) + (side < 0)
    alone = np.flatnonzero((side == 0) | (number < 2))
    number[alone] = -1 - alone
    return number


def _facts(prints: Prints, duplicates: Floats, sides: _Sides) -> StockFacts:
    stocks = len(duplicates)

    def count(rows: NDArray[np.bool_]) -> Floats:
        return np.bincount(prints.stock[rows], minlength=stocks).astype(float)

    trades = np.bincount(prints.stock, minlength=stocks).astype(float)
    return StockFacts(
        day_volume=np.bincount(prints.stock, prints.volume, stocks).astype(float),
        trades=trades,
        continuous=trades - count(prints.phase != CONTINUOUS),
        duplicates=duplicates,
        unsided=count(sides.lost),
        by_order=count(sides.by_order),
        crossed=count(sides.crossed),
        **range_of_prints(prints, stocks),
    )
