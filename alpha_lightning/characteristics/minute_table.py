"""From rows of a minute table to `IntradayBars`, day by day.

``minute_days(index, days, bar_seconds)`` reads a few days and yields a `DayBars` for each.
"""

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.characteristics.day_rows import DayRows, read_days
from alpha_lightning.characteristics.exchange import Exchange, seconds_of
from alpha_lightning.characteristics.feed import Feed
from alpha_lightning.characteristics.feed_index import FeedIndex
from alpha_lightning.characteristics.feed_scan import FileScan
from alpha_lightning.characteristics.intraday import Floats, IntradayBars
from alpha_lightning.characteristics.session_clock import (
    AUCTION,
    EXTENDED,
    OFF_GRID,
    OUTSIDE,
    SECOND,
    bar_place,
    places_of_minutes,
)
from alpha_lightning.characteristics.sifting import (
    EXTENDED_HOURS,
    NO_SYMBOL,
    OUTSIDE_HOURS,
    UNREADABLE,
    Check,
    Sifting,
    checks_of,
    describe_bad,
    without_bad,
)
from alpha_lightning.characteristics.stock_facts import StockFacts, range_of_bars

_PRICES = ("open", "high", "low", "close")
_VALUES = (*_PRICES, "volume", "amount")
_ROUNDING = 1e-6  # relative; vendors keep prices in float32
_CONFLICT = "other bars of the same symbol and time differ"
_REPEATED = "repeated"


@dataclass(frozen=True)
class DayBars:
    """Bars of one day.

    Args:
        date: of the day.
        symbols: ``(N,)`` of the stocks with a row, sorted.
        bars: of these stocks.
        facts: counted for each stock.
        sifting: what became of the rows.
    """

    date: dt.date
    symbols: NDArray[np.str_]
    bars: IntradayBars
    facts: StockFacts
    sifting: Sifting


def minute_days(
    index: FeedIndex, days: Sequence[dt.date], bar_seconds: Mapping[dt.date, int]
) -> Iterator[DayBars]:
    """Read days of a minute table, a few at a time.

    Args:
        index: the table and where its days are.
        days: days of the table, ascending.
        bar_seconds: length of the bars of each day.

    Raises:
        CharacteristicsError: a file that cannot be read.
    """
    for length, some in itertools.groupby(days, key=bar_seconds.__getitem__):
        grid = _Grid(index.feed, length, places_of_minutes(index.feed.exchange, length))
        yield from read_days(index, list(some), _tagged, partial(_day_bars, grid=grid))


@dataclass(frozen=True)
class _Grid:
    """A table, the length of its bars in seconds and the bar of each minute ``(1440,)``."""

    feed: Feed
    length: int
    places: NDArray[np.int16]

    def place_of(self, rows: DayRows) -> NDArray[np.int16]:
        minute, rest = np.divmod(rows.clock(), 60 * SECOND)
        if rest.any():
            # Off the whole minutes there are no bars, but there may be extended hours.
            place = bar_place(self.feed.exchange, self.length)
            return rows.frame.select(place).to_series().to_numpy()
        return self.places[minute]


def _tagged(scan: FileScan) -> pl.LazyFrame:
    return scan.frame.with_columns(_has_amount=pl.lit("amount" in scan.given))


@cache
def _checks(length: int) -> list[Check]:
    off_grid = f"off the grid of bars of {length // 60} minutes"
    traded = pl.col("volume") != 0
    prices = [pl.col(c) for c in _PRICES]
    opened, high, low, close = prices
    bottom, top = low * (1 - _ROUNDING), high * (1 + _ROUNDING)
    amount = pl.col("amount")
    lost = pl.any_horizontal([c.is_null() for c in prices])
    checks = [
        (UNREADABLE, pl.col("_unreadable").is_not_null()),
        (NO_SYMBOL, pl.col("_code") < 0),
        (OUTSIDE_HOURS, pl.col("_place") == OUTSIDE),
        (off_grid, pl.col("_place") == OFF_GRID),
        *checks_of("volume"),
        ("missing price", traded & lost),
        ("zero or negative price", traded & pl.any_horizontal([c <= 0 for c in prices])),
        ("infinite price", traded & pl.any_horizontal([c.is_infinite() for c in prices])),
        ("high below low", traded & (top < low)),
        ("close outside [low, high]", traded & ((close < bottom) | (close > top))),
        ("open outside [low, high]", traded & ((opened < bottom) | (opened > top))),
        ("missing amount", traded & amount.is_null() & pl.col("_has_amount")),
        *checks_of("amount")[1:],
    ]
    here = pl.col("_place") != EXTENDED
    return [(reason, wrong & here) for reason, wrong in checks]


def _doubtful(frame: pl.DataFrame) -> NDArray[np.bool_]:
    # Most tables are right: a few comparisons tell, and the rows that fail one are looked at.
    opened, high, low, close, volume, amount = (frame[c].to_numpy() for c in _VALUES)
    bar = (low > 0) & (low <= opened) & (low <= close) & (opened <= high) & (close <= high)
    fine = (bar & (high < np.inf)) | (volume == 0)
    fine &= (volume >= 0) & (volume < np.inf) & (frame["_place"].to_numpy() > OUTSIDE)
    fine &= (amount >= 0) & (amount < np.inf) | ~frame["_has_amount"].to_numpy()
    return np.asarray(~fine)


def _day_bars(rows: DayRows, grid: _Grid) -> DayBars:
    rows = rows.tag("_place", grid.place_of(rows))
    rows, sifting = without_bad(rows, _doubtful(rows.frame), _checks(grid.length), grid.feed)
    extended = int((rows.frame["_place"] == EXTENDED).sum())
    if extended:
        rows = rows.keep(pl.col("_place") != EXTENDED)
        sifting = sifting.add([Sifting(left_out={EXTENDED_HOURS: extended})])
    repeats = np.zeros(len(rows.names))
    if _some_twice(rows):
        rows, told, repeats = _without_repeats(rows, grid.feed)
        sifting = sifting.add([told])
    symbols, stock = rows.stocks()
    bars = _scatter(rows.frame, stock, len(symbols), grid.feed, grid.length)
    # A stock of which every row is in doubt has no number any more, nor its repeats.
    duplicates = repeats[np.searchsorted(rows.names, symbols)]
    return DayBars(rows.date, symbols, bars, _facts(bars, duplicates), sifting)


def _some_twice(rows: DayRows) -> bool:
    key = rows.time_key()
    ahead = key[1:] > key[:-1]
    return not (ahead.all() or np.all(np.diff(np.sort(key))))


def _without_repeats(rows: DayRows, feed: Feed) -> tuple[DayRows, Sifting, Floats]:
    # The same bar twice is one bar; two that differ are both in doubt. Repeats are counted for
    # each of the batch's names.
    is_first = pl.struct("_code", "time", *_VALUES).is_first_distinct()
    first, repeats = rows.frame.filter(is_first), rows.frame.filter(~is_first)
    differ = pl.struct("_code", "time").is_duplicated()
    told = describe_bad(first.filter(differ).with_columns(_reason=pl.lit(_CONFLICT)), feed)
    if repeats.height:
        told = told.add([Sifting(left_out={_REPEATED: repeats.height})])
    number = np.bincount(repeats["_code"].to_numpy(), minlength=len(rows.names)).astype(float)
    return DayRows(rows.date, first.filter(~differ), rows.names), told, number


def _scatter(
    frame: pl.DataFrame, stock: NDArray[np.int64], stocks: int, feed: Feed, length: int
) -> IntradayBars:
    exchange = feed.exchange
    width = exchange.day_seconds // length
    place = frame["_place"].to_numpy().astype(np.int64)
    values = {c: frame[c].to_numpy() for c in (*_VALUES, "_clock")}
    values["volume"] = values["volume"] * feed.shares
    traded = values["volume"] > 0
    auction = _auction(values, place == AUCTION, stock, stocks)
    # Most tables hold nothing but bars that trade, which then need no picking.
    picked = (place >= 0) & traded
    rows = slice(None) if picked.all() else np.flatnonzero(picked)
    cell = stock[rows] * width + place[rows]

    def fill(column: str, empty: float) -> Floats:
        out = np.full(stocks * width, empty)
        out[cell] = values[column][rows]
        return out.reshape(stocks, width)

    amount = fill("amount", 0.0)
    return IntradayBars(
        open=fill("open", np.nan),
        high=fill("high", np.nan),
        low=fill("low", np.nan),
        close=fill("close", np.nan),
        volume=fill("volume", 0.0),
        amount=amount,
        auction_price=auction[0],
        auction_volume=auction[1],
        auction_amount=auction[2],
        closing_amount=_closing_amount(amount, exchange, length),
    )


def _auction(
    values: dict[str, NDArray[Any]],
    inside: NDArray[np.bool_],
    stock: NDArray[np.int64],
    stocks: int,
) -> tuple[Floats, Floats, Floats]:
    price = np.full(stocks, np.nan)
    if not inside.any():
        return price, price.copy(), price.copy()
    rows = np.flatnonzero(inside & (values["volume"] > 0))
    # The first price opens the day, in whatever order the vendor writes the rows.
    rows = rows[np.lexsort((values["_clock"][rows], stock[rows]))]
    opened, first = np.unique(stock[rows], return_index=True)
    price[opened] = values["close"][rows[first]]
    volume, amount = (
        np.bincount(stock[rows], values[column][rows], stocks).astype(float)
        for column in ("volume", "amount")
    )
    return price, volume, amount


def _closing_amount(amount: Floats, exchange: Exchange, length: int) -> Floats:
    # Known when bars begin as the auction begins and do not span more than it.
    unknown = np.full(len(amount), np.nan)
    if not exchange.closing_auction:
        return unknown
    begin, end = (seconds_of(text) for text in exchange.closing_auction)
    number, rest = divmod(end - begin, length)
    return unknown if rest else np.asarray(amount[:, amount.shape[1] - number :].sum(axis=1))


def _facts(bars: IntradayBars, duplicates: Floats) -> StockFacts:
    auction = np.nan_to_num(bars.auction_volume)
    continuous = (bars.volume > 0).sum(axis=1).astype(float)
    return StockFacts(
        day_volume=auction + bars.volume.sum(axis=1),
        trades=continuous + (auction > 0),
        continuous=continuous,
        duplicates=duplicates,
        unsided=np.zeros(len(duplicates)),
        by_order=np.zeros(len(duplicates)),
        crossed=np.zeros(len(duplicates)),
        **range_of_bars(bars),
    )
