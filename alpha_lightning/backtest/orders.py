"""A target becomes trades: sales first, then newcomers and what stands in for them, then cash."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.backtest.account import Account
from alpha_lightning.backtest.ledger import Floats, Index, Reason
from alpha_lightning.backtest.settings import ExecutionSettings
from alpha_lightning.backtest.trade_costs import Charges, TradeCosts
from alpha_lightning.portfolio.policy import Target

if TYPE_CHECKING:
    from alpha_lightning.backtest.market import Market

Flags = NDArray[np.bool_]
DUST = 1e-9
"""Share of the portfolio's value below which a difference is no trade."""


class Attempts(NamedTuple):
    """Trades that were tried, ``(n,)`` each: as in `Trades`."""

    column: Index
    wanted: Floats
    shares: Floats
    price: Floats
    charges: Charges
    reason: NDArray[np.int8]


@dataclass(frozen=True)
class Traded:
    """What a trade did to the account.

    Args:
        attempts: in their order.
        gain: of the old holdings from their marks to the trade prices.
        cost: of all trades.
        turnover: half of what was bought and sold over the value before.
        short: stocks that were wanted, blocked, and not replaced.
    """

    attempts: tuple[Attempts, ...]
    gain: float
    cost: float
    turnover: float
    short: int


@dataclass(frozen=True)
class TradeDay:
    """One target on one day of the market; `trade` changes the account.

    Args:
        market: the market.
        row: of the day.
        account: before the trade, after the day's corporate actions.
        target: what is wanted.
        execution: how it is traded.
        costs: what it costs.
    """

    market: "Market"
    row: int
    account: Account
    target: Target
    execution: ExecutionSettings
    costs: TradeCosts

    def trade(self) -> Traded:
        """Trade, leaving marks at the trade prices."""
        account, value = self.account, self._value
        gain = float(self._shares @ (self._price - self._mark))
        account.mark[self._held] = self._price
        sales = self._sell()
        account.count()
        entries, weights, blocked, short = self._enter()
        purchases = self._buy(entries, weights)
        account.count()
        attempts = (sales, *blocked, purchases)
        flow = sum(float(np.abs(a.shares) @ np.nan_to_num(a.price)) for a in attempts)
        cost = sum(a.charges.total for a in attempts)
        turnover = flow / 2 / value if value > 0 else 0.0
        return Traded(attempts, gain, cost, turnover, short)

    @cached_property
    def _held(self) -> Index:
        return self.account.held

    @cached_property
    def _shares(self) -> Floats:
        return np.asarray(self.account.shares[self._held])

    @cached_property
    def _mark(self) -> Floats:
        return np.asarray(self.account.mark[self._held])

    @cached_property
    def _traded(self) -> Flags:
        return np.asarray(self.market.traded[self.row][self._held])

    @cached_property
    def _price(self) -> Floats:
        # What is held is worth its last price while it does not trade.
        price = self.market.trade_price(self.row, self._held, self.execution.price)
        return np.where(self._traded, price, self._mark)

    @cached_property
    def _value(self) -> float:
        return self.account.cash + float(self._shares @ self._price)

    @cached_property
    def _weight(self) -> Floats:
        weight = np.zeros(len(self.account.shares))
        weight[self.target.columns] = self.target.weights
        return weight

    @cached_property
    def _kept(self) -> Flags:
        kept = np.zeros(len(self.account.shares), dtype=bool)
        kept[self.target.columns] = self.target.keep
        return kept

    @cached_property
    def _excess(self) -> Floats:
        # Worth of what is held above what is wanted of it; what is kept is wanted as it is.
        wanted = self._weight[self._held] * self._value
        excess = self._shares * self._price - wanted
        return np.where(self._kept[self._held], 0.0, excess)

    def _sell(self) -> Attempts:
        account, row = self.account, self.row
        exits = (self._weight[self._held] == 0) & ~self._kept[self._held]
        chosen = np.flatnonzero(exits | (self._excess > DUST * self._value))
        columns, price, whole = self._held[chosen], self._price[chosen], exits[chosen]
        wanted = np.where(whole, self._shares[chosen], self._excess[chosen] / price)
        traded = self._traded[chosen]
        low = self.market.at_limit_down(row, columns, self.execution.limit)
        reason = _reasons(traded & ~low, traded, Reason.LIMIT_DOWN)
        shares = np.where(reason == Reason.DONE, wanted, 0.0)
        # A whole position may be sold, whatever its size.
        shares, reason = self._in_lots(shares, reason, ~whole)
        shares, reason = self._clip(columns, shares, reason)
        if self.execution.lot is not None:
            clipped = reason == Reason.PARTICIPATION
            shares = np.where(clipped, whole_lots(shares, self.execution.lot), shares)
        value = shares * price
        charges = self.costs.of_sales(row, columns, value)
        account.shares[columns] -= shares
        # What is left of a whole sale is nothing, not the dust of a subtraction.
        account.shares[columns[shares == self._shares[chosen]]] = 0.0
        account.cash += float(value.sum()) - charges.total
        return Attempts(columns, -wanted, -shares, price, charges, reason)

    def _in_lots(
        self, shares: Floats, reason: NDArray[np.int8], cut: Flags
    ) -> tuple[Floats, NDArray[np.int8]]:
        if self.execution.lot is None:
            return shares, reason
        floored = np.where(cut, whole_lots(shares, self.execution.lot), shares)
        lost = (shares > 0) & (floored == 0)
        return floored, np.where(lost, Reason.LOT, reason).astype(np.int8)

    def _clip(
        self, columns: Index, shares: Floats, reason: NDArray[np.int8]
    ) -> tuple[Floats, NDArray[np.int8]]:
        if self.execution.participation is None:
            return shares, reason
        most = self.execution.participation * self.market.volume[self.row][columns]
        clipped = shares > most
        reason = np.where(clipped, Reason.PARTICIPATION, reason).astype(np.int8)
        return np.where(clipped, most, shares), reason

    def _enter(self) -> tuple[Index, Floats, list[Attempts], int]:
        """Stocks to enter, their weights, what was blocked on the way, and how many are lacking."""
        target, account = self.target, self.account
        was_held = np.zeros(len(account.shares), dtype=bool)
        was_held[self._held] = True
        new = (target.weights > 0) & ~target.keep & ~was_held[target.columns]
        columns, weights = target.columns[new], target.weights[new]
        slots, short = len(columns) + len(target.reserves), 0
        if target.max_names is not None:
            slots = max(target.max_names - len(account.held), 0)
            short = max(target.max_names - int(((target.weights > 0) | target.keep).sum()), 0)
        reason = self._purchase_reasons(columns)
        if len(columns) <= slots and not reason.any():
            return columns, weights, [], short
        free = np.cumsum(reason == Reason.DONE) - (reason == Reason.DONE) < slots
        reason = np.where(free, reason, Reason.NO_SLOT).astype(np.int8)
        enters = reason == Reason.DONE
        waiting = weights[free & ~enters]
        blocked = [self._blocked(columns[~enters], weights[~enters], reason[~enters])]
        known = was_held.copy()
        known[target.columns] = True
        reserves = target.reserves[~known[target.reserves]]
        stand_ins, tried = self._stand_ins(reserves, waiting, slots - int(enters.sum()))
        blocked.append(tried)
        got = waiting[: len(stand_ins)]
        short += len(waiting) - len(stand_ins)
        entries = np.concatenate([columns[enters], stand_ins])
        return entries, np.concatenate([weights[enters], got]), blocked, short

    def _stand_ins(self, reserves: Index, waiting: Floats, slots: int) -> tuple[Index, Attempts]:
        reason = self._purchase_reasons(reserves)
        places = min(len(waiting), max(slots, 0))
        enters = reason == Reason.DONE
        # Those before the last one that is needed, and none at all when none is.
        needed = np.cumsum(enters) - enters < places
        tried = needed & ~enters
        turn = np.cumsum(enters)[tried]
        rows = self._blocked(reserves[tried], waiting[turn], reason[tried])
        return reserves[needed & enters], rows

    def _purchase_reasons(self, columns: Index) -> NDArray[np.int8]:
        traded = self.market.traded[self.row][columns]
        high = self.market.at_limit_up(self.row, columns, self.execution.limit)
        reason = _reasons(traded & ~high, traded, Reason.LIMIT_UP)
        listed = self.market.listed[self.row][columns]
        return np.where(listed, reason, Reason.NOT_LISTED).astype(np.int8)

    def _blocked(self, columns: Index, weights: Floats, reason: NDArray[np.int8]) -> Attempts:
        price = self.market.trade_price(self.row, columns, self.execution.price)
        nothing = np.zeros(len(columns))
        charges = Charges(nothing, nothing, nothing)
        return Attempts(columns, weights * self._value / price, nothing, price, charges, reason)

    def _buy(self, entries: Index, weights: Floats) -> Attempts:
        more = np.flatnonzero(-self._excess > DUST * self._value)
        old, row = self._held[more], self.row
        columns = np.concatenate([old, entries])
        fresh = self.market.trade_price(row, entries, self.execution.price)
        price = np.concatenate([self._price[more], fresh])
        wanted = np.concatenate([-self._excess[more], weights * self._value]) / price
        entered = np.full(len(entries), Reason.DONE, dtype=np.int8)
        reason = np.concatenate([self._purchase_reasons(old), entered])
        shares = np.where(reason == Reason.DONE, wanted, 0.0)
        shares, reason = self._clip(columns, shares, reason)
        shares, reason = self._afford(columns, shares, price, reason)
        value = shares * price
        charges = self.costs.of_purchases(row, columns, value)
        self.account.shares[columns] += shares
        self.account.mark[columns] = price
        self.account.cash -= float(value.sum()) + charges.total
        return Attempts(columns, wanted, shares, price, charges, reason)

    def _afford(
        self, columns: Index, shares: Floats, price: Floats, reason: NDArray[np.int8]
    ) -> tuple[Floats, NDArray[np.int8]]:
        cash, fees = self.account.cash, self.costs.settings
        value = shares * price
        charges = self.costs.of_purchases(self.row, columns, value)
        need = float(value.sum()) * (1 + fees.buy) + float(charges.impact.sum())
        if need > 0 and float(value.sum()) + charges.total > cash:
            fixed = fees.minimum * float((shares > 0).sum())
            shares = shares * max(0.0, (cash - fixed) / need)
            scaled = (reason == Reason.DONE) & (value > 0)
            reason = np.where(scaled, Reason.CASH, reason).astype(np.int8)
        return self._in_lots(shares, reason, np.ones(len(shares), dtype=bool))


def whole_lots(shares: Floats, lot: int) -> Floats:
    """Shares cut to a multiple of the lot, ``(n,)``; a rounding error below a whole lot is one."""
    return np.asarray(np.floor(shares / lot + DUST) * lot)


def _reasons(free: Flags, traded: Flags, limit: Reason) -> NDArray[np.int8]:
    blocked = np.where(traded, limit, Reason.SUSPENDED)
    return np.where(free, Reason.DONE, blocked).astype(np.int8)
