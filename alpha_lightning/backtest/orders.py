"""A target becomes trades: sales first, then newcomers and what stands in for them, then cash."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.backtest.account import Account
from alpha_lightning.backtest.attempts import Attempts, Traded
from alpha_lightning.backtest.ledger import Floats, Index, Reason
from alpha_lightning.backtest.settings import ExecutionSettings
from alpha_lightning.backtest.trade_costs import Charges, TradeCosts
from alpha_lightning.portfolio.policy import Target

if TYPE_CHECKING:
    from alpha_lightning.backtest.market import Market

Flags = NDArray[np.bool_]
_DONE, _SUSPENDED, _NOT_LISTED, _NO_SLOT, _PARTICIPATION, _CASH, _LOT, _COST = (
    np.int8(reason)
    for reason in (
        *(Reason.DONE, Reason.SUSPENDED, Reason.NOT_LISTED, Reason.NO_SLOT),
        *(Reason.PARTICIPATION, Reason.CASH, Reason.LOT, Reason.COST),
    )
)
_LIMIT_UP, _LIMIT_DOWN = np.int8(Reason.LIMIT_UP), np.int8(Reason.LIMIT_DOWN)
DUST = 1e-9
"""Share of the portfolio's value below which a difference is no trade."""
_ROUNDING = 1e-12  # of the value: cash that is short by less pays for everything
_WHOLE = (
    0.98  # of what is wanted: so much is bought whatever the costs take, less is for lack of cash
)


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
        account.recount()
        entries, weights, blocked, short = self._enter()
        purchases = self._buy(entries, weights)
        # Entries are tried last; too little for a lot or no cash at all is a lacking stock too.
        short += int((purchases.shares[len(purchases.shares) - len(entries) :] == 0).sum())
        account.recount(entries)
        attempts = (sales, *blocked, purchases)
        flow = sum(a.flow for a in attempts)
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
    def _wanted(self) -> tuple[Floats, Flags]:
        """Weight of what is held, 0 where it is to be sold, and whether it is left as it is."""
        target = self.target
        if not len(target.columns):
            return np.zeros(len(self._held)), np.zeros(len(self._held), dtype=np.bool_)
        order = np.argsort(target.columns)
        ranked = target.columns[order]
        place = np.minimum(np.searchsorted(ranked, self._held), len(ranked) - 1)
        named = ranked[place] == self._held
        weight = np.where(named, target.weights[order][place], 0.0)
        return weight, named & target.keep[order][place]

    @cached_property
    def _excess(self) -> Floats:
        # Worth of what is held above what is wanted of it; what is kept is wanted as it is.
        weight, kept = self._wanted
        return np.where(kept, 0.0, self._shares * self._price - weight * self._value)

    def _sell(self) -> Attempts:
        account, row = self.account, self.row
        weight, kept = self._wanted
        exits = (weight == 0) & ~kept
        chosen = np.flatnonzero(exits | (self._excess > DUST * self._value))
        columns, price, whole = self._held[chosen], self._price[chosen], exits[chosen]
        wanted = np.where(whole, self._shares[chosen], self._excess[chosen] / price)
        traded = self._traded[chosen]
        low = self.market.at_limit_down(row, columns, self.execution.limit)
        reason = _reasons(traded & ~low, traded, _LIMIT_DOWN)
        shares = np.where(reason == _DONE, wanted, 0.0)
        # A whole position may be sold, whatever its size.
        shares, reason = self._in_lots(shares, reason, ~whole)
        shares, reason = self._clip(columns, shares, reason)
        if self.execution.lot is not None:
            clipped = reason == _PARTICIPATION
            shares = np.where(clipped, whole_lots(shares, self.execution.lot), shares)
        charges = self.costs.of_sales(row, columns, shares * price)
        # Nobody pays to get rid of shares.
        ruinous = charges.each > shares * price * (1 + DUST)
        if ruinous.any():
            shares, reason = np.where(ruinous, 0.0, shares), np.where(ruinous, _COST, reason)
            charges = self.costs.of_sales(row, columns, shares * price)
        value = shares * price
        account.shares[columns] -= shares
        # What is left of a whole sale is nothing, not the dust of a subtraction.
        account.shares[columns[shares == self._shares[chosen]]] = 0.0
        account.cash += float(value.sum()) - charges.total
        return Attempts(columns, -wanted, 0.0 - shares, price, charges, reason)

    def _in_lots(
        self, shares: Floats, reason: NDArray[np.int8], cut: Flags
    ) -> tuple[Floats, NDArray[np.int8]]:
        if self.execution.lot is None:
            return shares, reason
        floored = np.where(cut, whole_lots(shares, self.execution.lot), shares)
        lost = (shares > 0) & (floored == 0)
        return floored, np.where(lost, _LOT, reason)

    def _clip(
        self, columns: Index, shares: Floats, reason: NDArray[np.int8]
    ) -> tuple[Floats, NDArray[np.int8]]:
        if self.execution.participation is None:
            return shares, reason
        most = self.execution.participation * self.market.volume[self.row][columns]
        clipped = shares > most
        reason = np.where(clipped, _PARTICIPATION, reason)
        return np.where(clipped, most, shares), reason

    def _enter(self) -> tuple[Index, Floats, list[Attempts], int]:
        """Stocks to enter, their weights, what was blocked on the way, and how many are lacking."""
        target, account = self.target, self.account
        owned = _among(target.columns, self._held)
        new = (target.weights > DUST) & ~target.keep & ~owned
        columns, weights = target.columns[new], target.weights[new]
        slots, short = len(columns) + len(target.reserves), 0
        if target.max_names is not None:
            slots = max(target.max_names - len(account.held), 0)
            # What was to be kept and is gone, delisted since the signal, is lacking too.
            named = new | (owned & ((target.weights > 0) | target.keep))
            short = max(target.max_names - int(named.sum()), 0)
        reason = self._purchase_reasons(columns)
        if len(columns) <= slots and not reason.any():
            return columns, weights, [], short
        free = np.cumsum(reason == _DONE) - (reason == _DONE) < slots
        reason = np.where(free, reason, _NO_SLOT)
        enters = reason == _DONE
        waiting = weights[free & ~enters]
        blocked = [self._blocked(columns[~enters], weights[~enters], reason[~enters])]
        taken = np.union1d(self._held, target.columns)
        reserves = target.reserves[~_among(target.reserves, taken)]
        stand_ins, tried = self._stand_ins(reserves, waiting, slots - int(enters.sum()))
        blocked.append(tried)
        got = waiting[: len(stand_ins)]
        short += len(waiting) - len(stand_ins)
        entries = np.concatenate([columns[enters], stand_ins])
        return entries, np.concatenate([weights[enters], got]), blocked, short

    def _stand_ins(self, reserves: Index, waiting: Floats, slots: int) -> tuple[Index, Attempts]:
        reason = self._purchase_reasons(reserves)
        places = min(len(waiting), max(slots, 0))
        enters = reason == _DONE
        # Those before the last one that is needed, and none at all when none is.
        needed = np.cumsum(enters) - enters < places
        tried = needed & ~enters
        turn = np.cumsum(enters)[tried]
        rows = self._blocked(reserves[tried], waiting[turn], reason[tried])
        return reserves[needed & enters], rows

    def _purchase_reasons(self, columns: Index) -> NDArray[np.int8]:
        traded = self.market.traded[self.row][columns]
        high = self.market.at_limit_up(self.row, columns, self.execution.limit)
        reason = _reasons(traded & ~high, traded, _LIMIT_UP)
        listed = self.market.listed[self.row][columns]
        return np.where(listed, reason, _NOT_LISTED)

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
        entered = np.full(len(entries), _DONE, dtype=np.int8)
        reason = np.concatenate([self._purchase_reasons(old), entered])
        shares = np.where(reason == _DONE, wanted, 0.0)
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
        if need > 0 and float(value.sum()) + charges.total > cash + _ROUNDING * self._value:
            fixed = fees.minimum * float((shares > 0).sum())
            part = max(0.0, (cash - fixed) / need)
            shares = np.where(part * value > DUST * self._value, part * shares, 0.0)
            scaled = (reason == _DONE) & (value > 0) & (part < _WHOLE)
            reason = np.where(scaled, _CASH, reason)
        return self._in_lots(shares, reason, np.ones(len(shares), dtype=bool))


def whole_lots(shares: Floats, lot: int) -> Floats:
    """Shares cut to a multiple of the lot, ``(n,)``; a rounding error below a whole lot is one."""
    return np.asarray(np.floor(shares / lot + DUST) * lot)


def _among(columns: Index, ascending: Index) -> Flags:
    if not len(ascending):
        return np.zeros(len(columns), dtype=np.bool_)
    place = np.minimum(np.searchsorted(ascending, columns), len(ascending) - 1)
    return np.asarray(ascending[place] == columns)


def _reasons(free: Flags, traded: Flags, limit: np.int8) -> NDArray[np.int8]:
    blocked = np.where(traded, limit, _SUSPENDED)
    return np.where(free, _DONE, blocked)
