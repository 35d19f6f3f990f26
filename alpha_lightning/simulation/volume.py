"""How much of each stock changes hands in a day."""

import numpy as np

from alpha_lightning.simulation.arrays import Floats
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.stocks import Stocks
from alpha_lightning.simulation.streams import mean_size

_LARGEST_TURNOVER = 0.5


class Volumes:
    """Turnover day after day: a stock's usual one times ``exp(u)``, where ``u`` is AR(1).

    Args:
        settings: the market.
        stocks: their usual turnover.
    """

    def __init__(self, settings: MarketSettings, stocks: Stocks) -> None:
        self._settings = settings.volume
        self._usual = stocks.turnover
        self._move_mean = mean_size(settings.returns.tail)
        self._unusual = np.zeros(len(stocks.symbols))

    def step(self, generator: np.random.Generator, shock: Floats) -> tuple[Floats, Floats]:
        """One day.

        Args:
            generator: of the day.
            shock: ``(N,)`` the stocks' own standardised shocks.

        Returns:
            Turnover as a share of the float ``(N,)``, at most a half, and its standardised news
            ``(N,)``, of mean 0 and variance 1.
        """
        settings = self._settings
        move = (np.abs(shock) - self._move_mean) / np.sqrt(1 - self._move_mean**2)
        noise = generator.standard_normal(len(shock))
        surprise = settings.move_share * move + np.sqrt(1 - settings.move_share**2) * noise
        self._unusual = settings.persistence * self._unusual + settings.surprise * surprise
        turnover = self._usual * np.exp(self._unusual)
        return np.minimum(turnover, _LARGEST_TURNOVER), surprise
