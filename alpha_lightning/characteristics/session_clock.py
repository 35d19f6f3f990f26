"""Where in an exchange's day a time lies, as Polars expressions."""

import datetime as dt
import itertools
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.characteristics.exchange import Exchange, seconds_of
from alpha_lightning.characteristics.intraday import CLOSING, CONTINUOUS, OPENING

AUCTION, EXTENDED, OUTSIDE, OFF_GRID = -1, -2, -3, -4
"""Places of a bar that is in no session, or in one but not where a bar can be."""
LEFT_OUT, NOWHERE = 3, 4
"""Phases of a trade in the extended hours, and outside all hours."""
SECOND = 1_000_000
_MIDNIGHT_TO_MIDNIGHT = 86_400 * SECOND
_FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")


def local_time(name: str, dtype: pl.DataType, timezone: str) -> pl.Expr:
    """A column of times in the exchange's own time, ``Datetime("us")`` without a zone.

    A time that carries a zone is converted, so that a change to daylight saving is right; one that
    carries none is taken as local. Text may be ISO 8601; what cannot be read is null.
    """
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        known = column.cast(pl.Datetime("us", dtype.time_zone))
        return _local(known, timezone) if dtype.time_zone else known
    text = column.str.strip_chars().str.replace("T", " ").str.replace(r"Z$", "+00:00")
    aware = text.str.to_datetime(
        f"{_FORMATS[0]}%#z", time_unit="us", time_zone="UTC", strict=False, exact=True
    )
    naive = [text.str.to_datetime(f, time_unit="us", strict=False) for f in _FORMATS]
    return pl.coalesce(*naive, _local(aware, timezone))


def within_days(
    name: str, dtype: pl.DataType, days: Sequence[dt.date], timezone: str
) -> pl.Expr | None:
    """Whether a column of times lies on one of some days; None for text, which must be read first.

    Compares the column as it is, so that whole row groups of a Parquet file can be passed over.
    """
    if not isinstance(dtype, pl.Datetime):
        return None
    zone = zoneinfo.ZoneInfo(timezone) if dtype.time_zone else None
    runs: list[list[dt.date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][-1] == dt.timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    column = pl.col(name)
    bounds = [
        [dt.datetime(d.year, d.month, d.day, tzinfo=zone) for d in (run[0], _next(run[-1]))]
        for run in runs
    ]
    if zone:
        bounds = [[bound.astimezone(dt.UTC) for bound in pair] for pair in bounds]
        column = column.dt.convert_time_zone("UTC")
    return pl.any_horizontal([column.is_between(a, b, closed="left") for a, b in bounds])


def bar_place(exchange: Exchange, bar_seconds: int) -> pl.Expr:
    """Number of the day's bar that a row is, 0 to B - 1, or one of the places above; ``Int16``.

    Reads the column ``time``. A bar belongs to the session that holds it whole, whether it is
    stamped with its end or its start; one that is stamped inside a session but does not begin a
    multiple of its length after the session's start is `OFF_GRID`. A bar that ends within the
    opening auction, or as the first session begins, is the auction's.
    """
    clock, length = clock_of_day(), bar_seconds * SECOND
    at_end = exchange.minute.stamp == "end"
    start = clock - length if at_end else clock
    cases: list[tuple[pl.Expr, pl.Expr]] = []
    first = 0
    for a, b in exchange.seconds:
        whole = start.is_between(a * SECOND, b * SECOND - length)
        begun = start - a * SECOND
        cases.append((whole & (begun % length == 0), first + begun // length))
        first += (b - a) // bar_seconds
    cases.append((grid_offset(exchange).is_not_null(), pl.lit(OFF_GRID)))
    if exchange.opening_auction:
        a, b = (seconds_of(text) * SECOND for text in exchange.opening_auction)
        # Half-open on the side of the stamp: the first bar of the session may start at the end.
        closed: Literal["left", "right"] = "right" if at_end else "left"
        cases.append((clock.is_between(a, b, closed=closed), pl.lit(AUCTION)))
    return _first_true([*cases, (_extended(exchange), pl.lit(EXTENDED))], OUTSIDE)


def grid_offset(exchange: Exchange) -> pl.Expr:
    """Microseconds from the start of its session to a bar's stamp; null outside the sessions."""
    clock = clock_of_day()
    closed: Literal["left", "right"] = "right" if exchange.minute.stamp == "end" else "left"
    cases = [
        (clock.is_between(a * SECOND, b * SECOND, closed=closed), clock - a * SECOND)
        for a, b in exchange.seconds
    ]
    return pl.coalesce(pl.when(inside).then(offset) for inside, offset in cases)


def trade_phase(exchange: Exchange) -> pl.Expr:
    """Phase of the day that a row is traded in, `LEFT_OUT` or `NOWHERE`; ``Int16``.

    Reads the column ``time``. The delay of the feed counts at the end of each session, and before
    the closing auction, in which nothing trades until it ends.
    """
    clock, delay = clock_of_day(), round(exchange.trades.delay_seconds * SECOND)
    start = exchange.seconds[0][0] * SECOND
    cases: list[tuple[pl.Expr, pl.Expr]] = []
    if exchange.closing_auction:
        a, b = (seconds_of(text) * SECOND + delay for text in exchange.closing_auction)
        cases.append((clock.is_between(a, b, closed="right"), pl.lit(CLOSING)))
    for first, last in exchange.seconds:
        inside = clock.is_between(first * SECOND, last * SECOND + delay)
        cases.append((inside, pl.lit(CONTINUOUS)))
    if exchange.opening_auction:
        a, b = (seconds_of(text) * SECOND for text in exchange.opening_auction)
        cases.append((clock.is_between(a, b) & (clock < start), pl.lit(OPENING)))
    return _first_true([*cases, (_extended(exchange), pl.lit(LEFT_OUT))], NOWHERE)


def trading_clock(exchange: Exchange, clock: NDArray[np.int64]) -> NDArray[np.float64]:
    """Trading seconds since the first session's start, breaks left out.

    The end of a session, and what its delay brings, comes a microsecond before the next one's
    start, so that it stays in its own period.

    Args:
        exchange: whose sessions count.
        clock: ``(rows,)`` microseconds since midnight.
    """
    a, b = exchange.seconds[-1]
    passed = np.clip(clock - a * SECOND, 0, (b - a) * SECOND)
    for (a, b), (following, _) in itertools.pairwise(exchange.seconds):
        passed += np.clip(clock - a * SECOND, 0, (b - a) * SECOND - 1)
        passed += clock >= following * SECOND
    return passed / SECOND


def places_of_minutes(exchange: Exchange, bar_seconds: int) -> NDArray[np.int16]:
    """`bar_place` of each minute of the day, ``(1440,)``."""
    minutes = pl.int_range(1440, eager=True, dtype=pl.Int64) * 60 * SECOND
    return _evaluate(bar_place(exchange, bar_seconds), minutes)


@dataclass(frozen=True)
class PhaseTable:
    """`trade_phase` by time of day, quick for many times.

    Args:
        begins: ``(k,)`` microseconds since midnight at which a phase begins, the first one 0.
        phases: ``(k,)`` which one.
    """

    begins: NDArray[np.int64]
    phases: NDArray[np.int16]

    @classmethod
    def of(cls, exchange: Exchange) -> Self:
        """The phases of an exchange's day."""
        spans = [*exchange.sessions, exchange.opening_auction, exchange.closing_auction]
        edges = {seconds_of(t) * SECOND for s in (*spans, exchange.extended_hours) if s for t in s}
        edges |= {edge + round(exchange.trades.delay_seconds * SECOND) for edge in edges}
        # A span may or may not hold its own edge.
        begins = np.array(sorted({0, *edges, *(edge + 1 for edge in edges)}))
        phases = _evaluate(trade_phase(exchange), pl.Series(begins))
        changes = np.flatnonzero(np.diff(phases, prepend=-1))
        return cls(begins[changes], phases[changes])

    def at(self, clock: NDArray[np.int64]) -> NDArray[np.int16]:
        """Phase of each time of day in microseconds."""
        # A handful of comparisons of whole columns is quicker than a search for each row.
        number = np.zeros(len(clock), dtype=np.int8)
        for begin in self.begins[1:]:
            number += clock >= begin
        return self.phases[number]


def _evaluate(expr: pl.Expr, clock: pl.Series) -> NDArray[np.int16]:
    frame = pl.DataFrame({"time": clock.cast(pl.Datetime("us"))})
    return frame.select(expr).to_series().to_numpy()


def clock_of_day() -> pl.Expr:
    """Microseconds since midnight of the column ``time``."""
    return pl.col("time").to_physical() % _MIDNIGHT_TO_MIDNIGHT


def _extended(exchange: Exchange) -> pl.Expr:
    if not exchange.extended_hours:
        return pl.lit(value=False)
    a, b = (seconds_of(text) * SECOND for text in exchange.extended_hours)
    return clock_of_day().is_between(a, b)


def _first_true(cases: Sequence[tuple[pl.Expr, pl.Expr]], otherwise: int) -> pl.Expr:
    chosen = [pl.when(condition).then(value) for condition, value in cases]
    return pl.coalesce(*chosen, pl.lit(otherwise)).cast(pl.Int16)


def _local(aware: pl.Expr, timezone: str) -> pl.Expr:
    return aware.dt.convert_time_zone(timezone).dt.replace_time_zone(None)


def _next(day: dt.date) -> dt.date:
    return day + dt.timedelta(days=1)
