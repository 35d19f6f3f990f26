"""Who is in the cross-section of a date."""

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.store import Panel


def universe(panel: Panel, name: str = "all") -> NDArray[np.bool_]:
    """Members of a universe by date, ``(T, N)``, as known at the close of the date.

    Args:
        panel: the panel.
        name: an index whose members were ingested, or ``all``: everything listed and trading.

    Raises:
        PanelError: the panel does not know the index.
    """
    if name == "all":
        return panel.listed & panel.traded
    return panel.members(name) & panel.listed


def traded_days(panel: Panel, window: int = 30) -> NDArray[np.int64]:
    """Days traded among the last ``window`` days, the date itself included, ``(T, N)``."""
    total = np.cumsum(panel.traded, axis=0, dtype=np.int64)
    total[window:] -= total[:-window]
    return total
