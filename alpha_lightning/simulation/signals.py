"""Planted signals: what a day's bar foretells, and the expectation that follows from it."""

import math

import numpy as np

from alpha_lightning.simulation.arrays import Flags, Floats
from alpha_lightning.simulation.bars import Shape
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.stocks import Stocks

HORIZON = 10
"""Days of the return that the oracle expects; it begins one day after the signal date."""


class Signals:
    """Signals ``s(t) = decay s(t-1) + news(t)`` and the drift they give to the next day.

    News have mean 0 given the past, so the expected signal j days on is ``decay^j s(t)``.

    Args:
        settings: decays, drifts and overall strength.
        stocks: their volatilities scale the drift.
    """

    def __init__(self, settings: MarketSettings, stocks: Stocks) -> None:
        signals = (settings.signals.reversal, settings.signals.volume, settings.signals.location)
        self._decay = np.array([signal.decay for signal in signals])[:, None]
        drift = np.array([signal.drift for signal in signals])[:, None]
        # A running sum of unit news has variance 1 / (1 - decay^2).
        self._gain = settings.signal * drift * np.sqrt(1 - self._decay**2)
        self._volatility = stocks.volatility
        self._state = np.zeros((len(signals), len(stocks.symbols)))

    @property
    def drift(self) -> Floats:
        """Expected simple return of the next day, ``(N,)``."""
        return self._weigh(self._gain)

    @property
    def expected(self) -> Floats:
        """Expected return from tomorrow's close to the close ten days later, ``(N,)``.

        The sum of the ten expected daily drifts. Products of two days' returns are left out: at the
        default strength they lower the expectation of every stock by some 0.05 %.
        """
        ahead = sum(self._decay**j for j in range(1, HORIZON + 1))
        return self._weigh(self._gain * ahead)

    def update(self, news: Floats, traded: Flags) -> None:
        """Take in the day's news ``(signals, N)``; a stock that did not trade has none."""
        self._state = self._decay * self._state + np.where(traded, news, 0.0)

    def _weigh(self, gain: Floats) -> Floats:
        return np.asarray(self._volatility * (gain * self._state).sum(axis=0))


def daily_news(shock: Floats, surprise: Floats, shape: Shape) -> Floats:
    """News of the three signals, ``(3, N)``: reversal, volume, location.

    Args:
        shock: ``(N,)`` the stock's own standardised shock.
        surprise: ``(N,)`` standardised news in log-turnover.
        shape: of the day's bar.

    Each has mean 0 given the past and variance 1 (reversal: at the default tail).
    """
    # 2.76 gives the product with the shock variance 1 at the default tail.
    thin = 2.76 / (1 + np.exp(1.5 * surprise))
    # A uniform on (-1, 1) has variance 1/3, the sum of two uniforms on (0, 1) has 1/6.
    place, narrow = shape.vwap_place * math.sqrt(3), (shape.narrowness - 1) * math.sqrt(6)
    location = 0.6 * narrow - 0.8 * place
    return np.stack([-shock * thin, -surprise, location])
