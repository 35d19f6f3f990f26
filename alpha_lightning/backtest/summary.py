"""Numbers that summarise a series of daily returns; a year is 243 trading days unless told.

Every function takes returns ``(D,)`` or ``(D, ...)``, dates first, as fractions without NaN.
Hedged returns are daily differences ``r_portfolio - r_benchmark``, compounded as they are.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

YEAR = 243
ROUND_TRIP = 0.003
"""Cost of selling and buying again, 0.2 % and 0.1 % (paper, portfolios)."""
Floats = NDArray[np.float64]


def net_value(returns: Floats) -> Floats:
    """Value after each day of 1 invested before the first: running ``prod(1 + r)``."""
    return np.asarray(np.cumprod(1 + returns, axis=0), dtype=np.float64)


def total_return(returns: Floats) -> Any:
    """Return over the whole series, not annualised."""
    return np.prod(1 + returns, axis=0) - 1


def annualised_return(returns: Floats, year: int = YEAR) -> Any:
    """``NAV ** (year / D) - 1`` over ``D`` days.

    Example:
        >>> round(float(annualised_return(np.full(486, 0.001))), 4)
        0.2749
    """
    return annualise(1 + total_return(returns), len(returns), year) - 1


def annualise(growth: Any, days: float, year: int = YEAR) -> Any:
    """Growth factor of a year from that of some trading days, ``growth ** (year / days)``.

    Example:
        >>> round(float(annualise(1.21, 486)), 12)
        1.1
    """
    return np.asarray(growth) ** (year / days)


def annualised_volatility(returns: Floats, year: int = YEAR) -> Any:
    """Daily standard deviation (over ``D - 1``) times ``sqrt(year)``; NaN for a single day."""
    if len(returns) < 2:
        return np.full(returns.shape[1:], np.nan)[()]
    return np.std(returns, axis=0, ddof=1) * np.sqrt(year)


def ratio(numerator: Any, denominator: Any) -> float:
    """A return over a volatility; NaN where there is none but rounding.

    Example:
        >>> ratio(0.1, 0.0)
        nan
    """
    return float(numerator / denominator) if denominator > 1e-12 else float("nan")


def hedged_from_absolute(
    absolute: Any, benchmark: Any, volatility: Any, benchmark_volatility: Any, tracking_error: Any
) -> Any:
    """Hedged return of a year from the returns of both sides.

    ``ln(1 + h) = ln(1 + a) - ln(1 + b) + (s_p**2 - s_b**2) / 2 - TE**2 / 2``: daily differences
    compound without the variances that each side loses to its own compounding. To second order in
    daily returns.

    Args:
        absolute: return of the portfolio.
        benchmark: return of the benchmark over the same time.
        volatility: of the portfolio, over the same time.
        benchmark_volatility: of the benchmark.
        tracking_error: volatility of the difference.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), tables of enhanced indices.
    """
    variances = volatility**2 - benchmark_volatility**2 - tracking_error**2
    return (1 + absolute) / (1 + benchmark) * np.exp(variances / 2) - 1


def benchmark_from_hedged(
    absolute: Any, hedged: Any, volatility: Any, benchmark_volatility: Any, tracking_error: Any
) -> Any:
    """The benchmark's return that a portfolio's absolute and hedged returns imply.

    `hedged_from_absolute` solved for the benchmark; the arguments are the same.

    Example:
        >>> hedged = hedged_from_absolute(0.088, -0.153, 0.22, 0.21, 0.07)
        >>> round(float(benchmark_from_hedged(0.088, hedged, 0.22, 0.21, 0.07)), 12)
        -0.153
    """
    return hedged_from_absolute(absolute, hedged, volatility, benchmark_volatility, tracking_error)


def yearly_cost(turnover: Any, rebalances: Any, rate: float = ROUND_TRIP) -> Any:
    """What trading costs in a year: one-way turnover x rebalances a year x rate.

    Args:
        turnover: mean one-way turnover of a rebalance.
        rebalances: in a year.
        rate: of selling and buying, a fraction of what changes hands.

    Example:
        >>> round(yearly_cost(0.5, 50), 12)
        0.075
    """
    return turnover * rebalances * rate


def max_drawdown(returns: Floats) -> Any:
    """Deepest fall below an earlier peak, zero or negative; the starting value 1 counts as a peak.

    Example:
        >>> round(float(max_drawdown(np.array([-0.1, 0.5, -0.2, 0.1]))), 4)
        -0.2
    """
    return np.min(falls(returns), axis=0)


def falls(returns: Floats) -> Floats:
    """How far each day's value is below the highest so far, zero or negative, ``(D, ...)``.

    Example:
        >>> falls(np.array([0.25, -0.5, 1.0])).tolist()
        [0.0, -0.5, 0.0]
    """
    value = net_value(returns)
    peak = np.maximum(np.maximum.accumulate(value, axis=0), 1.0)
    return np.asarray(value / peak - 1)


def by_year(dates: NDArray[Any], returns: Floats) -> dict[int, Floats]:
    """Rows of each calendar year, so that drawdowns and returns of a year start on its first day.

    Args:
        dates: ``(D,)`` datetime64[D], ascending.
        returns: ``(D, ...)``.
    """
    years = dates.astype("datetime64[Y]").astype(int) + 1970
    return {int(year): returns[years == year] for year in np.unique(years)}
