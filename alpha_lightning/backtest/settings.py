"""How a backtest trades, what it pays, and how its results are counted."""

from dataclasses import dataclass, field
from typing import Literal

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.summary import YEAR
from alpha_lightning.panel.signal_dates import Calendar

TradePrice = Literal["vwap", "open", "close", "twap"]
LimitRule = Literal["locked", "open", "close", "off"]
LimitSource = Literal["auto", "columns", "board"]


@dataclass(frozen=True)
class SignalSettings:
    """On which dates a portfolio is decided."""

    frequency: Calendar = "weekly"
    """Last trading day of each week or month, or every day."""
    every: int = 1
    """Only the first of so many signal dates."""
    start: str | None = None
    """First signal date; the first with a score when not given."""
    end: str | None = None
    """Last date of which anything is used; the panel's last when not given."""
    universe: str = "all"
    """An index whose members are in the panel, or all."""

    def __post_init__(self) -> None:
        if self.every < 1:
            msg = f"signals.every is {self.every}: it must be at least 1"
            raise UserError(msg)


@dataclass(frozen=True)
class ExecutionSettings:
    """How target weights become trades."""

    price: TradePrice = "vwap"
    """What trades are done at, in raw prices; twap needs the data set mschars."""
    delay: int = 1
    """Trading days from the signal to the trade."""
    limit: LimitRule = "locked"
    """When a stock at its price limit cannot be traded in that direction: locked there all day,
    at the open, at the close, or never."""
    limits: LimitSource = "auto"
    """Price limits from the panel's columns or by the board's rule; auto prefers the columns."""
    lot: int | None = None
    """Shares are traded in multiples of it, a whole position may be sold; fractions when null."""
    participation: float | None = None
    """Largest share of a stock's volume of the day that is traded."""
    corporate_actions: Literal["shares", "cash"] = "shares"
    """How a change of the adjustment factor is booked where no table of events tells: as further
    shares, or as cash unless it is as large as a split."""
    split_from: float = 1.15
    """With ``cash``: a factor that changes this many times over, or falls, is a split."""
    dividend_tax: float = 0.0
    """Share of cash dividends that is not received."""
    delist_value: float = 1.0
    """Worth of a delisted share in its last prices: 1 is its last close, 0 nothing."""
    factor_jumps: Literal["refuse", "ignore", "keep"] = "refuse"
    """What to do where the factor of a held stock jumps and its price does not: refuse, book
    nothing, or book it all the same."""
    capital: float = 1e8
    """Cash of the first day, in the currency of the prices."""

    def __post_init__(self) -> None:
        shares = {name: getattr(self, name) for name in ("dividend_tax", "delist_value")}
        wrong = [f"{name} is {value}" for name, value in shares.items() if not 0 <= value <= 1]
        if self.participation is not None and not 0 < self.participation <= 1:
            wrong.append(f"participation is {self.participation}")
        if wrong:
            msg = f"execution.{wrong[0]}: it must lie between 0 and 1"
            raise UserError(msg)
        if not 0 < self.capital < float("inf"):
            msg = f"execution.capital is {self.capital}: it must be a positive number"
            raise UserError(msg)
        if self.delay < 1:
            msg = f"execution.delay is {self.delay}: a signal is traded a day later at the earliest"
            raise UserError(msg)
        if self.lot is not None and self.lot < 1:
            msg = f"execution.lot is {self.lot}: it must be at least 1, or null for fractions"
            raise UserError(msg)
        if not self.split_from > 1:
            msg = f"execution.split_from is {self.split_from}: it must be above 1"
            raise UserError(msg)


@dataclass(frozen=True)
class CostSettings:
    """What a trade costs; rates are fractions of its value."""

    buy: float = 0.001
    """Rate of a purchase."""
    sell: float = 0.002
    """Rate of a sale."""
    minimum: float = 0.0
    """Smallest fee of a trade that the rates give, in the currency of the prices."""
    stamp_duty: dict[str, float] = field(default_factory=dict)
    """Further rate of a sale by the date from which it holds."""
    impact: float = 0.0
    """Square-root impact: this times daily volatility times the root of (value / daily amount),
    both means of the 20 days before the trade, as a rate."""

    def __post_init__(self) -> None:
        rates = {"buy": self.buy, "sell": self.sell}
        rates |= {f"stamp_duty from {date}": rate for date, rate in self.stamp_duty.items()}
        for name, rate in rates.items():
            if not 0 <= rate <= 1:
                msg = f"costs.{name} is {rate}: a rate lies between 0 and 1 (0.001 is 0.1 %)"
                raise UserError(msg)
        if max(self.stamp_duty.values(), default=0.0) + self.sell > 1:
            msg = "costs.sell and costs.stamp_duty together are above 100 %: give fractions"
            raise UserError(msg)
        for name in ("minimum", "impact"):
            if not 0 <= getattr(self, name) < float("inf"):
                msg = f"costs.{name} is {getattr(self, name)}: it must be 0 or more"
                raise UserError(msg)


@dataclass(frozen=True)
class BenchmarkSettings:
    """What a portfolio is held against."""

    index: str = "universe"
    """``universe``: all its members in equal weights, restored on the portfolio's signals, without
    cost; or an index of the panel."""
    total_return: bool = False
    """Of an index: rebuilt from its constituents' weights and adjusted prices, dividends included,
    instead of its published level."""


@dataclass(frozen=True)
class Conventions:
    """How results are counted; the defaults are the paper's."""

    year: int = YEAR
    """Trading days of a year."""
    relative: Literal["difference", "ratio"] = "difference"
    """Daily relative return: ``r_p - r_b``, or ``(1 + r_p) / (1 + r_b) - 1``."""
    first_trade: bool = False
    """Count the first purchase in the mean turnover."""
    information_ratio: Literal["annualised", "mean"] = "annualised"
    """Annualised relative return, or mean daily one times the days of a year, over volatility."""
    yearly_drawdown: Literal["restarts", "carries"] = "restarts"
    """A calendar year's drawdown is from its own highest value, or from the highest ever."""
    annualise_years: bool = False
    """Also annualise the return of a calendar year, of which a part may be missing."""

    def __post_init__(self) -> None:
        if self.year < 1:
            msg = f"conventions.year is {self.year}: it must be at least 1 trading day"
            raise UserError(msg)
