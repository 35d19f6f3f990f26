"""Planted signals: the drift that news give to the days ahead, and what follows for horizons."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from alpha_lightning.simulation.arrays import Flags, Floats
from alpha_lightning.simulation.settings import MarketSettings, SignalSettings
from alpha_lightning.simulation.stocks import Stocks

SOURCES: Mapping[str, tuple[str, ...]] = {
    "daily": ("reversal", "volume", "location"),
    "intraday": ("skew", "spread"),
    "trades": ("imbalance", "large"),
}
"""Signals by the coarsest tables that show them, in the order of `SignalSettings`."""
SIGNALS = tuple(field.name for field in fields(SignalSettings))
HORIZONS = {f"expected_{days}{'g' * gap}": (days, gap) for gap in (0, 1) for days in (5, 10, 20)}
"""Days of a return, and of the gap before it, by column of the oracle."""
LABEL = "expected_10g"
MEMORY = 30
"""Days of news that the attainable expectation knows."""
ORACLE = (*HORIZONS, *(f"{LABEL}_{source}" for source in SOURCES), "attainable_10g")
"""Columns of the oracle besides date and symbol."""


class Signals:
    """Signals ``s(t) = decay s(t-1) + news(t)`` and the drift they give to the next day.

    News have mean 0 given the past, so the expected signal j days on is ``decay^j s(t)``.

    Args:
        settings: decays, drifts and overall strength.
        stocks: their volatilities scale the drift.
    """

    def __init__(self, settings: MarketSettings, stocks: Stocks) -> None:
        signals = [getattr(settings.signals, name) for name in SIGNALS]
        self._decay = np.array([signal.decay for signal in signals])[:, None]
        drift = np.array([signal.drift for signal in signals])[:, None]
        # A running sum of unit news has variance 1 / (1 - decay^2).
        self._gain = settings.signal * drift * np.sqrt(1 - self._decay**2)
        self._volatility = stocks.volatility
        self._state = np.zeros((len(signals), len(stocks.symbols)))
        self._past = deque([self._state] * MEMORY, maxlen=MEMORY)

    @property
    def drift(self) -> Floats:
        """Expected simple return of the next day, ``(N,)``."""
        return self._weigh(self._gain, self._state)

    @property
    def expected(self) -> Mapping[str, Floats]:
        """Expected returns ``close(t+g+h) / close(t+g) - 1``, ``(N,)`` by column of the oracle.

        The sum of the expected daily drifts. Products of two days' returns are left out: at the
        default strength they lower the expectation of every stock by some 0.05 % in ten days. So is
        what price limits cut off, some 1 % of the expectation.
        """
        out = {name: self._ahead(*HORIZONS[name]) for name in HORIZONS}
        for source, names in SOURCES.items():
            out[f"{LABEL}_{source}"] = self._ahead(*HORIZONS[LABEL], names)
        known = self._state - self._decay**MEMORY * self._past[0]
        return out | {"attainable_10g": self._ahead(*HORIZONS[LABEL], state=known)}

    def update(self, news: Floats, traded: Flags) -> None:
        """Take in the day's news ``(signals, N)``; a stock that did not trade has none."""
        self._past.append(self._state)
        self._state = self._decay * self._state + np.where(traded, news, 0.0)

    def _ahead(
        self, days: int, gap: int, names: Sequence[str] = SIGNALS, state: Floats | None = None
    ) -> Floats:
        chosen = np.isin(SIGNALS, names)[:, None]
        decays = sum(self._decay**j for j in range(gap, gap + days))
        return self._weigh(self._gain * decays * chosen, self._state if state is None else state)

    def _weigh(self, gain: Floats, state: Floats) -> Floats:
        return np.asarray(self._volatility * (gain * state).sum(axis=0))
