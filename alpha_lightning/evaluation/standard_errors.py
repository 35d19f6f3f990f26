"""How sure a mean of overlapping observations is: plain, Newey-West and block bootstrap.

Every function takes a series ``(S,)`` in time order; NaN marks a date that was skipped.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
DRAWS = 1000
"""Bootstrap samples."""


def overlap(horizon: int, step: int) -> int:
    """Signal steps over which two returns share a day, ``ceil(horizon / step) - 1``.

    Args:
        horizon: trading days a return spans (its gap shifts it and does not widen it).
        step: trading days from one signal date to the next.

    Example:
        >>> [overlap(days, 5) for days in (5, 10, 20)], overlap(10, 1)
        ([0, 1, 3], 9)
    """
    return math.ceil(horizon / step) - 1


def plain_error(series: Series) -> float:
    """``std / sqrt(n)``, right for observations that do not overlap; NaN below two."""
    seen = series[np.isfinite(series)]
    return float(np.std(seen, ddof=1) / np.sqrt(len(seen))) if len(seen) > 1 else math.nan


def newey_west_error(series: Series, lag: int) -> float:
    """Standard error of the mean that allows for autocorrelation up to ``lag``.

    ``se**2 = (g_0 + 2 * sum over l of (1 - l / (lag + 1)) g_l) / (n - 1)`` with
    ``g_l = sum of d_t d_(t-l) / n`` and ``d`` the deviation from the mean, so that lag 0 is
    `plain_error`. A skipped date keeps its place with ``d = 0``. NaN below two observations.

    Args:
        series: ``(S,)``.
        lag: steps over which observations overlap.

    Reference:
        Newey and West, A simple, positive semi-definite, heteroskedasticity and autocorrelation
        consistent covariance matrix, Econometrica 55 (1987).
    """
    seen = np.isfinite(series)
    n = int(seen.sum())
    if n < 2:
        return math.nan
    deviation = np.where(seen, series - np.mean(series[seen]), 0.0)
    variance = float(deviation @ deviation)
    for step in range(1, min(lag, len(series) - 1) + 1):
        weight = 1 - step / (lag + 1)
        variance += 2 * weight * float(deviation[step:] @ deviation[:-step])
    return math.sqrt(max(variance, 0.0) / n / (n - 1))


def paired_difference(a: Series, b: Series, lag: int) -> tuple[float, float]:
    """Mean of ``a - b`` over the dates that both have, and its Newey-West error.

    Two scores on the same dates share most of their luck: the error of the difference is much
    smaller than the two errors taken as independent.

    Args:
        a: ``(S,)``.
        b: ``(S,)``, on the same dates.
        lag: steps over which observations overlap.

    Example:
        >>> a, b = np.array([0.5, 0.25, np.nan]), np.array([0.25, 0.0, 0.5])
        >>> paired_difference(a, b, lag=0)
        (0.25, 0.0)
    """
    difference = a - b
    seen = difference[np.isfinite(difference)]
    mean = float(seen.mean()) if len(seen) else math.nan
    return mean, newey_west_error(difference, lag)


def ratio_of_means(a: Series, b: Series, lag: int) -> tuple[float, float]:
    """``R = mean(a) / mean(b)`` over the dates that both have, and its error.

    The delta method on the pair: the error of ``R`` is the Newey-West error of the mean of
    ``(a - R b) / mean(b)``, which holds both variances and the covariance of the two series.

    Args:
        a: ``(S,)``.
        b: ``(S,)``, on the same dates.
        lag: steps over which observations overlap.

    Returns:
        NaN twice when ``b`` has no positive mean, for then the ratio says nothing.
    """
    both = np.isfinite(a) & np.isfinite(b)
    whole = float(b[both].mean()) if both.any() else math.nan
    if not whole > 0:
        return math.nan, math.nan
    ratio = float(a[both].mean()) / whole
    return ratio, newey_west_error((a - ratio * b) / whole, lag)


@dataclass(frozen=True)
class BootstrapErrors:
    """Standard deviations over bootstrap samples.

    Args:
        mean: of the sample's mean.
        ratio: of the sample's mean / standard deviation.
        block: consecutive observations drawn together.
    """

    mean: float
    ratio: float
    block: int


def block_bootstrap(series: Series, lag: int, seed: int = 0) -> BootstrapErrors:
    """Circular block bootstrap of the mean and of mean / std.

    Blocks of ``max(lag + 1, ceil(n ** (1/3)))`` consecutive observations, drawn from the series
    bent into a circle, are joined to samples of ``n``. NaN below two blocks.

    Args:
        series: ``(S,)``; skipped dates are left out.
        lag: steps over which observations overlap.
        seed: of the draws.

    Reference:
        Politis and Romano, A circular block-resampling procedure for stationary data (1992).
    """
    seen = series[np.isfinite(series)]
    n = len(seen)
    block = max(lag + 1, math.ceil(n ** (1 / 3) - 1e-9))
    if n < 2 * block or n < 3:
        return BootstrapErrors(math.nan, math.nan, block)
    generator = np.random.default_rng(seed)
    starts = generator.integers(n, size=(DRAWS, math.ceil(n / block)))
    # A block's sums are differences of running sums, so no sample is ever laid out.
    centre = seen.mean()
    circle = np.append(seen, seen[:block]) - centre
    sizes = np.full(starts.shape[1], block)
    sizes[-1] = n - block * (len(sizes) - 1)
    running = (np.append(0.0, np.cumsum(part)) for part in (circle, circle**2))
    total, squares = ((each[starts + sizes] - each[starts]).sum(axis=1) for each in running)
    means = centre + total / n
    deviations = np.sqrt(np.maximum(squares - total**2 / n, 0) / (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = means / deviations
    ratios = ratios[np.isfinite(ratios)]
    ratio = float(np.std(ratios, ddof=1)) if len(ratios) > 1 else math.nan
    return BootstrapErrors(float(np.std(means, ddof=1)), ratio, block)
