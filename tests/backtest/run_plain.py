"""The backtest a second time: one loop over days and stocks, from the rules of trading alone.

Slow and plain on purpose. Nothing of the engine is imported but its settings and the names of its
reasons.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from alpha_lightning.backtest.ledger import Reason
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings
from tests.backtest.run_plain_market import Bars
from tests.backtest.run_plain_policies import PlainPolicy, Seen, Wanted

DUST = 1e-9
WHOLE = 0.98
PENDING = "the trade of the signal before is still to come"
ROUNDING = 1e-12


@dataclass
class Trade:
    """One row of the ledger's trades."""

    row: int
    signal: int
    column: int
    wanted: float
    shares: float
    price: float
    fee: float
    duty: float
    impact: float
    reason: Reason


@dataclass
class Day:
    """One row of the ledger; ``holdings`` are shares and price by stock."""

    row: int
    value: float
    cash: float
    gain: float
    dividends: float
    cost: float
    turnover: float
    short: int
    holdings: dict[int, tuple[float, float]]


@dataclass
class Order:
    """A purchase: shares wanted, and what is left of them."""

    column: int
    price: float
    wanted: float
    shares: float
    clipped: bool = False


@dataclass
class PlainRun:
    """One portfolio.

    Args:
        bars: the market.
        policy: decides.
        execution: how to trade.
        costs: what trades cost.
        signals: row of each signal date.
        universe: ``(S, N)``.
        scores: ``(S, N)``.
    """

    bars: Bars
    policy: PlainPolicy
    execution: ExecutionSettings
    costs: CostSettings
    signals: list[int]
    universe: list[list[bool]]
    scores: list[list[float]]
    days: list[Day] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    held: list[tuple[int, str]] = field(default_factory=list)
    decisions: list[tuple[int, Wanted | str]] = field(default_factory=list)
    shares: dict[int, float] = field(default_factory=dict)
    mark: dict[int, float] = field(default_factory=dict)
    cash: float = 0.0
    gain: float = 0.0
    dividends: float = 0.0
    cost: float = 0.0
    turnover: float = math.nan
    short: int = 0

    def run(self, last: int) -> "PlainRun":
        """All days to row ``last``."""
        self.cash = self.execution.capital
        queue: dict[int, tuple[int, Wanted]] = {}
        begun = False
        for d in range(last + 1):
            self.gain = self.dividends = self.cost = 0.0
            self.turnover, self.short = math.nan, 0
            self.act(d)
            self.delist(d)
            if d in queue:
                begun = True
                self.trade(d, *queue[d])
            self.close(d)
            if begun:
                self.record(d)
            if d in self.signals:
                pending = any(row > d for row in queue)
                answer = PENDING if pending else self.policy.decide(self.seen(d))
                self.decisions.append((d, answer))
                if isinstance(answer, Wanted):
                    queue[d + self.execution.delay] = d, answer
                else:
                    self.held.append((d, answer))
        return self

    def value(self, price: Callable[[int], float]) -> float:
        return self.cash + math.fsum(n * price(j) for j, n in self.shares.items())

    def seen(self, d: int) -> Seen:
        value = self.value(lambda j: self.mark[j])
        weights = {j: n * self.mark[j] / value for j, n in self.shares.items()}
        s = self.signals.index(d)
        return Seen(
            d,
            self.scores[s],
            self.universe[s],
            self.bars.traded[d],
            {**self.shares},
            weights,
            value,
        )

    def act(self, d: int) -> None:
        for j in sorted(self.shares):
            action = self.bars.action(d, j, self.mark[j], self.execution)
            if action is not None:
                times, cash, mark = action
                old, worth = self.shares[j], self.shares[j] * self.mark[j]
                received = old * cash * (1 - self.execution.dividend_tax)
                self.shares[j], self.mark[j] = old * times, mark
                self.cash += received
                self.dividends += received
                self.gain += self.shares[j] * mark - worth

    def delist(self, d: int) -> None:
        for j in sorted(self.shares):
            if not self.bars.listed[d][j]:
                n, price = self.shares.pop(j), self.mark[j] * self.execution.delist_value
                self.cash += n * price
                self.gain += n * (price - self.mark[j])
                self.trades.append(Trade(d, -1, j, -n, -n, price, 0.0, 0.0, 0.0, Reason.DELISTED))

    def close(self, d: int) -> None:
        for j, n in self.shares.items():
            if self.bars.traded[d][j]:
                close = self.bars.price["close"][d][j]
                self.gain += n * (close - self.mark[j])
                self.mark[j] = close

    def record(self, d: int) -> None:
        held = {j: (self.shares[j], self.mark[j]) for j in sorted(self.shares)}
        day = (self.gain, self.dividends, self.cost, self.turnover, self.short, held)
        self.days.append(Day(d, self.value(lambda j: self.mark[j]), self.cash, *day))

    def price(self, d: int, j: int) -> float:
        """Of the trade; a held stock that does not trade is worth its last price, another NaN."""
        if self.bars.traded[d][j]:
            return self.bars.trade_price(d, j, self.execution.price)
        return self.mark[j] if j in self.shares else math.nan

    def why_not_buy(self, d: int, j: int) -> Reason | None:
        if not self.bars.listed[d][j]:
            return Reason.NOT_LISTED
        if not self.bars.traded[d][j]:
            return Reason.SUSPENDED
        up = self.bars.at_limit(d, j, self.execution.limit, "up")
        return Reason.LIMIT_UP if up else None

    def why_not_sell(self, d: int, j: int) -> Reason | None:
        if not self.bars.traded[d][j]:
            return Reason.SUSPENDED
        down = self.bars.at_limit(d, j, self.execution.limit, "down")
        return Reason.LIMIT_DOWN if down else None

    def trade(self, d: int, s: int, target: Wanted) -> None:
        for j, n in self.shares.items():
            price = self.price(d, j)
            self.gain += n * (price - self.mark[j])
            self.mark[j] = price
        before = set(self.shares)
        total = self.value(lambda j: self.mark[j])
        flow = self.sell(d, s, target, total)
        buys = self.enter(d, s, target, total, before)
        flow += self.buy(d, s, self.add(d, s, target, total) + buys)
        self.short += sum(order.column not in self.shares for order in buys)
        self.turnover = 0.5 * flow / total

    def blocked(self, d: int, s: int, j: int, wanted: float, reason: Reason) -> None:
        self.trades.append(Trade(d, s, j, wanted, 0.0, self.price(d, j), 0.0, 0.0, 0.0, reason))

    def whole(self, x: float) -> float:
        lot = self.execution.lot
        return x if lot is None else math.floor(x / lot + DUST) * lot

    def largest(self, d: int, j: int) -> float:
        share = self.execution.participation
        return math.inf if share is None else share * self.bars.volume[d][j]

    def book(self, d: int, s: int, j: int, wanted: float, x: float, reason: Reason) -> float:
        """Trade ``x`` shares, negative for a sale; returns the value that changed hands."""
        price = self.price(d, j)
        fee, duty, impact = self.bars.cost(d, j, x, price, self.costs)
        self.trades.append(Trade(d, s, j, wanted, x, price, fee, duty, impact, reason))
        self.cash -= x * price + fee + duty + impact
        self.cost += fee + duty + impact
        self.shares[j] = self.shares.get(j, 0.0) + x
        self.mark[j] = price
        return abs(x) * price

    def sell(self, d: int, s: int, target: Wanted, total: float) -> float:
        flow = 0.0
        for j in sorted(self.shares):
            if j in target.keep:
                continue
            n, price = self.shares[j], self.price(d, j)
            weight = target.weights.get(j, 0.0)
            wanted = n if weight == 0 else n - weight * total / price
            if weight > 0 and not wanted * price > DUST * total:
                continue
            reason = self.why_not_sell(d, j)
            if reason is not None:
                self.blocked(d, s, j, -wanted, reason)
                continue
            x = wanted if weight == 0 else self.whole(wanted)
            reason = Reason.DONE if x > 0 else Reason.LOT
            if x > self.largest(d, j):
                x, reason = self.whole(self.largest(d, j)), Reason.PARTICIPATION
            if x == 0:
                self.blocked(d, s, j, -wanted, reason)
                continue
            if sum(self.bars.cost(d, j, -x, price, self.costs)) > x * price * (1 + DUST):
                self.blocked(d, s, j, -wanted, Reason.COST)
                continue
            flow += self.book(d, s, j, -wanted, -x, reason)
            if x == n:
                del self.shares[j]
        return flow

    def enter(self, d: int, s: int, target: Wanted, total: float, before: set[int]) -> list[Order]:
        """Purchases of what was not held, those that the market blocks replaced."""
        slots = math.inf if target.max_names is None else target.max_names - len(self.shares)
        orders: list[Order] = []
        waiting: list[float] = []
        for j, weight in target.weights.items():
            if weight > DUST and j not in target.keep and j not in before:
                wanted = weight * total / self.price(d, j)
                reason = self.why_not_buy(d, j)
                if len(orders) >= slots:
                    self.blocked(d, s, j, wanted, Reason.NO_SLOT)
                elif reason is not None:
                    self.blocked(d, s, j, wanted, reason)
                    waiting.append(weight)
                else:
                    orders.append(Order(j, self.price(d, j), wanted, wanted))
        reserves = [j for j in target.reserves if j not in before and j not in target.weights]
        while waiting and reserves and len(orders) < slots:
            j = reserves.pop(0)
            wanted = waiting[0] * total / self.price(d, j)
            reason = self.why_not_buy(d, j)
            if reason is not None:
                self.blocked(d, s, j, wanted, reason)
            else:
                orders.append(Order(j, self.price(d, j), wanted, wanted))
                waiting.pop(0)
        named = 0
        for j, weight in target.weights.items():
            kept = j in target.keep
            named += kept or weight > 0 if j in before else not kept and weight > DUST
        self.short = len(waiting) + max(0, (target.max_names or 0) - named)
        return orders

    def add(self, d: int, s: int, target: Wanted, total: float) -> list[Order]:
        """Purchases of what is held."""
        orders = []
        for j, weight in target.weights.items():
            if j in self.shares and j not in target.keep:
                n, price = self.shares[j], self.price(d, j)
                if weight * total > n * price + DUST * total:
                    wanted = weight * total / price - n
                    reason = self.why_not_buy(d, j)
                    if reason is not None:
                        self.blocked(d, s, j, wanted, reason)
                    else:
                        orders.append(Order(j, price, wanted, wanted))
        return orders

    def buy(self, d: int, s: int, orders: list[Order]) -> float:
        need = total = fixed = 0.0
        for order in orders:
            order.clipped = order.shares > self.largest(d, order.column)
            order.shares = min(order.shares, self.largest(d, order.column))
            v = order.shares * order.price
            fee, _, impact = self.bars.cost(d, order.column, order.shares, order.price, self.costs)
            fixed += self.costs.minimum
            need += v * (1 + self.costs.buy) + impact
            total += v + fee + impact
        worth = self.value(lambda j: self.mark[j])
        enough = total <= max(self.cash + ROUNDING * worth, 0.0)
        k = 1.0 if enough else max(0.0, (self.cash - fixed) / need)
        flow = 0.0
        for order in orders:
            part = k * order.shares
            if not enough and part * order.price <= DUST * worth:
                part = 0.0
            x = self.whole(part)
            if x == 0 and part > 0:
                reason = Reason.LOT
            elif order.clipped:
                reason = Reason.PARTICIPATION
            else:
                reason = Reason.DONE if k >= WHOLE else Reason.CASH
            if x == 0:
                self.blocked(d, s, order.column, order.wanted, reason)
            else:
                flow += self.book(d, s, order.column, order.wanted, x, reason)
        return flow
