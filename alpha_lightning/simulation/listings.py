"""Listings, delistings and suspensions, none of which depends on prices."""

from dataclasses import dataclass

import numpy as np

from alpha_lightning.simulation.arrays import Dates, Flags, Floats, Numbers
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.stocks import Stocks

NOTICE = 15
"""Trading days from the announcement of a delisting to the first day without a listing."""
SILENCE = 10
"""Suspended days in a row that still have a row in the vendor's daily table."""
YEAR = 243
"""Trading days in a year."""
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Status:
    """Who is on the exchange on one day.

    Args:
        listed: ``(N,)`` listed, suspended or not.
        traded: ``(N,)`` listed and not suspended.
        shown: ``(N,)`` has a row in the daily table: the vendor drops a suspension's rows after
            its tenth day.
        delist_date: ``(N,)`` first date without a listing; NaT until the announcement.
    """

    listed: Flags
    traded: Flags
    shown: Flags
    delist_date: Dates


class Listings:
    """The exchange's register, day after day.

    Args:
        settings: the market.
        stocks: when each is listed.
        dates: trading days, `NOTICE` more of them than are simulated.
    """

    def __init__(self, settings: MarketSettings, stocks: Stocks, dates: Dates) -> None:
        self._settings = settings.listings
        self._list_day = stocks.list_day
        self._dates = dates
        self._delist_day = np.full(len(stocks.symbols), _NEVER)
        self._left = np.zeros(len(stocks.symbols), dtype=np.int64)
        self._absent = np.zeros(len(stocks.symbols), dtype=np.int64)

    def step(self, generator: np.random.Generator, day: int) -> Status:
        """One day; a stock always trades on its first."""
        announce, suspend, long, length = generator.random((4, len(self._list_day)))
        listed = (day >= self._list_day) & (day < self._delist_day)
        settled = listed & (day > self._list_day)
        announced = settled & (announce < self._settings.delisting / YEAR)
        self._delist_day[announced & (self._delist_day == _NEVER)] = day + NOTICE

        self._left = np.maximum(self._left - 1, 0)
        begins = settled & (self._left == 0) & (suspend < self._settings.suspension)
        self._left = np.where(begins, self._draw_lengths(long, length), self._left)
        suspended = listed & (self._left > 0)
        self._absent = np.where(suspended, self._absent + 1, 0)
        shown = listed & (self._absent <= SILENCE)
        return Status(listed, listed & ~suspended, shown, self._delist_dates())

    def _draw_lengths(self, long: Floats, length: Floats) -> Numbers:
        settings = self._settings
        is_long = long < settings.long_share
        mean = np.where(is_long, settings.long_days, settings.short_days)
        # Geometric by inversion: P(length > n) = (1 - 1 / mean)^n.
        with np.errstate(divide="ignore"):
            days = np.log1p(-length) / np.log1p(-1 / mean)
        return 1 + np.floor(days).astype(np.int64)

    def _delist_dates(self) -> Dates:
        known = self._delist_day != _NEVER
        day = np.where(known, self._delist_day, 0)
        return np.where(known, self._dates[day], np.datetime64("NaT", "D"))


class Industries:
    """Who belongs to which industry, day after day; a few stocks move.

    Args:
        settings: the market.
    """

    def __init__(self, settings: MarketSettings) -> None:
        self._chance = settings.listings.industry_changes / YEAR
        self._industries = settings.industries
        self._industry = np.arange(settings.stocks) % settings.industries

    def step(self, generator: np.random.Generator) -> Numbers:
        """Industry numbers of the day, ``(N,)``."""
        moves = generator.random(len(self._industry)) < self._chance
        by = generator.integers(1, self._industries, len(self._industry))
        self._industry = np.where(moves, (self._industry + by) % self._industries, self._industry)
        return self._industry
