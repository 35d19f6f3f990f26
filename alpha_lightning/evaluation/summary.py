"""Numbers that summarise a series of daily returns; a year is 243 trading days everywhere.

Every function takes returns ``(D,)`` or ``(D, ...)``, dates first, as fractions without NaN.
Hedged returns are daily differences ``r_portfolio - r_benchmark``, compounded as they are.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

YEAR = 243
Floats = NDArray[np.float64]


def net_value(returns: Floats) -> Floats:
    """Value after each day of 1 invested before the first: running ``prod(1 + r)``."""
    return np.asarray(np.cumprod(1 + returns, axis=0), dtype=np.float64)


def total_return(returns: Floats) -> Any:
    """Return over the whole series, not annualised."""
    return np.prod(1 + returns, axis=0) - 1


def annualised_return(returns: Floats) -> Any:
    """``NAV ** (243 / D) - 1`` over ``D`` days.

    Example:
        >>> round(float(annualised_return(np.full(486, 0.001))), 4)
        0.2749
    """
    return (1 + total_return(returns)) ** (YEAR / len(returns)) - 1


def annualised_volatility(returns: Floats) -> Any:
    """Daily standard deviation (over ``D - 1``) times ``sqrt(243)``; NaN for a single day."""
    if len(returns) < 2:
        return np.full(returns.shape[1:], np.nan)[()]
    return np.std(returns, axis=0, ddof=1) * np.sqrt(YEAR)


def max_drawdown(returns: Floats) -> Any:
    """Deepest fall below an earlier peak, zero or negative; the starting value 1 counts as a peak.

    Example:
        >>> round(float(max_drawdown(np.array([-0.1, 0.5, -0.2, 0.1]))), 4)
        -0.2
    """
    value = net_value(returns)
    peak = np.maximum(np.maximum.accumulate(value, axis=0), 1.0)
    return np.min(value / peak - 1, axis=0)


def by_year(dates: NDArray[Any], returns: Floats) -> dict[int, Floats]:
    """Rows of each calendar year, so that drawdowns and returns of a year start on its first day.

    Args:
        dates: ``(D,)`` datetime64[D], ascending.
        returns: ``(D, ...)``.
    """
    years = dates.astype("datetime64[Y]").astype(int) + 1970
    return {int(year): returns[years == year] for year in np.unique(years)}
