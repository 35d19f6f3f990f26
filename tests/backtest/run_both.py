"""One random market for the engine and for its plain twin, and what may differ between them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.backtest.board_limits import BoardLimits
from alpha_lightning.backtest.book import Outcome, Setting
from alpha_lightning.backtest.corporate_events import CorporateEvents
from alpha_lightning.backtest.ledger import Ledger
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.price_limits import LimitColumns, PriceLimits
from alpha_lightning.backtest.run import run_backtests
from alpha_lightning.panel.signal_dates import signal_rows
from alpha_lightning.portfolio.policy import Hold, Target
from tests.backtest.run_plain import PlainRun
from tests.backtest.run_plain_market import Bars
from tests.backtest.run_plain_policies import Wanted
from tests.backtest.run_random_markets import RandomMarket, random_market

NEAR = 1e-10
COLUMNS = ("row", "signal", "column", "wanted", "shares", "price", "fee", "reason")
Table = dict[tuple[int, int], tuple[float, float]]
Span = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """A random market for both, signals on it, and scores.

    Args:
        arrays: of the market.
        bars: for the twin.
        market: for the engine.
        signals: ``(S,)`` rows.
        universe: ``(S, N)``.
        scores: ``(S, N)``, in tenths, so that some are equal; NaN is missing.
        last: row.
    """

    arrays: RandomMarket
    bars: Bars
    market: Market
    signals: NDArray[np.intp]
    universe: NDArray[np.bool_]
    scores: NDArray[np.float64]
    last: int

    def outcomes(self, settings: Sequence[Setting]) -> list[Outcome]:
        """The engine's."""
        return run_backtests(self.market, self.signals, self.universe, settings, self.last)


def random_case(
    rng: np.random.Generator, stocks: int, days: int, happenings: frozenset[str]
) -> Case:
    """A market of some stocks and days on which the named events happen."""
    arrays = random_market(rng, stocks, days, happenings)
    bars = bars_of(arrays, *(random_table(rng, arrays) if "table" in happenings else ()))
    adjusted = frozenset(("twap",)) if rng.random() < 0.5 else frozenset[str]()
    signals = signal_rows(arrays.dates, "daily" if rng.random() < 0.6 else "weekly")
    last = days - 1 - int(rng.integers(0, 3))
    signals = signals[signals <= last]
    shape = len(signals), stocks
    universe = rng.random(shape) < 0.9
    scores = np.where(rng.random(shape) < 0.15, np.nan, np.round(rng.normal(0, 1, shape), 1))
    scores[rng.random(len(signals)) < 0.05] = np.nan
    market = market_of(arrays, bars, adjusted)
    return Case(arrays, bars, market, signals, universe, scores, last)


def random_table(rng: np.random.Generator, market: RandomMarket) -> tuple[Table, Span]:
    """A table of events that knows most changes of the factor and some that the factor does not."""
    table: Table = {}
    for d in range(1, len(market.dates)):
        for j in range(len(market.symbols)):
            growth = float(market.factor[d, j] / market.factor[d - 1, j])
            cash = float(market.dividend[d, j])
            if math.isfinite(cash) and rng.random() < 0.8:
                table[d, j] = min(cash, 0.3), 0.0
            elif growth != 1 and rng.random() < 0.7:
                table[d, j] = 0.0, growth - 1
            elif rng.random() < 0.02:
                table[d, j] = 0.05, 0.1
    first = int(rng.integers(0, 4))
    span = first, int(rng.integers(first, len(market.dates)))
    return {key: event for key, event in table.items() if span[0] <= key[0] <= span[1]}, span


def bars_of(market: RandomMarket, table: Table | None = None, span: Span = (0, -1)) -> Bars:
    """For the twin."""
    optional = (market.amount, market.up, market.down, market.special)
    amount, up, down, st = (None if array is None else array.tolist() for array in optional)
    return Bars(
        [str(date) for date in market.dates],
        market.symbols.tolist(),
        {name: values.tolist() for name, values in market.prices.items()},
        market.volume.tolist(),
        market.factor.tolist(),
        market.traded.tolist(),
        market.listed.tolist(),
        amount,
        up,
        down,
        st,
        table,
        span,
    )


def market_of(market: RandomMarket, bars: Bars, adjusted: frozenset[str] = frozenset()) -> Market:
    """For the engine; prices named as adjusted are given times the factor."""
    limits: PriceLimits
    if market.up is None or market.down is None:
        about = (market.dates, market.symbols, market.prices["close"], market.factor)
        limits = BoardLimits(*about, market.traded, market.listed, market.special)
    else:
        limits = LimitColumns(market.up, market.down)
    events = None
    if bars.events is not None:
        keys = sorted(bars.events)
        rows, columns = (np.array([key[k] for key in keys], dtype=np.intp) for k in (0, 1))
        cash, shares = (np.array([bars.events[key][k] for key in keys]) for k in (0, 1))
        events = CorporateEvents(rows, columns, cash, shares, *bars.span)
    factors = {name: market.factor if name in adjusted else 1.0 for name in market.prices}
    return Market(
        market.dates,
        market.symbols,
        {name: values * factors[name] for name, values in market.prices.items()},
        market.volume,
        market.factor,
        market.traded,
        market.listed,
        market.amount,
        limits,
        events,
        at_close=frozenset(("vwap",)) if bars.missing_vwap else frozenset(),
        adjusted=adjusted,
    )


def engine_target(wanted: Wanted | str) -> Target | Hold:
    """The twin's decision as the engine's."""
    if isinstance(wanted, str):
        return Hold(wanted)
    return Target(
        np.array(list(wanted.weights), dtype=np.intp),
        np.array(list(wanted.weights.values())),
        np.array([j in wanted.keep for j in wanted.weights], dtype=np.bool_),
        np.array(wanted.reserves, dtype=np.intp),
        wanted.max_names,
    )


def assert_same(ledger: Ledger, twin: PlainRun) -> None:
    """Every day, holding, trade and held signal."""
    assert ledger.rows.tolist() == [day.row for day in twin.days]
    assert list(ledger.held) == twin.held
    worth = {day.row: day.value for day in twin.days}
    for name in ("value", "cash", "gain", "dividends", "cost"):
        own = [getattr(day, name) / day.value for day in twin.days]
        np.testing.assert_allclose(
            getattr(ledger, name) / ledger.value, own, rtol=0, atol=NEAR, err_msg=name
        )
    turnover = [day.turnover for day in twin.days]
    np.testing.assert_allclose(ledger.turnover, turnover, rtol=0, atol=NEAR, err_msg="turnover")
    assert ledger.short.tolist() == [day.short for day in twin.days]
    assert ledger.names.tolist() == [len(day.holdings) for day in twin.days]
    own_holdings = [(day.row, j, *day.holdings[j]) for day in twin.days for j in day.holdings]
    held = ledger.holdings
    assert list(zip(held.row.tolist(), held.column.tolist(), strict=True)) == [
        holding[:2] for holding in own_holdings
    ]
    for k, (row, _, shares, price) in enumerate(own_holdings):
        assert held.price[k] == near(price, NEAR * price)
        assert held.shares[k] * price == near(shares * price, NEAR * worth[row])
    assert_same_trades(ledger, twin, worth)


def near(value: float, margin: float) -> Any:
    """Compares within a margin; NaN is NaN."""
    return pytest.approx(value, rel=0, abs=margin, nan_ok=True)


def assert_same_trades(ledger: Ledger, twin: PlainRun, worth: dict[int, float]) -> None:
    """Row by row, sorted by day and stock."""
    made = ledger.trades
    order = np.lexsort((made.column, made.signal, made.row)).tolist()
    stage = np.where(made.signal < 0, 0, np.where(made.wanted < 0, 1, 2))
    assert (np.diff(3 * made.row + stage) >= 0).all(), "delistings, sales, purchases"
    own = sorted(twin.trades, key=lambda trade: (trade.row, trade.signal, trade.column))
    where = [(int(made.row[k]), int(made.signal[k]), int(made.column[k])) for k in order]
    assert where == [(trade.row, trade.signal, trade.column) for trade in own]
    for k, trade in zip(order, own, strict=True):
        about = f"{trade}; the engine's: {[getattr(made, name)[k] for name in COLUMNS]}"
        price = 1.0 if math.isnan(trade.price) else trade.price
        margin = NEAR * worth.get(trade.row, math.inf)
        assert made.reason[k] == trade.reason, about
        assert made.wanted[k] * price == near(trade.wanted * price, margin), about
        assert made.shares[k] * price == near(trade.shares * price, margin), about
        if trade.shares:
            assert made.price[k] == near(trade.price, NEAR * trade.price), about
        for name in ("fee", "duty", "impact"):
            assert getattr(made, name)[k] == near(getattr(trade, name), margin), about


def wanted_of(
    rows: Sequence[int], rng: np.random.Generator, stocks: int
) -> dict[int, Wanted | str]:
    """Random targets for most of the rows: any subset, some left alone, with substitutes."""
    decisions: dict[int, Wanted | str] = {}
    for row in rows:
        if rng.random() < 0.15:
            if rng.random() < 0.5:
                decisions[row] = "nothing new"
            continue
        order = rng.permutation(stocks).tolist()
        number = int(rng.integers(0, stocks + 1))
        parts = rng.integers(0, 10, number)
        whole = max(int(parts.sum()), int(rng.integers(1, 40)))
        weights = {j: int(part) / whole for j, part in zip(order[:number], parts, strict=True)}
        keep = {j for j in weights if rng.random() < 0.15}
        limit = None if rng.random() < 0.5 else int(rng.integers(1, stocks + 1))
        # A substitute that is wanted anyway is passed over.
        reserves = order[number:] if rng.random() < 0.5 else rng.permutation(stocks).tolist()
        decisions[row] = Wanted(weights, keep, reserves, limit)
    return decisions
