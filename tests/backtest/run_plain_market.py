"""A market as plain lists, and what its rules say of one stock on one day."""

import math
import re
from dataclasses import dataclass, field

from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings

Rows = list[list[float]]
Flags = list[list[bool]]
NEW_MAIN_BOARD = "2023-04-10"
NEW_CHINEXT = "2020-08-24"


class UnexplainedJumpError(Exception):
    """The factor of a held stock jumps and its price does not."""


@dataclass
class Bars:
    """Daily bars by row, then stock.

    Args:
        dates: ISO dates.
        symbols: of the stocks.
        price: raw ``open``, ``high``, ``low``, ``close``, perhaps ``vwap`` and ``twap``.
        volume: in shares.
        factor: of adjustment.
        traded: whether the stock traded.
        listed: whether it was listed.
        amount: of money traded; close times volume when None.
        up: upper price limits; by the board's rule when None.
        down: lower price limits.
        st: special treatment, for the board's rule.
        events: cash and shares per share by row and stock; None without a table.
        span: first and last row of the table of events.
    """

    dates: list[str]
    symbols: list[str]
    price: dict[str, Rows]
    volume: Rows
    factor: Rows
    traded: Flags
    listed: Flags
    amount: Rows | None = None
    up: Rows | None = None
    down: Rows | None = None
    st: Flags | None = None
    events: dict[tuple[int, int], tuple[float, float]] | None = None
    span: tuple[int, int] = (0, -1)
    missing_vwap: bool = field(init=False)

    def __post_init__(self) -> None:
        cells = [
            self.price["vwap"][d][j] if "vwap" in self.price else math.nan
            for d in range(len(self.dates))
            for j in range(len(self.symbols))
            if self.traded[d][j]
        ]
        present = sum(not math.isnan(cell) for cell in cells)
        self.missing_vwap = 1 - present / max(len(cells), 1) > 0.05

    def trade_price(self, d: int, j: int, which: str) -> float:
        """NaN where the stock does not trade, the close where its price is missing."""
        if not self.traded[d][j]:
            return math.nan
        if which == "vwap" and self.missing_vwap:
            which = "close"
        price = self.price[which][d][j]
        return self.price["close"][d][j] if math.isnan(price) else price

    def last_row(self, d: int, j: int) -> int:
        """The last row before ``d`` on which the stock traded; -1 without any."""
        rows = [row for row in range(d) if self.traded[row][j]]
        return rows[-1] if rows else -1

    def last_close(self, d: int, j: int) -> float:
        """Raw close of that row."""
        row = self.last_row(d, j)
        return math.nan if row < 0 else self.price["close"][row][j]

    def limits(self, d: int, j: int) -> tuple[float, float]:
        """Lower and upper limit; NaN where there is none."""
        if self.up is not None and self.down is not None:
            return self.down[d][j], self.up[d][j]
        return self.board_limits(d, j)

    def board_limits(self, d: int, j: int) -> tuple[float, float]:
        """By the rule of the stock's board."""
        none = math.nan, math.nan
        digits = re.search(r"\d{6}", self.symbols[j])
        close = self.last_close(d, j)
        if digits is None or math.isnan(close):
            return none
        code, date = digits.group(), self.dates[d]
        share = 0.1
        if code[:3] in {"688", "689"}:
            share = 0.2
        elif code[:3] in {"300", "301", "302"}:
            share = 0.1 if date < NEW_CHINEXT else 0.2
        elif code[0] in "48" or code[:2] == "92":
            share = 0.3
        if share == 0.1 and self.st is not None and self.st[d][j]:
            share = 0.05
        first = next(row for row in range(len(self.dates)) if self.listed[row][j])
        if first > 0 and d - first < free_days(code, self.dates[first]):
            return none
        cents = nearest(100 * close * self.factor[self.last_row(d, j)][j] / self.factor[d][j])
        up, down = nearest(cents * (1 + share)), nearest(cents * (1 - share))
        return max(min(down, cents - 1), 1) / 100, max(up, cents + 1) / 100

    def at_limit(self, d: int, j: int, rule: str, side: str) -> bool:
        """Whether the stock cannot be bought (``up``) or sold (``down``) for its limit."""
        if rule == "off":
            return False
        down, up = self.limits(d, j)
        name = ("low" if side == "up" else "high") if rule == "locked" else rule
        price = self.price[name][d][j]
        return price >= up - 0.005 if side == "up" else price <= down + 0.005

    def action(
        self, d: int, j: int, mark: float, execution: ExecutionSettings
    ) -> tuple[float, float, float] | None:
        """New shares and cash before tax per share, and the new mark; None without an event."""
        if d == 0:
            return None
        g = self.factor[d][j] / self.factor[d - 1][j]
        told = self.events is not None and self.span[0] <= d <= self.span[1]
        event = self.events.get((d, j)) if self.events is not None else None
        if event is not None:
            cash, shares = event
            booked = 1 + shares, cash, (mark - cash) / (1 + shares)
            wrong = self.unexplained(d, j, mark, mark / booked[2])
        elif abs(g - 1) > (1e-4 if told else 1e-9) and not self.catches_up(d, j):
            # With a table the factor is only checked, and few digits of it wander.
            wrong = told or self.unexplained(d, j, mark, g)
            split = execution.corporate_actions == "shares" or g < 1 or g >= execution.split_from
            booked = (g, 0.0, mark / g) if split else (1.0, mark * (1 - 1 / g), mark / g)
        else:
            return None
        if wrong and execution.factor_jumps == "refuse":
            raise UnexplainedJumpError(self.symbols[j], self.dates[d])
        return None if wrong and execution.factor_jumps == "ignore" else booked

    def catches_up(self, d: int, j: int) -> bool:
        """Whether the factor comes late for an event that the table told in a suspension."""
        last = self.last_row(d, j)
        told = [row for row in range(last + 1, d) if self.events and (row, j) in self.events]
        return last >= 0 and bool(told) and self.factor[last][j] == self.factor[d - 1][j]

    def unexplained(self, d: int, j: int, mark: float, g: float) -> bool:
        """Whether the price does not move with the factor."""
        opening = self.price["open"][d][j]
        if not self.traded[d][j] or math.isnan(opening) or abs(math.log(g)) <= 0.25:
            return False
        move = math.log(opening / mark)
        return abs(move + math.log(g)) > max(0.25, abs(move))

    def volatility(self, d: int, j: int) -> float:
        """Of adjusted closes over the 20 rows before ``d``."""
        returns = []
        for row in range(max(d - 20, 0) + 1, d):
            if self.traded[row][j] and self.traded[row - 1][j]:
                now = self.price["close"][row][j] * self.factor[row][j]
                before = self.price["close"][row - 1][j] * self.factor[row - 1][j]
                returns.append(now / before - 1)
        if len(returns) < 5:
            return 0.03
        mean = math.fsum(returns) / len(returns)
        return math.sqrt(math.fsum((r - mean) ** 2 for r in returns) / len(returns))

    def money(self, d: int, j: int) -> float:
        """Amount traded on the day."""
        if self.amount is not None:
            return self.amount[d][j]
        return self.price["close"][d][j] * self.volume[d][j]

    def usual_amount(self, d: int, j: int) -> float:
        """Mean amount of the traded ones of the 20 rows before ``d``."""
        rows = [row for row in range(max(d - 20, 0), d) if self.traded[row][j]]
        if not rows:
            return self.money(d, j)
        return math.fsum(self.money(row, j) for row in rows) / len(rows)

    def cost(
        self, d: int, j: int, x: float, p: float, costs: CostSettings
    ) -> tuple[float, float, float]:
        """Fee, duty and impact of trading ``x`` shares, negative for a sale."""
        v = abs(x) * p
        if v == 0:
            return 0.0, 0.0, 0.0
        fee = max(costs.minimum, (costs.buy if x > 0 else costs.sell) * v)
        duty = 0.0
        if x < 0:
            for date in sorted(costs.stamp_duty):
                if date <= self.dates[d]:
                    duty = costs.stamp_duty[date] * v
        usual = self.usual_amount(d, j)
        impact = 0.0
        if costs.impact > 0 and usual > 0:
            impact = costs.impact * self.volatility(d, j) * math.sqrt(v / usual) * v
        return fee, duty, impact


def free_days(code: str, date: str) -> int:
    """Days of a listing without a limit."""
    if code[:3] in {"688", "689"}:
        return 5
    if code[0] in "48" or code[:2] == "92":
        return 1
    growth = code[:3] in {"300", "301", "302"}
    return 5 if date >= (NEW_CHINEXT if growth else NEW_MAIN_BOARD) else 1


def nearest(cents: float) -> int:
    """Whole cents, halves upwards, also where a product falls short of a half by its rounding."""
    return math.floor(cents + 0.5 + 1e-6)
