"""GARCH(1, 1) variances of many series at once, by variance targeting."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_HIGHEST = 0.999
_SHOCKS = (0.0, 0.02, 0.05, 0.09, 0.14, 0.22, 0.35, 0.55, 0.8)
_PERSISTENCES = (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.98, 0.995)
_ROUNDS = 7
_NARROWER = 0.45
_TINY = 1e-300


@dataclass(frozen=True)
class Garch:
    """Variances ``s(t+1) = (1 - alpha - beta) m + alpha x(t) + beta s(t)`` of ``M`` series.

    Args:
        mean: ``(M,)`` long-run level m, the mean of the squares that were fitted.
        alpha: ``(M,)`` weight of the last square.
        beta: ``(M,)`` weight of the last variance; ``alpha + beta < 1``.
    """

    mean: Floats
    alpha: Floats
    beta: Floats

    def variances(self, squares: Floats) -> Floats:
        """Variances known before each day, and that of the day after the last, ``(D + 1, M)``.

        Args:
            squares: ``(D, M)`` squared innovations; a day that is NaN is as large as expected.
        """
        return _filter(squares, self.mean, self.alpha, self.beta)

    def ahead(self, following: Floats, horizon: int) -> Floats:
        """Expected variances of the next days, ``(horizon, M)``.

        Args:
            following: ``(M,)`` variance of the first of them.
            horizon: number of days.
        """
        decay = (self.alpha + self.beta) ** np.arange(horizon)[:, None]
        return np.asarray(self.mean + decay * (following - self.mean))


def fit_garch(squares: Floats) -> Garch:
    """Maximum of the Gaussian quasi-likelihood over (alpha, beta), the level being the mean.

    A grid finds the basin, smaller ones around each series' best point find the maximum. A mean
    of squares in the place of a square makes the same likelihood that of a multiplicative error
    model.

    Args:
        squares: ``(D, M)`` squared innovations, NaN for a day without.

    Reference:
        T. Bollerslev, "Generalized Autoregressive Conditional Heteroskedasticity", Journal of
        Econometrics 31 (1986); C. Francq, L. Horvath, J.-M. Zakoian, "Merits and Drawbacks of
        Variance Targeting in GARCH Models", Journal of Financial Econometrics 9 (2011).
    """
    if len(squares) == 0:
        return Garch(*np.zeros((3, squares.shape[1])))
    known = np.isfinite(squares)
    days = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, squares, 0.0).sum(axis=0) / days
    relative = np.where(known, squares, mean) / np.where(mean > 0, mean, 1.0)
    shocks, persistences = np.meshgrid(_SHOCKS, _PERSISTENCES, indexing="ij")
    inside = shocks <= persistences
    # One column of candidates, the same for every series to begin with.
    alpha, total = (
        np.repeat(grid[inside][:, None], squares.shape[1], axis=1)
        for grid in (shocks, persistences)
    )
    alpha, total = _best(relative, known, alpha, total)
    step = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    for number in range(_ROUNDS):
        size = _NARROWER**number
        wide = size * np.maximum(0.5 * alpha, 0.03)
        # Persistence is told by how far it is from 1.
        far = size * np.maximum(0.7 * (1 - total), 0.01)
        moves = [grid.ravel()[:, None] for grid in np.meshgrid(step, step, indexing="ij")]
        tried = np.clip(total + moves[1] * far, 0.0, _HIGHEST)
        alpha, total = _best(relative, known, np.clip(alpha + moves[0] * wide, 0.0, tried), tried)
    return Garch(mean, alpha, total - alpha)


def log_likelihood(squares: Floats, garch: Garch) -> Floats:
    """Mean Gaussian log-likelihood a day without its constant, ``(M,)``; NaN days left out.

    Args:
        squares: ``(D, M)`` squared innovations.
        garch: of these series.
    """
    variances = np.maximum(garch.variances(squares)[:-1], _TINY)
    return np.asarray(-0.5 * np.nanmean(np.log(variances) + squares / variances, axis=0))


def _best(
    relative: Floats, known: NDArray[np.bool_], alpha: Floats, total: Floats
) -> tuple[Floats, Floats]:
    """The best of the candidates ``(C, M)`` for each series, the first of equals."""
    beta, whole = total - alpha, np.asarray(known.all(axis=1))
    # One array of all days: a call of numpy a day costs more than its numbers.
    variances = np.empty((len(relative), *alpha.shape))
    variances[0] = 1.0
    np.multiply(alpha, relative[:-1, None], out=variances[1:])
    variances[1:] += 1 - total
    for day in range(1, len(relative)):
        if not whole[day - 1]:
            # A day without a square is as large as expected.
            expected = 1 - total + alpha * variances[day - 1]
            variances[day] = np.where(known[day - 1], variances[day], expected)
        variances[day] += beta * variances[day - 1]
    np.maximum(variances, 1e-12, out=variances)
    losses = relative[:, None] / variances
    losses += np.log(variances, out=variances)
    if not whole.all():
        losses *= known[:, None]
    loss = losses.sum(axis=0)
    best = loss.argmin(axis=0)
    series = np.arange(alpha.shape[1])
    return alpha[best, series], total[best, series]


def _filter(squares: Floats, mean: Floats, alpha: Floats, beta: Floats) -> Floats:
    variances = np.empty((len(squares) + 1, squares.shape[1]))
    variances[0] = mean
    rest = (1 - alpha - beta) * mean
    for day, square in enumerate(squares):
        now = variances[day]
        variances[day + 1] = rest + alpha * np.where(np.isnan(square), now, square) + beta * now
    return variances
