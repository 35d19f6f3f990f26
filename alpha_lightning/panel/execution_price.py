"""How complete a panel's VWAP is, and its TWAP: what trades can be done at."""

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel

MISSING_VWAP_LIMIT = 0.05
"""Share of traded rows without a VWAP above which every trade is done at the close instead."""
_BLOCK = 64  # rows counted at once


def missing_vwap(panel: Panel, first: int, last: int) -> float:
    """Share of the traded stock-days of a period that have no VWAP; 1 when none has.

    Args:
        panel: the panel.
        first: first row of the period.
        last: last row of the period, included.
    """
    if not panel.has("vwap"):
        return 1.0
    traded, vwap = panel.traded, panel.market("vwap")
    total = present = 0
    for start in range(first, last + 1, _BLOCK):
        rows = slice(start, min(start + _BLOCK, last + 1))
        total += int(traded[rows].sum())
        present += int((traded[rows] & np.isfinite(vwap[rows])).sum())
    return 1 - present / max(total, 1)


def adjusted_twap(panel: Panel) -> NDArray[np.float32] | None:
    """Mean price over the day times the adjustment factor, ``(T, N)``, of the data set mschars.

    Returns:
        A view; NaN is missing. None where the panel has no such data set.
    """
    if "mschars" not in panel.datasets:
        return None
    dataset = panel.dataset("mschars")
    names = [feature.name for feature in dataset.features]
    if "twap" not in names:
        msg = f"{panel.path}: the data set mschars has no twap: characterise the panel again"
        raise PanelError(msg)
    values: NDArray[np.float32] = np.asarray(dataset.array)[:, :, names.index("twap")]
    return values
