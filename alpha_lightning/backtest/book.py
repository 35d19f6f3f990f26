"""One portfolio through the days: actions, delistings, trades, marks, records."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.account import Account
from alpha_lightning.backtest.attempts import Attempts
from alpha_lightning.backtest.ledger import Floats, Holdings, Index, Ledger, Reason, Trades
from alpha_lightning.backtest.orders import TradeDay
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings
from alpha_lightning.backtest.trade_costs import Charges, TradeCosts
from alpha_lightning.portfolio.policy import Hold, Observation, Policy, Target

if TYPE_CHECKING:
    from alpha_lightning.backtest.market import Market

PENDING = "the trade of the signal before is still to come"
_DAY = ("value", "cash", "gain", "dividends", "cost", "turnover", "names", "short")


@dataclass(frozen=True)
class Setting:
    """One portfolio of a run.

    Args:
        name: for messages.
        policy: what is wanted.
        scores: ``(S, N)`` by signal date, or None for a policy that needs none.
        execution: how it is traded.
        costs: what trades cost.
    """

    name: str
    policy: Policy
    scores: NDArray[Any] | None = None
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    costs: CostSettings = field(default_factory=CostSettings)


@dataclass(frozen=True)
class Outcome:
    """What a portfolio did and what it had wanted.

    Args:
        ledger: day by day.
        decisions: of every signal, as (panel row, decision).
    """

    ledger: Ledger
    decisions: tuple[tuple[int, Target | Hold], ...]


class Book:
    """A portfolio on its way through the days.

    Args:
        market: the market.
        setting: policy, execution, costs.
    """

    def __init__(self, market: "Market", setting: Setting) -> None:
        self.market = market
        self.setting = setting
        self.account = Account.of_cash(setting.execution.capital, len(market.symbols))
        self._costs = TradeCosts(setting.costs, market)
        self._symbols = market.symbols.copy()
        self._symbols.flags.writeable = False
        self._due: dict[int, tuple[int, Target]] = {}
        self._decisions: list[tuple[int, Target | Hold]] = []
        self._rows: list[int] = []
        # Numbers and arrays in flat lists: a tuple a day would keep the garbage collector busy.
        self._days: list[float] = []
        self._columns: list[Index] = []
        self._shares: list[Floats] = []
        self._prices: list[Floats] = []
        self._tried: list[tuple[int, int, Attempts]] = []

    def step(self, row: int) -> None:
        """One trading day, to its close."""
        account, due = self.account, self._due.pop(row, None)
        if due is None and not self._rows:
            return
        gain = dividends = cost = 0.0
        turnover, short = np.nan, 0
        if len(account.held):
            gain, dividends = self._take_actions(row)
            gain += self._take_delistings(row)
        if due is not None:
            signal, target = due
            day = TradeDay(
                self.market, row, account, target, self.setting.execution, self._costs
            ).trade()
            self._tried += [(row, signal, tried) for tried in day.attempts]
            gain, cost, turnover, short = gain + day.gain, day.cost, day.turnover, day.short
        gain += self._mark(row)
        record = (account.value, account.cash, gain, dividends, cost, turnover)
        self._rows.append(row)
        self._days += (*record, len(account.held), short)
        self._keep()

    def decide(self, row: int, scores: Floats, universe: NDArray[np.bool_]) -> None:
        """Ask the policy at the close of a signal date, unless the trade before is still to come.

        Args:
            row: of the date.
            scores: ``(N,)``; NaN is missing.
            universe: ``(N,)``.

        Raises:
            UserError: the policy answers what cannot be traded.
        """
        if self._due:
            self._decisions.append((row, Hold(PENDING)))
            return
        account, market = self.account, self.market
        value, held = account.value, account.held
        weights = np.zeros(len(account.shares))
        if value > 0:  # or else everything is lost, and there is nothing to weigh
            weights[held] = account.shares[held] * account.mark[held] / value
        seen = Observation(
            date=market.dates[row],
            symbols=self._symbols,
            scores=scores.astype(np.float64),
            universe=universe.copy(),
            traded=market.traded[row].copy(),
            shares=account.shares.copy(),
            weights=weights,
            value=value,
            past=lambda name, days: market.history(name, row, days),
            limits=lambda: self._at_limits(row),
        )
        decision = self.setting.policy.decide(seen)
        self._decisions.append((row, decision))
        self._refuse(decision, row)
        if isinstance(decision, Target):
            self._due[row + self.setting.execution.delay] = (row, decision)

    def _at_limits(self, row: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        market, rule = self.market, self.setting.execution.limit
        traded = np.flatnonzero(market.traded[row])
        up, down = (np.zeros(len(self._symbols), dtype=np.bool_) for _ in range(2))
        up[traded] = market.at_limit_up(row, traded, rule)
        down[traded] = market.at_limit_down(row, traded, rule)
        return up, down

    def _refuse(self, decision: object, row: int) -> None:
        fault = "" if isinstance(decision, Hold) else "neither a Target nor a Hold"
        if isinstance(decision, Target):
            fault = decision.fault(len(self._symbols))
        if fault:
            msg = f"{self.setting.name}: the policy's answer of {self.market.dates[row]}: {fault}"
            raise UserError(msg)

    def _keep(self) -> None:
        held, shares = self.account.held, self.account.shares[self.account.held]
        if self._rows[1:] and np.array_equal(self._columns[-1], held):
            held = self._columns[-1]  # most days nothing is traded: once in memory is enough
            if np.array_equal(self._shares[-1], shares):
                shares = self._shares[-1]
        self._columns.append(held)
        self._shares.append(shares)
        self._prices.append(self.account.mark[held])

    def close(self) -> Outcome:
        """The ledger of everything so far."""
        days = np.array(self._days, dtype=np.float64).reshape(-1, len(_DAY))
        columns = dict(zip(_DAY, days.T, strict=True))
        counts = {name: columns.pop(name).astype(np.int64) for name in ("names", "short")}
        held = tuple((r, d.reason) for r, d in self._decisions if isinstance(d, Hold))
        ledger = Ledger(
            capital=self.setting.execution.capital,
            rows=np.array(self._rows, dtype=np.intp),
            **columns,  # type: ignore[arg-type]
            **counts,  # type: ignore[arg-type]
            holdings=self._holdings(),
            trades=_trades(self._tried),
            held=held,
        )
        return Outcome(ledger, tuple(self._decisions))

    def _take_actions(self, row: int) -> tuple[float, float]:
        account, held = self.account, self.account.held
        before, marks = account.shares[held], account.mark[held]
        found = self.market.actions(row, held, marks, self.setting.execution)
        if found is None:
            return 0.0, 0.0
        growth, paid, after = found
        received = float(before @ paid) * (1 - self.setting.execution.dividend_tax)
        account.cash += received
        account.shares[held] = before * growth
        account.mark[held] = after
        return float(before * growth @ after - before @ marks), received

    def _take_delistings(self, row: int) -> float:
        account = self.account
        listed = self.market.listed[row][account.held]
        if listed.all():
            return 0.0
        gone = account.held[~listed]
        shares, mark = account.shares[gone], account.mark[gone]
        price = mark * self.setting.execution.delist_value
        account.cash += float(shares @ price)
        account.shares[gone] = 0.0
        account.recount()
        nothing = np.zeros(len(gone))
        reason = np.full(len(gone), Reason.DELISTED, dtype=np.int8)
        charges = Charges(nothing, nothing, nothing)
        tried = Attempts(gone, -shares, -shares, price, charges, reason)
        self._tried.append((row, -1, tried))
        return float(shares @ (price - mark))

    def _mark(self, row: int) -> float:
        account, held = self.account, self.account.held
        traded = self.market.traded[row][held]
        close = self.market.prices["close"][row][held]
        before = account.mark[held]
        after = close if traded.all() else np.where(traded, close, before)
        account.mark[held] = after
        return float(account.shares[held] @ (after - before))

    def _holdings(self) -> Holdings:
        none = np.empty(0)
        return Holdings(
            np.repeat(np.array(self._rows, dtype=np.intp), [len(held) for held in self._columns]),
            np.concatenate([none.astype(np.intp), *self._columns]),
            np.concatenate([none, *self._shares]),
            np.concatenate([none, *self._prices]),
        )


def _trades(tried: list[tuple[int, int, Attempts]]) -> Trades:
    counts = [len(part.column) for _, _, part in tried]

    def joined(name: str) -> Floats:
        parts = [getattr(part, name) for _, _, part in tried]
        return np.concatenate([np.empty(0), *parts])

    def charged(name: str) -> Floats:
        parts = [getattr(part.charges, name) for _, _, part in tried]
        return np.concatenate([np.empty(0), *parts])

    return Trades(
        row=np.repeat([row for row, _, _ in tried], counts).astype(np.intp),
        signal=np.repeat([signal for _, signal, _ in tried], counts).astype(np.intp),
        column=joined("column").astype(np.intp),
        wanted=joined("wanted"),
        shares=joined("shares"),
        price=joined("price"),
        fee=charged("fee"),
        duty=charged("duty"),
        impact=charged("impact"),
        reason=joined("reason").astype(np.int8),
    )
