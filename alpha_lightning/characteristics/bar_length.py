"""How long the bars of a minute table are, read off their stamps."""

import datetime as dt
import math
from collections import Counter
from typing import NoReturn

import polars as pl

from alpha_lightning.characteristics.exchange import BAR_MINUTES, CharacteristicsError
from alpha_lightning.characteristics.feed_index import FeedIndex
from alpha_lightning.characteristics.feed_scan import collect, scan_file
from alpha_lightning.characteristics.session_clock import SECOND, grid_offset

_CERTAIN = 50  # so many bars on a grid by chance alone, when the bars are shorter, are a wonder
_STRAY = 0.01  # of many bars, so few off their grid are mistakes
_DOUBT = 0.125  # so few of them may be
_FEW = 3
_SEVERAL = 3  # times of the day below which bars, however many, do not tell their length
_WONDER = math.log(1e-6)
_HOUR = 60  # minutes
_MINUTE = 60 * SECOND
Stamps = Counter[int]
"""Number of bars by microseconds from the start of their session."""


def bar_seconds(index: FeedIndex) -> dict[dt.date, int]:
    """Length of the bars of each date, in seconds.

    It is what the exchange states, or else the longest of 1, 2, 3, 5, 6, 10, 15 and 30 minutes that
    tiles the periods and on whose grid the bars up to the date lie, so that it knows nothing of
    later dates. Of 50 bars or more up to one in a hundred may lie off it, later up to one in eight
    of a date: those rows are mistakes, not bars. A table holds bars of one length.

    Raises:
        CharacteristicsError: bars of no such length, of two lengths, or of a length in doubt; file,
            symbol and time of one of them are named.
    """
    exchange = index.feed.exchange
    allowed = [m for m in BAR_MINUTES if exchange.period_minutes % m == 0]
    stated = exchange.minute.bar_minutes
    lengths: dict[dt.date, int] = {}
    seen: Stamps = Counter()
    certain, tiles = stated or 0, 0
    by_date = _by_date(index)
    _check_stated(index, by_date, allowed)
    for date, own, count in by_date.iter_rows():
        if certain:
            _check_date(index, date, (own, count), certain)
        else:
            seen += _stamps(index, date)
            tiles = _spacing(index, seen)
            known = seen.total() >= _CERTAIN and len(seen) >= _SEVERAL
            if known:
                _check_tiling(index, tiles, allowed)
            length = _longest(tiles, allowed)
            _check_doubt(index, seen, length)
            if known:
                _check_before(index, seen, length, lengths)
                if _number_off(seen, length * _MINUTE):
                    _check_stocks(index, date, length)
                certain = length
        lengths[date] = 60 * (certain or length)
    if not certain:
        _check_tiling(index, tiles, allowed)
    return lengths


def _by_date(index: FeedIndex) -> pl.DataFrame:
    dated = index.table.drop_nulls("date").group_by("date").agg("grid", pl.col("bars").sum())
    grids = [math.gcd(*grid) for grid in dated["grid"].to_list()]
    return dated.with_columns(pl.Series("grid", grids, dtype=pl.Int64)).sort("date")


def _check_stated(index: FeedIndex, by_date: pl.DataFrame, allowed: list[int]) -> None:
    stated = index.feed.exchange.minute.bar_minutes
    found = _longest(math.gcd(*by_date["grid"].to_list()) // _MINUTE, allowed)
    if stated and found > stated and by_date["bars"].sum() >= _CERTAIN:
        msg = (
            f"minute: bar_minutes of the exchange's file is {stated}, but all bars lie on a grid of"
            f" {found} minutes: state that, or leave it out"
        )
        raise CharacteristicsError(msg)


def _stamps(index: FeedIndex, date: dt.date) -> Stamps:
    seen: Stamps = Counter()
    for number in index.by_date[date]:
        bars = _bars(index, number, date).group_by("offset").agg(pl.len())
        seen.update(dict(collect(bars, index.feed.files[number]).iter_rows()))
    return seen


def _bars(index: FeedIndex, number: int, date: dt.date) -> pl.LazyFrame:
    rows = scan_file(index.feed, number, [date]).frame
    return rows.with_columns(offset=grid_offset(index.feed.exchange)).drop_nulls("offset")


def _spacing(index: FeedIndex, seen: Stamps) -> int:
    """Minutes from bar to bar, 0 without a bar."""
    whole = Counter({at // _MINUTE: n for at, n in seen.items() if at % _MINUTE == 0})
    bars = whole.total()
    if seen.total() - bars > _DOUBT * seen.total():
        _refuse_tiling(index, "bars off the whole minutes", _off(_MINUTE))
    if bars < _CERTAIN or len(whole) < _SEVERAL:
        return math.gcd(*whole)
    spans = range(max(whole), 0, -1)
    return next((m for m in spans if _number_off(whole, m) <= _STRAY * bars), 0)


def _number_off(seen: Stamps, grid: int) -> int:
    return sum(n for at, n in seen.items() if at % grid)


def _longest(minutes: int, allowed: list[int]) -> int:
    return next(m for m in allowed if minutes % m == 0)


def _check_doubt(index: FeedIndex, seen: Stamps, length: int) -> None:
    # Shorter bars with gaps may lie on a longer grid by chance, but hardly ever when they are many.
    whole = Counter({at: n for at, n in seen.items() if at % _MINUTE == 0})
    bars = whole.total()
    for longer in range(_HOUR, length, -1):
        few = 0 < _number_off(whole, longer * _MINUTE) <= _DOUBT * bars
        # Bars of many stocks at one time, such as the close, tell no more than one of them.
        off = sum(at % (longer * _MINUTE) > 0 for at in whole)
        if few and _log_chance(len(whole), off, length / longer) < _WONDER:
            _refuse_doubt(index, whole, longer)


def _check_before(index: FeedIndex, seen: Stamps, length: int, before: dict[dt.date, int]) -> None:
    # The few bars of the dates before were too few to tell that they are off the grid.
    if 60 * length > min(before.values(), default=60 * length):
        _refuse_doubt(index, seen, length)


def _log_chance(times: int, off: int, share: float) -> float:
    """Of so few times off a grid that a share of them should be on."""
    choices = math.lgamma(times + 1) - math.lgamma(off + 1) - math.lgamma(times - off + 1)
    return choices + (times - off) * math.log(share)


def _check_date(index: FeedIndex, date: dt.date, found: tuple[int, int], length: int) -> None:
    grid, count = found
    period, stated = index.feed.exchange.period_minutes, index.feed.exchange.minute.bar_minutes
    allowed = [m for m in BAR_MINUTES if period % m == 0]
    if grid % (length * _MINUTE) == 0:
        longest = _longest(grid // _MINUTE, allowed)
        longer = longest > length and not stated and count >= _CERTAIN
        if longer and len(_stamps(index, date)) >= _SEVERAL:
            _refuse_two(index, date, length, longest)
        return
    if _number_off(_stamps(index, date), length * _MINUTE) > max(_FEW, _DOUBT * count):
        shorter = _longest(math.gcd(grid // _MINUTE, length), allowed)
        _refuse_two(index, date, length, shorter)
    _check_stocks(index, date, length)


def _check_stocks(index: FeedIndex, date: dt.date, length: int) -> None:
    """Whether bars off the grid are mistakes here and there, not a stock of shorter bars."""
    is_off = _off(length * _MINUTE)
    for number in index.by_date[date]:
        file = index.feed.files[number]
        stocks = (
            _bars(index, number, date)
            .group_by("symbol")
            .agg(is_off.sum().alias("off"), (~is_off).sum().alias("on"))
        )
        # Of a stock that has no bar on the grid no bar would be mistaken for a longer one.
        mixed = pl.col("off") > pl.col("on"), pl.col("on") > _FEW
        found = collect(stocks.filter(*mixed).sort("symbol"), file)
        if found.height:
            place = _first_bar(index, is_off & (pl.col("symbol") == found["symbol"][0]), date)
            msg = (
                f"minute: bars of {length} minutes, but most of {found['symbol'][0]} on {date} lie"
                f" off their grid ({place}): a table holds bars of one length"
            )
            raise CharacteristicsError(msg)


def _check_tiling(index: FeedIndex, minutes: int, allowed: list[int]) -> None:
    if minutes and minutes not in allowed:
        _refuse_tiling(index, f"bars of {minutes} minutes", pl.lit(value=True))


def _refuse_tiling(index: FeedIndex, what: str, wanted: pl.Expr) -> NoReturn:
    period = index.feed.exchange.period_minutes
    known = ", ".join(str(m) for m in reversed(BAR_MINUTES) if period % m == 0)
    msg = (
        f"minute: {what} do not tile the periods of {period} minutes"
        f" ({_first_bar(index, wanted)}): give bars of one length of {known} minutes, or tell it as"
        " bar_minutes under minute of the exchange's file"
    )
    raise CharacteristicsError(msg)


def _refuse_two(index: FeedIndex, date: dt.date, before: int, length: int) -> NoReturn:
    wanted = _off(before * _MINUTE) if length < before else pl.lit(value=True)
    stated = " (bar_minutes)" if index.feed.exchange.minute.bar_minutes else ""
    msg = (
        f"minute: bars of {before} minutes{stated} before {date}, of {length} minutes on it"
        f" ({_first_bar(index, wanted, date)}): a table holds bars of one length"
    )
    raise CharacteristicsError(msg)


def _refuse_doubt(index: FeedIndex, seen: Stamps, length: int) -> NoReturn:
    on = seen.total() - _number_off(seen, length * _MINUTE)
    msg = (
        f"minute: {on:,} of {seen.total():,} bars lie on a grid of {length} minutes, the others do"
        f" not (the first: {_first_bar(index, _off(length * _MINUTE))}): mend those, or tell the"
        " length as bar_minutes under minute of the exchange's file"
    )
    raise CharacteristicsError(msg)


def _off(grid: int) -> pl.Expr:
    return pl.col("offset") % grid != 0


def _first_bar(index: FeedIndex, wanted: pl.Expr, date: dt.date | None = None) -> str:
    feed = index.feed
    for day in [date] if date else list(index.by_date):
        for number in index.by_date[day]:
            bars = _bars(index, number, day).filter(wanted).head(1)
            found = collect(bars, feed.files[number])
            if found.height:
                return f"{feed.file_name(number)}, {found['symbol'][0]}, {found['time'][0]}"
    return str(feed.root)
