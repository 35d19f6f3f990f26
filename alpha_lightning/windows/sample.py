"""Which stocks are scored on a date, which of them are learnt from, and what is learnt."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from alpha_lightning.cross_section.scaling import winsorise, zscore
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.returns import Horizon, forward_return
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.universe import traded_days, universe

_BLOCK = 256


@dataclass(frozen=True)
class SampleRule:
    """Windows, universe and label of a unit."""

    window: int = 30
    """Trading days a network reads, the date itself included."""
    min_traded: int = 20
    """Days of the window on which a stock must have traded."""
    min_stocks: int = 20
    """Stocks below which a date is skipped."""
    universe: str = "all"
    """An index whose members were ingested, or all: everything listed and trading."""
    horizon: int = 10
    """Trading days of the label's return."""
    gap: int = 1
    """Trading days between the signal and the label's first price."""
    winsorise_mads: float = 3.0
    """The label is clipped at the median plus or minus this many MADs a date, then z-scored."""

    def __post_init__(self) -> None:
        windows_fit = self.window >= 2 and 1 <= self.min_traded <= self.window
        if not (windows_fit and self.min_stocks >= 3 and self.winsorise_mads > 0):
            msg = (
                "need window >= 2, 1 <= min_traded <= window, min_stocks >= 3 and"
                f" winsorise_mads > 0, not {self}"
            )
            raise PanelError(msg)


@dataclass(frozen=True)
class Sample:
    """Stock-dates of a panel; windows are the same whoever asks for them.

    Args:
        scored: ``(T, N)`` stocks that get a factor: in the universe, traded on the date and often
            enough in the window. Nothing after the date decides.
        label: ``(T, N)`` float32, winsorised and z-scored a date over the scored stocks; NaN
            where the forward return is not known.
        forward_return: ``(T, N)`` float32, the raw return behind the label.
        universe_size: ``(T,)`` stocks in the universe.
    """

    scored: NDArray[np.bool_]
    label: NDArray[np.float32]
    forward_return: NDArray[np.float32]
    universe_size: NDArray[np.int64]

    def usable(
        self, dates: NDArray[np.intp], min_stocks: int, *, labelled: bool
    ) -> NDArray[np.intp]:
        """Those of the dates with at least ``min_stocks`` stocks scored (and labelled)."""
        chosen = self.scored[dates]
        if labelled:
            chosen = chosen & ~np.isnan(self.label[dates])
        enough: NDArray[np.intp] = dates[chosen.sum(axis=1) >= min_stocks]
        return enough


def take_sample(panel: Panel, rule: SampleRule) -> Sample:
    """Apply a rule to a panel.

    Raises:
        PanelError: an unknown universe, or a label longer than the data.
    """
    members = universe(panel, rule.universe)
    scored = members & panel.traded & (traded_days(panel, rule.window) >= rule.min_traded)
    scored[: rule.window - 1] = False
    horizon = Horizon(rule.horizon, rule.gap)
    label = np.empty(scored.shape, dtype=np.float32)
    raw = np.empty(scored.shape, dtype=np.float32)
    # In blocks: float64 copies of the whole panel would cost more memory than the panel.
    for first in range(0, len(scored), _BLOCK):
        rows = slice(first, first + _BLOCK)
        exact = forward_return(panel, horizon.days, horizon.gap, rows)
        raw[rows] = exact
        known = torch.from_numpy(np.where(scored[rows], exact, np.nan))
        label[rows] = zscore(winsorise(known, rule.winsorise_mads)).numpy()
    return Sample(scored, label, raw, members.sum(axis=1))
