"""What a simulated market looks like: sizes, returns, planted signals, volumes, listings."""

import math
from dataclasses import dataclass, fields

import numpy as np

from alpha_lightning.artefacts.errors import UserError

_BAR_MINUTES = (5, 10, 15, 30)


class SimulationError(UserError):
    """A setting of the simulated market that cannot be simulated."""


@dataclass(frozen=True)
class ReturnSettings:
    """Daily returns: a market, industries, two styles and each stock's own part."""

    market_volatility: float = 0.012
    """Daily standard deviation of the market factor."""
    industry_volatility: float = 0.007
    """Daily standard deviation of each industry factor."""
    style_volatility: float = 0.0035
    """Daily standard deviation of each style factor, per unit of exposure."""
    stock_volatility: float = 0.017
    """Median daily standard deviation of a stock's own shock, events left aside."""
    volatility_spread: float = 0.25
    """Standard deviation across stocks of the logarithm of that volatility."""
    tail: float = 0.4
    """Log-volatility noise within a day: kurtosis is ``3 exp(4 tail^2)``, 5.7 at 0.4, 3 at 0."""
    persistence: float = 0.95
    """Daily autocorrelation of log-volatility, 0 to below 1."""
    clustering: float = 0.12
    """Rise of log-volatility after a shock one standard deviation larger than usual."""
    events: float = 0.016
    """Chance a day that a stock's own news is an event, half of them overnight."""
    event_size: float = 6.0
    """Mean size of an event in daily standard deviations of the stock's own shock."""


@dataclass(frozen=True)
class IntradaySettings:
    """How a day is cut into bars and prints, and which intraday tables are written."""

    bar_minutes: int = 10
    """Length of a minute bar: 5, 10, 15 or 30 minutes of the day's 240."""
    prints: int = 3
    """Prints a bar, 1 to 50, auctions not counted; those of less than a lot do not happen."""
    size_spread: float = 1.0
    """Standard deviation of the logarithm of a print's size."""
    minute: bool = True
    """Write the minute bars, one file a day."""
    trades: bool = True
    """Write the trades, one file a day."""


@dataclass(frozen=True)
class LimitSettings:
    """Price limits by board, and special treatment."""

    main: float = 0.10
    """Largest daily move of a main-board stock in either direction."""
    growth: float = 0.20
    """The same on the growth board."""
    special: float = 0.05
    """The same under special treatment (ST), whatever the board."""
    growth_share: float = 0.2
    """Share of the stocks that are listed on the growth board."""
    free_days: int = 5
    """First trading days of a listing, which have no limit."""
    special_share: float = 0.03
    """Mean share of the stocks under special treatment."""
    special_days: float = 240.0
    """Mean length of a special treatment in trading days."""


@dataclass(frozen=True)
class Signal:
    """One planted signal: a running sum of what a day's tables show, forgotten at a fixed rate."""

    decay: float
    """Share of the signal left after a day, 0 to below 1: its half-life is ln 0.5 / ln decay."""
    drift: float
    """Standard deviation of its part of the daily drift, in units of the stock's volatility."""


@dataclass(frozen=True)
class SignalSettings:
    """The planted signals; a negative drift turns one round."""

    reversal: Signal = Signal(decay=0.80, drift=0.088)
    """Daily bars: what a stock earns relative to the market is taken back."""
    volume: Signal = Signal(decay=0.85, drift=0.052)
    """Daily bars: unusually high volume is followed by low returns."""
    location: Signal = Signal(decay=0.90, drift=0.036)
    """Daily bars: a VWAP low within the day's range is followed by high returns."""
    skew: Signal = Signal(decay=0.88, drift=0.080)
    """Minute bars: one large rise among small falls is followed by low returns."""
    spread: Signal = Signal(decay=0.92, drift=0.032)
    """Minute bars: volume in the middle hours, given the day's, is followed by high returns."""
    imbalance: Signal = Signal(decay=0.88, drift=0.066)
    """Trades: more bought than sold is followed by high returns."""
    large: Signal = Signal(decay=0.94, drift=0.030)
    """Trades: large prints bought, small ones sold, is followed by high returns."""


@dataclass(frozen=True)
class VolumeSettings:
    """Daily turnover: lognormal around each stock's own level, higher on days of large moves."""

    turnover: float = 0.012
    """Median daily share of the float that changes hands."""
    turnover_spread: float = 0.5
    """Standard deviation across stocks of the logarithm of that level."""
    persistence: float = 0.85
    """Daily autocorrelation of log-turnover, 0 to below 1."""
    surprise: float = 0.30
    """Standard deviation of a day's news in log-turnover."""
    move_share: float = 0.6
    """Correlation of that news with the size of the day's shock, 0 to 1."""


@dataclass(frozen=True)
class ListingSettings:
    """Who is listed and who trades; no hazard depends on prices."""

    initial_share: float = 0.85
    """Share of the stocks that are listed on the first day, 0.5 to 1."""
    listing_wait: float = 600.0
    """Mean number of trading days until one of the others is listed."""
    delisting: float = 0.02
    """Chance a year that a stock's delisting is announced, 15 trading days ahead."""
    suspension: float = 0.002
    """Chance a day that a suspension begins."""
    short_days: float = 4.0
    """Mean length of a short suspension in trading days."""
    long_days: float = 40.0
    """Mean length of a long suspension in trading days."""
    long_share: float = 0.15
    """Share of suspensions that are long."""
    dividends: float = 0.6
    """Mean number of cash dividends a year, all from May to July."""
    splits: float = 0.06
    """Mean number of splits a year of a stock that does not look cheap."""
    industry_changes: float = 0.01
    """Chance a year that a stock moves to another industry."""


@dataclass(frozen=True)
class MarketSettings:
    """Size and character of a simulated market."""

    stocks: int = 300
    """Number of stocks that are listed sooner or later, 20 or more."""
    start: str = "2018-01-02"
    """First date, ISO; the first trading day is this one or the next."""
    days: int = 1300
    """Trading days, 60 or more; a year has about 243."""
    signal: float = 1.0
    """Strength of the planted signals, 0 to 5: 0 plants nothing, so that nobody can forecast."""
    industries: int = 12
    """Number of industries, 2 to the number of stocks."""
    returns: ReturnSettings = ReturnSettings()
    """Daily returns."""
    signals: SignalSettings = SignalSettings()
    """Planted signals."""
    volume: VolumeSettings = VolumeSettings()
    """Daily turnover."""
    listings: ListingSettings = ListingSettings()
    """Listings, delistings, suspensions, dividends, splits."""
    limits: LimitSettings = LimitSettings()
    """Price limits, boards, special treatment."""
    intraday: IntradaySettings = IntradaySettings()
    """Minute bars and trades."""

    def __post_init__(self) -> None:
        _require("stocks", self.stocks, 20, 100_000)
        _require("days", self.days, 60, 10_000)
        _require("signal", self.signal, 0, 5)
        _require("industries", self.industries, 2, self.stocks)
        _check_returns(self.returns)
        for field in fields(self.signals):
            signal: Signal = getattr(self.signals, field.name)
            _require(f"signals.{field.name}.decay", signal.decay, 0, 0.999)
            _require(f"signals.{field.name}.drift", signal.drift, -0.5, 0.5)
        _check_volume(self.volume)
        _check_listings(self.listings)
        _check_limits(self.limits)
        _check_intraday(self.intraday)
        _check_start(self.start)


def _check_returns(returns: ReturnSettings) -> None:
    for name in ("market", "industry", "style", "stock"):
        field = f"{name}_volatility"
        _require(f"returns.{field}", getattr(returns, field), 0, 0.05)
    _require("returns.volatility_spread", returns.volatility_spread, 0, 1)
    _require("returns.tail", returns.tail, 0, 1)
    _require("returns.persistence", returns.persistence, 0, 0.999)
    _require("returns.clustering", returns.clustering, 0, 0.3)
    _require("returns.events", returns.events, 0, 0.1)
    _require("returns.event_size", returns.event_size, 0, 15)


def _check_volume(volume: VolumeSettings) -> None:
    _require("volume.turnover", volume.turnover, 1e-5, 0.2)
    _require("volume.turnover_spread", volume.turnover_spread, 0, 2)
    _require("volume.persistence", volume.persistence, 0, 0.999)
    _require("volume.surprise", volume.surprise, 0, 1)
    _require("volume.move_share", volume.move_share, 0, 1)


def _check_listings(listings: ListingSettings) -> None:
    _require("listings.initial_share", listings.initial_share, 0.5, 1)
    for name in ("listing_wait", "short_days", "long_days"):
        _require(f"listings.{name}", getattr(listings, name), 1, 10_000)
    for name in ("delisting", "industry_changes", "suspension", "long_share"):
        _require(f"listings.{name}", getattr(listings, name), 0, 1)
    _require("listings.dividends", listings.dividends, 0, 10)
    _require("listings.splits", listings.splits, 0, 10)


def _check_limits(limits: LimitSettings) -> None:
    for name in ("main", "growth", "special"):
        _require(f"limits.{name}", getattr(limits, name), 0.01, 0.5)
    _require("limits.growth_share", limits.growth_share, 0, 1)
    _require("limits.free_days", limits.free_days, 0, 60)
    _require("limits.special_share", limits.special_share, 0, 0.5)
    _require("limits.special_days", limits.special_days, 1, 10_000)


def _check_intraday(intraday: IntradaySettings) -> None:
    if intraday.bar_minutes not in _BAR_MINUTES:
        msg = f"market.intraday.bar_minutes is {intraday.bar_minutes}: choose 5, 10, 15 or 30"
        raise SimulationError(msg)
    _require("intraday.prints", intraday.prints, 1, 50)
    _require("intraday.size_spread", intraday.size_spread, 0, 2)


def _check_start(start: str) -> None:
    try:
        good = len(start) == 10 and 1970 <= np.datetime64(start, "D").item().year <= 2100
    except ValueError:
        good = False
    if not good:
        msg = f"market.start is {start!r}: give an ISO date such as 2018-01-02, 1970 to 2100"
        raise SimulationError(msg)


def _require(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        msg = f"market.{name} is {value}: choose a value between {low:g} and {high:g}"
        raise SimulationError(msg)


DEFAULT_MARKET = MarketSettings()
