"""How alike scores are: cross-sectional Pearson correlations, of many scores at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_lightning.evaluation.sample import Sample
from alpha_lightning.evaluation.scores import MIN_STOCKS, Score

Floats = NDArray[np.float64]
Masks = Sequence[NDArray[np.bool_]]
Table = Any
"""A pandas DataFrame."""
_CONSTANT = 1e-12
"""Share of the mean square below which a variance is rounding."""


def correlation_by_date(values: Sequence[NDArray[Any]], masks: Masks) -> Floats:
    """Pearson correlation of each two of K scores on each date, ``(S, K, K)``.

    One product of matrices a date, however many the pairs.

    Args:
        values: K of ``(S, N)``.
        masks: K of ``(S, N)``, the stocks that count; a pair counts those of both.

    Returns:
        NaN for a pair of fewer than `MIN_STOCKS` stocks, or with a constant side.
    """
    dates, count = len(values[0]), len(values)
    result = np.full((dates, count, count), np.nan)
    for date in range(dates):
        inside = np.stack([mask[date] for mask in masks])
        x = np.stack([score[date] for score in values]).astype(np.float64)
        inside &= np.isfinite(x)
        kept = inside.any(axis=0)
        result[date] = _correlate(x[:, kept], inside[:, kept])
    return result


def _correlate(x: Floats, inside: NDArray[np.bool_]) -> Floats:
    x = np.where(inside, x, 0.0)
    mask = inside.astype(np.float64)
    # Sums of squares lose nothing when the mean is near zero.
    size = np.maximum(mask.sum(axis=1), 1)
    x -= mask * (x.sum(axis=1) / size)[:, None]
    square = x * x
    count = mask @ mask.T
    total, squares = x @ mask.T, square @ mask.T
    shared = np.maximum(count, 1)
    variance = squares - total**2 / shared
    varies = (variance > _CONSTANT * squares) & (count >= MIN_STOCKS)
    covariance = x @ x.T - total * total.T / shared
    defined = varies & varies.T
    scale = np.sqrt(np.where(defined, variance * variance.T, 1.0))
    return np.where(defined, np.clip(covariance / scale, -1, 1), np.nan)


def mean_over_dates(by_date: Floats) -> Floats:
    """Mean over the dates on which it is known, ``(K, K)``; NaN where it never is."""
    known = np.isfinite(by_date)
    days = known.sum(axis=0)
    total = np.where(known, by_date, 0.0).sum(axis=0)
    return np.where(days > 0, total / np.maximum(days, 1), np.nan)


def lagged_correlation(values: NDArray[Any], mask: NDArray[np.bool_], steps: int) -> Floats:
    """Pearson correlation of each cross-section with the one ``steps`` before, ``(S - steps,)``.

    Args:
        values: ``(S, N)``.
        mask: ``(S, N)``; the stocks that count on both dates.
        steps: at least 1.
    """
    both = (mask & np.isfinite(values))[steps:] & (mask & np.isfinite(values))[:-steps]
    now, before = (np.where(both, part, 0.0) for part in (values[steps:], values[:-steps]))
    count = both.sum(axis=1)
    size = np.maximum(count, 1)[:, None]
    sides = [np.where(both, x - x.sum(axis=1, keepdims=True) / size, 0.0) for x in (now, before)]
    variances = [np.einsum("sn,sn->s", x, x) for x in sides]
    squares = [np.einsum("sn,sn->s", x, x) for x in (now, before)]
    varies = [v > _CONSTANT * s for v, s in zip(variances, squares, strict=True)]
    defined = varies[0] & varies[1] & (count >= MIN_STOCKS)
    scale = np.sqrt(np.where(defined, variances[0] * variances[1], 1.0))
    return np.where(defined, np.einsum("sn,sn->s", *sides) / scale, np.nan)


def correlation_table(names: Sequence[str], matrix: Floats) -> Table:
    """A matrix of correlations as a table, in per cent.

    Args:
        names: of the K scores.
        matrix: ``(K, K)``.
    """
    table = pd.DataFrame(100 * matrix, columns=[f"{name}_pct" for name in names])
    table.insert(0, "score", list(names))
    return table


def score_correlation_table(sample: Sample) -> Table:
    """Correlation of each pair of scores, mean over weekly signal dates."""
    names = [score.name for score in sample.scores]
    return correlation_table(names, weekly_correlation(sample.scores, sample.masks, sample.weekly))


def weekly_correlation(scores: Sequence[Score], masks: Masks, weekly: NDArray[np.bool_]) -> Floats:
    """Correlation of each pair of scores, mean over weekly signal dates, ``(K, K)``.

    Args:
        scores: K on the same ``S`` dates.
        masks: K of ``(S, N)``, the stocks that count.
        weekly: ``(S,)``.
    """
    values = [score.values[weekly] for score in scores]
    return mean_over_dates(correlation_by_date(values, [mask[weekly] for mask in masks]))
