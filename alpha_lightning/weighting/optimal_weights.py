"""The algebra of averages: what a mean of scores is worth, and which weights are best."""

import numpy as np
import torch
from numpy.typing import NDArray

from alpha_lightning.cross_section.correlation import pearson

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


def optimal_weights(ic: Vector, correlation: Matrix, shrink: float = 0.0) -> Vector:
    """Weights ``R^-1 IC`` of unit-variance scores, which give their mean the highest IC.

    Scores that are much alike make the inverse magnify small differences of their ICs; ``shrink``
    pulls the correlations towards their mean and the ICs towards theirs.

    Args:
        ic: ``(M,)`` correlation of each score with the return.
        correlation: ``(M, M)`` of the scores with one another, ones on the diagonal.
        shrink: 0 takes both as they are, 1 gives equal weights.

    Returns:
        ``(M,)`` with the sum 1, or all NaN where the formula gives no direction to follow: a
        correlation is missing or singular, or the weights' sum is not above 0.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), integration of models.

    Example:
        >>> optimal_weights(np.array([0.1, 0.3]), np.eye(2))
        array([0.25, 0.75])
    """
    alone = np.eye(len(ic), dtype=bool)
    others = correlation[~alone]
    pulled = (1 - shrink) * correlation + shrink * (others.mean() if len(others) else 0.0)
    matrix = np.where(alone, 1.0, pulled)
    target = (1 - shrink) * ic + shrink * ic.mean()
    nowhere = np.full(len(ic), np.nan)
    if not (np.isfinite(matrix).all() and np.isfinite(target).all()):
        return nowhere
    if np.linalg.matrix_rank(matrix, hermitian=True) < len(ic):
        return nowhere
    weights: Vector = np.linalg.solve(matrix, target)
    total = float(weights.sum())
    return weights / total if total > 0 else nowhere


def mean_ic(weights: Vector, ic: Vector, correlation: Matrix) -> float:
    """IC of a weighted mean of unit-variance scores, ``w'IC / sqrt(w'Rw)``.

    With equal weights, equal ICs and one correlation rho this is
    ``IC / sqrt((1 - rho) / M + rho)``.

    Args:
        weights: ``(M,)``, of any sum.
        ic: ``(M,)`` correlation of each score with the return.
        correlation: ``(M, M)`` of the scores with one another.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), integration of models.

    Example:
        >>> round(mean_ic(np.ones(2), np.array([0.1, 0.1]), np.array([[1, 0.5], [0.5, 1]])), 4)
        0.1155
    """
    return float(weights @ ic / np.sqrt(weights @ correlation @ weights))


def averaged_correlation(between: float, within: float, other_within: float, runs: int) -> float:
    """Correlation of two models' averages over some runs, from that of single runs.

    ``s_AB / sqrt(v_A v_B)`` with ``v = (1 - s_AA) / runs + s_AA``.

    Args:
        between: correlation of a run of one model with a run of the other.
        within: of two runs of the first model.
        other_within: of two runs of the second model.
        runs: averaged in each model.

    Example:
        >>> round(averaged_correlation(0.821, 0.863, 0.844, 10), 4)
        0.9457
    """
    first, second = ((1 - own) / runs + own for own in (within, other_within))
    return float(between / np.sqrt(first * second))


def score_correlation(scores: NDArray[np.floating]) -> Matrix:
    """Pearson correlation of each two scores, the mean over dates.

    Args:
        scores: ``(M, S, N)``; NaN is missing, and a pair counts the stocks that both scores have.

    Returns:
        ``(M, M)``, ones on the diagonal; NaN for scores that share no date on which both vary.
    """
    count = len(scores)
    values = torch.from_numpy(np.asarray(scores, dtype=np.float64))
    result = np.eye(count)
    for one in range(count):
        for other in range(one):
            by_date = pearson(values[one], values[other]).numpy()
            known = by_date[~np.isnan(by_date)]
            result[one, other] = result[other, one] = known.mean() if len(known) else np.nan
    return result
