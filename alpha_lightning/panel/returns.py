"""Forward returns: the label of training and the six returns of evaluation.

They are computed from prices when asked for and never stored in the panel, whose row ``t`` knows
nothing after ``t``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel


@dataclass(frozen=True)
class Horizon:
    """Which forward return: from the close of ``t + gap`` to the close of ``t + gap + days``."""

    days: int = 10
    """Trading days held."""
    gap: int = 0
    """Trading days between the signal and the first price."""

    def __post_init__(self) -> None:
        if self.days < 1 or self.gap < 0:
            msg = f"a horizon needs days >= 1 and gap >= 0, not days={self.days} gap={self.gap}"
            raise PanelError(msg)

    @property
    def span(self) -> int:
        """Trading days from the signal to the last price."""
        return self.days + self.gap

    def __str__(self) -> str:
        """The paper's column name: ``10``, or ``10g`` with a one-day gap."""
        return f"{self.days}" + {0: "", 1: "g"}.get(self.gap, f"g{self.gap}")


EVALUATION_RETURNS = ((5, 0), (10, 0), (20, 0), (5, 1), (10, 1), (20, 1))
"""Days and gap of the six evaluation returns (paper, factor tests)."""

LABEL = (10, 1)
"""Days and gap of the training label, close(t+11) / close(t+1) - 1 (paper, sample section)."""


def forward_return(
    panel: Panel, horizon: int, gap: int, rows: slice = slice(None)
) -> NDArray[np.float64]:
    """Return from close ``t + gap`` to close ``t + gap + horizon`` of adjusted prices, ``(T, N)``.

    NaN unless the stock traded on both days; the last ``horizon + gap`` dates are NaN.

    Args:
        panel: the panel.
        horizon: trading days held.
        gap: trading days between the signal and the first price.
        rows: dates wanted, all when not given; the rest is not read.

    Raises:
        PanelError: the horizon is longer than the data.
    """
    span = Horizon(horizon, gap).span
    dates = len(panel.dates)
    if span >= dates:
        msg = (
            f"a return over {horizon} days after a gap of {gap} needs more than {span} dates;"
            f" {panel.path} has {dates}: ingest a longer history or shorten the horizon"
        )
        raise PanelError(msg)
    first, last, _ = rows.indices(dates)
    priced = slice(first + gap, last + span)
    close = np.where(panel.traded[priced], panel.adjusted("close", priced), np.nan)
    result = np.full((last - first, len(panel.symbols)), np.nan)
    known = max(min(last, dates - span) - first, 0)
    result[:known] = close[horizon : horizon + known] / close[:known] - 1
    return result
