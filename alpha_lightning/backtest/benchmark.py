"""What a portfolio is held against: the universe in equal weights, or an index."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.settings import BenchmarkSettings, ExecutionSettings
from alpha_lightning.backtest.summary import YEAR
from alpha_lightning.panel.side_arrays import index_levels, index_weights, weighted_indices
from alpha_lightning.panel.store import Panel

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Index = NDArray[np.intp]
UNIVERSE = "universe"


@dataclass(frozen=True)
class Benchmark:
    """Daily returns of what a portfolio is held against.

    Args:
        name: for tables.
        rows: ``(D,)`` panel rows.
        returns: ``(D,)`` of each row, without NaN.
        warnings: sentences for the reader.
    """

    name: str
    rows: Index
    returns: Floats
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """What a benchmark shares with the portfolios that are held against it.

    Args:
        signals: ``(S,)`` panel rows of the signals, ascending.
        universe: ``(S, N)`` members on them.
        first: panel row of the portfolio's first trade.
        last: last panel row.
    """

    signals: Index
    universe: Flags
    first: int
    last: int


def benchmark_returns(
    panel: Panel,
    market: Market,
    settings: BenchmarkSettings,
    span: Span,
    execution: ExecutionSettings | None = None,
) -> Benchmark:
    """Returns of a benchmark on every row of a span.

    Args:
        panel: index levels and weights.
        market: prices.
        settings: which benchmark.
        span: signals, members, first and last row.
        execution: the portfolio's; its delay and trade price hold for the universe too.

    Raises:
        UserError: the panel does not know the index, or lacks a level or weights on a date.
    """
    if settings.index == UNIVERSE:
        if settings.total_return:
            msg = (
                "benchmark.total_return is for an index: the universe's prices hold dividends"
                " already, leave it out"
            )
            raise UserError(msg)
        return equal_weighted(market, span, execution or ExecutionSettings())
    if settings.total_return:
        return total_return_index(panel, market, settings.index, span)
    return price_index(panel, settings.index, span)


def settings_against(
    panel: Panel, index: str, settings: BenchmarkSettings
) -> tuple[BenchmarkSettings, tuple[str, ...]]:
    """The benchmark of a portfolio that is to beat an index, where no other is asked for.

    Args:
        panel: index levels and weights.
        index: name of the index.
        settings: as asked for; ``universe`` stands for the index.

    Returns:
        Its published level, or where the panel has none the index rebuilt from its constituents;
        and sentences for the reader.
    """
    if settings.index != UNIVERSE:
        return settings, ()
    if settings.total_return or index in panel.meta["levels"]:
        return replace(settings, index=index), ()
    told = (
        f"The panel has no level of {index}: the benchmark is rebuilt from its constituents'"
        " weights and adjusted prices, dividends included."
    )
    return replace(settings, index=index, total_return=True), (told,)


def equal_weighted(market: Market, span: Span, execution: ExecutionSettings) -> Benchmark:
    """Members that trade on the signal date, in equal weights restored after every signal.

    Traded at the portfolio's price and delay, without cost and without limits; a stock that does
    not trade changes hands, and is marked, at its last price. Weights drift in between. On the
    first row from the trade to the close. Prices are adjusted: dividends stay in the stock. A
    signal without members keeps what is held.

    Raises:
        UserError: nothing can be held on the first row.
    """
    trades = _trades(market, span, execution.delay)
    marks = _Marks(market, int(span.signals[trades[span.first]]))
    everything = np.arange(len(market.symbols))
    held, shares = np.empty(0, dtype=np.intp), np.empty(0)
    values = [1.0]
    for row in range(marks.row + 1, span.last + 1):
        marks.advance()
        if row in trades:
            price = market.trade_price(row, everything, execution.price) * market.factor[row]
            price = np.where(np.isnan(price), marks.price, price)
            value = float(shares @ price[held]) if len(held) else 1.0
            held = _members(market, span, trades[row])
            shares = value / len(held) / price[held]
        if row >= span.first:
            values.append(float(shares @ marks.price[held]))
    rows = np.arange(span.first, span.last + 1)
    return Benchmark("equal-weighted universe", rows, np.diff(values) / values[:-1])


def price_index(panel: Panel, name: str, span: Span) -> Benchmark:
    """Change of an index's published level, from close to close.

    On the first row too: an index has no price at the time of the trade, so that its whole day is
    set against the portfolio's part of it.

    Raises:
        UserError: no such index, or no level on a row or on the one before the first.
    """
    if name not in panel.meta["levels"]:
        known = ", ".join((UNIVERSE, *panel.meta["levels"]))
        msg = f"benchmark.index is {name}: {panel.path} has {known}; ingest index_levels"
        raise UserError(msg)
    before = _day_before(panel, name, span)
    level = index_levels(panel, name)[before : span.last + 1]
    absent = ~(level > 0)
    if absent.any():
        date = panel.dates[before + int(np.argmax(absent))]
        msg = (
            f"benchmark {name} has no level on {date} ({int(absent.sum())} such dates): complete"
            " index_levels and ingest again, or choose another benchmark or period"
        )
        raise UserError(msg)
    warning = (
        f"The benchmark {name} is a price index, without dividends; the portfolio receives them."
    )
    rows = np.arange(span.first, span.last + 1)
    return Benchmark(name, rows, level[1:] / level[:-1] - 1, (warning,))


def total_return_index(panel: Panel, market: Market, name: str, span: Span) -> Benchmark:
    """Adjusted returns of the constituents, weighted as the index was on the day before.

    From close to close, on the first row too. Weights are renormalised over the constituents with
    a price; a suspended one keeps its last price of up to a year before.

    Raises:
        UserError: the index has no weights, or none on a date.
    """
    if name not in weighted_indices(panel):
        msg = (
            f"benchmark.total_return: {panel.path} has no weights of {name}: ingest index_members"
            " with weights, or leave total_return out"
        )
        raise UserError(msg)
    weights = index_weights(panel, name)
    before = _day_before(panel, name, span)
    marks = _Marks(market, max(before - YEAR, 0))
    while marks.row < before:
        marks.advance()
    returns = np.empty(span.last - before)
    for place, row in enumerate(range(before, span.last)):
        weight = weights[row]
        held = np.flatnonzero((weight > 0) & ~np.isnan(marks.price))
        if not len(held):
            msg = (
                f"benchmark {name} has no weights on {panel.dates[row]}: complete index_members"
                " and ingest again, or choose another benchmark or period"
            )
            raise UserError(msg)
        own, old = weight[held], marks.price[held]
        marks.advance()
        returns[place] = own @ (marks.price[held] / old - 1) / own.sum()
    rows = np.arange(span.first, span.last + 1)
    return Benchmark(f"{name} with dividends", rows, returns)


def _members(market: Market, span: Span, place: int) -> Index:
    return np.flatnonzero(span.universe[place] & market.traded[span.signals[place]])


def _trades(market: Market, span: Span, delay: int) -> dict[int, int]:
    # Place of the signal that is traded on a row; the first row takes the last signal before it.
    due = span.signals + delay
    filled = (span.universe & market.traded[span.signals]).any(axis=1)
    before = np.flatnonzero(filled & (due <= span.first))
    if not len(before):
        msg = (
            f"the benchmark has no stock by {market.dates[span.first]}: no signal before it has a"
            " universe, start later"
        )
        raise UserError(msg)
    after = np.flatnonzero(filled & (due > span.first))
    return {span.first: int(before[-1])} | {int(due[k]): int(k) for k in after}


class _Marks:
    """Adjusted closes carried over days without a trade, one day after another.

    Args:
        market: prices.
        row: the first row that is looked at.
    """

    def __init__(self, market: Market, row: int) -> None:
        self.market, self.row = market, row - 1
        self.price = np.full(len(market.symbols), np.nan)
        self.advance()

    def advance(self) -> None:
        """Take the next row's closes."""
        self.row += 1
        today = self.market.prices["close"][self.row] * self.market.factor[self.row]
        known = self.market.traded[self.row] & ~np.isnan(today)
        np.copyto(self.price, today, where=known)


def _day_before(panel: Panel, name: str, span: Span) -> int:
    if span.first == 0:
        msg = (
            f"benchmark {name} has no close before {panel.dates[0]}, the panel's first date: trade"
            " a day later"
        )
        raise UserError(msg)
    return span.first - 1
