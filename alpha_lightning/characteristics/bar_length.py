"""How long the bars of a minute table are, read off their stamps."""

import datetime as dt
import math
from typing import NoReturn

import polars as pl

from alpha_lightning.characteristics.exchange import CharacteristicsError
from alpha_lightning.characteristics.feed_index import FeedIndex
from alpha_lightning.characteristics.feed_scan import collect, scan_file
from alpha_lightning.characteristics.session_clock import SECOND, grid_offset

_MINUTES = (30, 15, 10, 6, 5, 3, 2, 1)
_CERTAIN = 50  # so many bars on a grid by chance alone, when the bars are shorter, are a wonder
_MINUTE = 60 * SECOND


def bar_seconds(index: FeedIndex) -> dict[dt.date, int]:
    """Length of the bars of each date, in seconds.

    It is the longest of 1, 2, 3, 5, 6, 10, 15 and 30 minutes that tiles the periods and on whose
    grid all stamps up to the date lie, so that it knows nothing of later dates. A table holds bars
    of one length.

    Raises:
        CharacteristicsError: bars of no such length, or of two lengths; file, symbol and time of
            one of them are named.
    """
    period = index.feed.exchange.period_minutes
    allowed = [minutes for minutes in _MINUTES if period % minutes == 0]
    by_date = _by_date(index)
    _check_whole_table(index, math.gcd(*by_date["grid"].to_list()), allowed)
    lengths: dict[dt.date, int] = {}
    grid, before, bars = 0, 0, 0
    for date, own, count in by_date.iter_rows():
        grid = math.gcd(grid, own)
        length = _longest(grid, allowed)
        if before and length < before and bars >= _CERTAIN:
            _refuse_two(index, date, before, length, finer=True)
        if count >= _CERTAIN and _longest(own, allowed) > length:
            _refuse_two(index, date, length, _longest(own, allowed), finer=False)
        lengths[date] = 60 * length
        before, bars = length, bars + count
    return lengths


def _by_date(index: FeedIndex) -> pl.DataFrame:
    dated = index.table.drop_nulls("date").group_by("date").agg("grid", pl.col("bars").sum())
    grids = [math.gcd(*grid) for grid in dated["grid"].to_list()]
    return dated.with_columns(pl.Series("grid", grids, dtype=pl.Int64)).sort("date")


def _longest(grid: int, allowed: list[int]) -> int:
    return next((minutes for minutes in allowed if grid % (minutes * _MINUTE) == 0), allowed[-1])


def _check_whole_table(index: FeedIndex, grid: int, allowed: list[int]) -> None:
    if grid == 0 or grid in [minutes * _MINUTE for minutes in allowed]:
        return
    whole = grid % _MINUTE == 0
    place = _first_bar(index, pl.lit(value=True) if whole else _off(_MINUTE))
    period = index.feed.exchange.period_minutes
    what = f"bars of {grid // _MINUTE} minutes" if whole else "bars off the whole minutes"
    known = ", ".join(str(minutes) for minutes in reversed(allowed))
    msg = (
        f"minute: {what} do not tile the periods of {period} minutes ({place}):"
        f" give bars of one length of {known} minutes"
    )
    raise CharacteristicsError(msg)


def _refuse_two(
    index: FeedIndex, date: dt.date, before: int, length: int, *, finer: bool
) -> NoReturn:
    place = _first_bar(index, _off(before * _MINUTE) if finer else pl.lit(value=True), date)
    msg = (
        f"minute: bars of {before} minutes before {date}, of {length} minutes on it ({place}):"
        " a table holds bars of one length"
    )
    raise CharacteristicsError(msg)


def _off(grid: int) -> pl.Expr:
    return pl.col("offset") % grid != 0


def _first_bar(index: FeedIndex, wanted: pl.Expr, date: dt.date | None = None) -> str:
    feed = index.feed
    days = [date] if date else list(index.by_date)
    for day in days:
        for number in index.by_date[day]:
            rows = scan_file(feed, number, [day]).frame
            bars = rows.with_columns(offset=grid_offset(feed.exchange)).drop_nulls("offset")
            found = collect(bars.filter(wanted).head(1), feed.files[number])
            if found.height:
                return f"{feed.file_name(number)}, {found['symbol'][0]}, {found['time'][0]}"
    return str(feed.root)
