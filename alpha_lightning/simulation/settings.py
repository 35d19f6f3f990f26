"""What a simulated market looks like: sizes, returns, planted signals, volumes, listings."""

import math
from dataclasses import dataclass

import numpy as np

from alpha_lightning.artefacts.errors import UserError


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
    stock_volatility: float = 0.019
    """Median daily standard deviation of a stock's own shock."""
    volatility_spread: float = 0.25
    """Standard deviation across stocks of the logarithm of that volatility."""
    tail: float = 0.4
    """Log-volatility noise within a day: kurtosis is ``3 exp(4 tail^2)``, 5.7 at 0.4, 3 at 0."""
    persistence: float = 0.95
    """Daily autocorrelation of log-volatility, 0 to below 1."""
    clustering: float = 0.12
    """Rise of log-volatility after a shock one standard deviation larger than usual."""
    limit: float = 0.10
    """Largest daily shock in either direction, as under the exchange's price limit."""


@dataclass(frozen=True)
class Signal:
    """One planted signal: a running sum of what the day's bar shows, forgotten at a fixed rate."""

    decay: float
    """Share of the signal left after a day, 0 to below 1: its half-life is ln 0.5 / ln decay."""
    drift: float
    """Standard deviation of its part of the daily drift, in units of the stock's volatility."""


@dataclass(frozen=True)
class SignalSettings:
    """The planted signals; a negative drift turns one round."""

    reversal: Signal = Signal(decay=0.80, drift=0.080)
    """The stock's own shock is taken back, the more so the thinner the day's volume."""
    volume: Signal = Signal(decay=0.88, drift=0.062)
    """Unusually high volume is followed by low returns."""
    location: Signal = Signal(decay=0.95, drift=0.044)
    """A low VWAP within the bar and a narrow range are followed by high returns."""


@dataclass(frozen=True)
class VolumeSettings:
    """Daily turnover: lognormal around each stock's own level, higher on days of large moves."""

    turnover: float = 0.012
    """Median daily share of the float that changes hands."""
    turnover_spread: float = 0.5
    """Standard deviation across stocks of the logarithm of that level."""
    persistence: float = 0.75
    """Daily autocorrelation of log-turnover, 0 to below 1."""
    surprise: float = 0.35
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

    def __post_init__(self) -> None:
        _require("stocks", self.stocks, 20, 100_000)
        _require("days", self.days, 60, 10_000)
        _require("signal", self.signal, 0, 5)
        _require("industries", self.industries, 2, self.stocks)
        _check_returns(self.returns)
        for name in ("reversal", "volume", "location"):
            signal: Signal = getattr(self.signals, name)
            _require(f"signals.{name}.decay", signal.decay, 0, 0.999)
            _require(f"signals.{name}.drift", signal.drift, -0.5, 0.5)
        _check_volume(self.volume)
        _check_listings(self.listings)
        _check_start(self.start)


def _check_returns(returns: ReturnSettings) -> None:
    for name in ("market", "industry", "style", "stock"):
        field = f"{name}_volatility"
        _require(f"returns.{field}", getattr(returns, field), 0, 0.05)
    _require("returns.volatility_spread", returns.volatility_spread, 0, 1)
    _require("returns.tail", returns.tail, 0, 1)
    _require("returns.persistence", returns.persistence, 0, 0.999)
    _require("returns.clustering", returns.clustering, 0, 0.3)
    _require("returns.limit", returns.limit, 0.01, 0.3)


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
