"""The data set ``rawbar``: six adjusted daily bar fields."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

FIELDS = ("open", "high", "low", "close", "vwap", "volume")
KINDS = ("price", "price", "price", "price", "price", "volume")
Matrix = NDArray[np.float64]


def carry_forward(values: Matrix) -> Matrix:
    """Replace each NaN by the last number before it in its column.

    Args:
        values: ``(T, N)``; leading NaN stay.

    Example:
        >>> carry_forward(np.array([[np.nan], [1.0], [np.nan], [2.0]]))[:, 0].tolist()
        [nan, 1.0, 1.0, 2.0]
    """
    row = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    np.maximum.accumulate(row, axis=0, out=row)
    return np.take_along_axis(values, row, axis=0)


def rawbar(
    market: Mapping[str, Matrix], traded: NDArray[np.bool_], listed: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Adjusted open, high, low, close, vwap and raw volume, ready to be cut into windows.

    Args:
        market: raw ``open high low close vwap volume adj_factor``, each ``(T, N)``; a field may be
            absent, its feature is then missing throughout.
        traded: ``(T, N)``, whether the stock traded.
        listed: ``(T, N)``, whether it was listed.

    Returns:
        ``(T, N, 6)`` float32. On a suspended day every price is the last close and the volume 0;
        NaN before the first trade and while not listed. A single missing value of a traded day
        stays NaN.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), data sets.
    """
    factor = market["adj_factor"]
    close = np.where(traded, market["close"] * factor, np.nan)
    last_close = carry_forward(close)
    suspended = listed & ~traded & ~np.isnan(last_close)
    out = np.full((*traded.shape, len(FIELDS)), np.nan, dtype=np.float32)
    for k, field in enumerate(FIELDS):
        if field not in market:
            continue
        scale = factor if KINDS[k] == "price" else 1.0
        idle = last_close if KINDS[k] == "price" else 0.0
        value = np.where(traded, market[field] * scale, np.nan)
        out[..., k] = np.where(suspended, idle, value)
    return out
