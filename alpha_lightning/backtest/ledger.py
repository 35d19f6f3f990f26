"""What a backtest leaves behind: every day, every holding, every trade and every blocked one."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.intp]


class Reason(IntEnum):
    """Why a trade was not done, or not whole; what else ends a holding.

    ``COST``: the sale would have cost more than it brought in.
    """

    DONE = 0
    SUSPENDED = 1
    LIMIT_UP = 2
    LIMIT_DOWN = 3
    NOT_LISTED = 4
    NO_SLOT = 5
    PARTICIPATION = 6
    CASH = 7
    LOT = 8
    DELISTED = 9
    COST = 10

    @property
    def words(self) -> str:
        """For tables; empty when the trade was done whole."""
        return "" if self is Reason.DONE else self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Trades:
    """Trades and blocked trades in the order in which they were tried.

    Args:
        row: ``(n,)`` panel row of the trade.
        signal: ``(n,)`` panel row of the signal; -1 for a delisting.
        column: ``(n,)`` stock.
        wanted: ``(n,)`` shares, negative for a sale.
        shares: ``(n,)`` shares traded, 0 when blocked.
        price: ``(n,)`` raw; NaN when blocked without a price.
        fee: ``(n,)`` by the cost rates and the smallest fee.
        duty: ``(n,)`` stamp duty.
        impact: ``(n,)`` cost of market impact.
        reason: ``(n,)`` `Reason`.
    """

    row: Index
    signal: Index
    column: Index
    wanted: Floats
    shares: Floats
    price: Floats
    fee: Floats
    duty: Floats
    impact: Floats
    reason: NDArray[np.int8]


@dataclass(frozen=True)
class Holdings:
    """Holdings at the close of every day, by day, then stock.

    Args:
        row: ``(n,)`` panel row.
        column: ``(n,)`` stock.
        shares: ``(n,)``.
        price: ``(n,)`` raw close, the last one while suspended.
    """

    row: Index
    column: Index
    shares: Floats
    price: Floats


@dataclass(frozen=True)
class Ledger:
    """One portfolio, day by day from its first trade on, in the currency of the prices.

    Each day ``value = value before + gain + dividends - cost``, and ``cash`` plus the holdings at
    their prices is ``value``; `residual` is by how much the two differ.

    Args:
        capital: cash before the first day.
        rows: ``(D,)`` panel rows.
        value: ``(D,)`` at the close.
        cash: ``(D,)``.
        gain: ``(D,)`` from prices, of what was held and of what was traded.
        dividends: ``(D,)`` received in cash.
        cost: ``(D,)``.
        turnover: ``(D,)`` half of what was bought and sold, over the value before the trade; NaN
            without a trade.
        names: ``(D,)`` stocks held.
        short: ``(D,)`` stocks that were wanted, not bought at all, and not replaced.
        holdings: of every day.
        trades: tried.
        held: signals without a trade, as (panel row, reason).
    """

    capital: float
    rows: Index
    value: Floats
    cash: Floats
    gain: Floats
    dividends: Floats
    cost: Floats
    turnover: Floats
    names: NDArray[np.int64]
    short: NDArray[np.int64]
    holdings: Holdings
    trades: Trades
    held: tuple[tuple[int, str], ...] = ()

    @property
    def returns(self) -> Floats:
        """Daily returns ``(D,)``; the first day's from the capital on, its costs included."""
        before = np.r_[self.capital, self.value[:-1]]
        return np.asarray(self.value / before - 1)

    @property
    def residual(self) -> Floats:
        """By how much the accounts differ, as a fraction of value, ``(D,)``."""
        before = np.r_[self.capital, self.value[:-1]]
        booked = before + self.gain + self.dividends - self.cost
        worth = np.zeros(len(self.rows))
        place = np.searchsorted(self.rows, self.holdings.row)
        np.add.at(worth, place, self.holdings.shares * self.holdings.price)
        flow: Any = np.maximum(np.abs(booked - self.value), np.abs(self.cash + worth - self.value))
        return np.asarray(flow / np.maximum(np.abs(self.value), 1e-300))
