"""Exponentially weighted covariances with Newey-West lags, and their shrinkage."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def decaying_weights(days: int, half_life: float) -> Floats:
    """Weights of days, the last one's 1, ``(days,)``."""
    return np.asarray(0.5 ** (np.arange(days - 1, -1, -1) / half_life))


def newey_west(series: Floats, half_life: float, lags: int) -> Floats:
    """Long-run covariance of a day, ``(K, K)``, positive semidefinite.

    ``G(0) + sum over l of (1 - l / (lags + 1)) (G(l) + G(l)')``, the autocovariances being those
    of the series times the roots of its weights.

    Args:
        series: ``(D, K)``, about their weighted means; NaN days count as the mean, and each
            series' own days alone divide.
        half_life: in days.
        lags: Bartlett lags, 0 for none.

    Reference:
        W. K. Newey, K. D. West, "A Simple, Positive Semi-Definite, Heteroskedasticity and
        Autocorrelation Consistent Covariance Matrix", Econometrica 55 (1987).
    """
    weighted, scale = _weighted(series, half_life)
    total = weighted.T @ weighted
    for lag in range(1, min(lags, len(series) - 1) + 1):
        crossed = weighted[lag:].T @ weighted[:-lag]
        total += (1 - lag / (lags + 1)) * (crossed + crossed.T)
    return np.asarray(total / np.outer(scale, scale))


def newey_west_variances(series: Floats, half_life: float, lags: int, mean: bool = True) -> Floats:
    """The diagonal of `newey_west`, ``(K,)``, for many series.

    Args:
        series: ``(D, K)``.
        half_life: in days.
        lags: Bartlett lags.
        mean: whether to measure from the weighted mean, rather than from 0.
    """
    weighted, scale = _weighted(series, half_life, mean)
    total = np.einsum("dk,dk->k", weighted, weighted)
    for lag in range(1, min(lags, len(series) - 1) + 1):
        crossed = np.einsum("dk,dk->k", weighted[lag:], weighted[:-lag])
        total += 2 * (1 - lag / (lags + 1)) * crossed
    return np.asarray(np.maximum(total, 0.0) / scale**2)


def shrunk_correlations(correlation: Floats, kinds: tuple[str, ...], share: float) -> Floats:
    """Correlations drawn towards the mean of their kind, ``(K, K)``, positive semidefinite.

    The correlation of two factors is drawn towards the mean of all pairs of the same two kinds.

    Args:
        correlation: ``(K, K)``.
        kinds: ``K`` of what kind each factor is.
        share: of the mean, 0 to 1.
    """
    _, group = np.unique(np.array(kinds), return_inverse=True)
    members = (group[:, None] == np.arange(group.max() + 1)).astype(np.float64)
    apart = correlation - np.diag(np.diag(correlation))
    pairs = members.T @ (1 - np.eye(len(group))) @ members
    mean = members.T @ apart @ members / np.maximum(pairs, 1.0)
    drawn = (1 - share) * correlation + share * mean[np.ix_(group, group)]
    np.fill_diagonal(drawn, 1.0)
    return nearest_correlation(drawn)


def nearest_correlation(matrix: Floats) -> Floats:
    """Eigenvalues below 0 raised to 0, the diagonal brought back to 1; ``(K, K)``."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    if values[0] >= 0:
        return matrix
    made = (vectors * np.maximum(values, 0.0)) @ vectors.T
    size = np.sqrt(np.maximum(np.diag(made), 1e-300))
    return np.asarray((made + made.T) / 2 / np.outer(size, size))


def _weighted(series: Floats, half_life: float, mean: bool = True) -> tuple[Floats, Floats]:
    """Series times the roots of their weights, NaN as 0, and the roots of the sums of weights."""
    weights = decaying_weights(len(series), half_life)
    known = np.isfinite(series)
    total = np.maximum(weights @ known, 1e-300)
    filled = np.where(known, series, 0.0)
    if mean:
        filled -= np.where(known, weights @ filled / total, 0.0)
    filled *= np.sqrt(weights)[:, None]
    return filled, np.sqrt(total)
