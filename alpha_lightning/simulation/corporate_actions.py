"""Splits and cash dividends, which move raw prices and leave adjusted ones alone."""

import numpy as np

from alpha_lightning.simulation.arrays import Flags, Floats
from alpha_lightning.simulation.listings import YEAR
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.trading_days import month_of

_SEASON = (5, 6, 7)
_RATIOS = np.array([1.2, 1.3, 1.5, 2.0])
_CHEAP = 8.0


class CorporateActions:
    """Cumulative adjustment of each stock.

    Args:
        settings: the market.

    Attributes:
        factor: ``(N,)`` raw price times this is the adjusted price; 1 before the first event.
        split: ``(N,)`` shares now held per share of the first day.
    """

    def __init__(self, settings: MarketSettings) -> None:
        self._settings = settings.listings
        self.factor = np.ones(settings.stocks)
        self.split = np.ones(settings.stocks)

    def step(
        self, generator: np.random.Generator, date: np.datetime64, can: Flags, close: Floats
    ) -> None:
        """Go ex where an event falls on the date.

        The new factor makes the reference price ``(close - dividend) / ratio`` worth yesterday's
        close after adjustment.

        Args:
            generator: of the day.
            date: decides whether it is the dividend season, May to July.
            can: ``(N,)`` whether an event may fall on the day.
            close: ``(N,)`` raw close of the day before, CNY.
        """
        pays, rate, splits = generator.random((3, len(close)))
        ratio = generator.choice(_RATIOS, len(close))
        in_season = month_of(date) in _SEASON
        season_days = YEAR * len(_SEASON) / 12
        pays_today = in_season & can & (pays < self._settings.dividends / season_days)
        dividend = np.where(pays_today, np.round(close * (0.005 + 0.025 * rate), 2), 0.0)
        splits_today = can & (splits < self._settings.splits / YEAR) & (close > _CHEAP)
        ratio = np.where(splits_today, ratio, 1.0)
        with np.errstate(invalid="ignore"):
            change = close * ratio / (close - dividend)
        self.factor = np.where(can, self.factor * change, self.factor)
        self.split = self.split * ratio
