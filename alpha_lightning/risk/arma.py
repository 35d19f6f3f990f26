"""ARMA(1, 1) of many series, and what it makes of the variance of a sum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]
_LEAST_DAYS = 40
_HIGHEST = 0.95
_PHIS = (-0.8, -0.5, -0.2, 0.2, 0.5, 0.7, 0.8, 0.9)
_SUMS = (-1.2, -0.8, -0.5, -0.3, -0.15, -0.08, -0.04, 0.0, 0.04, 0.08, 0.15, 0.3, 0.5, 0.8, 1.2)
_ROUNDS = 5
_NARROWER = 0.45
_PARAMETERS = 2


@dataclass(frozen=True)
class Arma:
    """``x(t) = mean + phi (x(t-1) - mean) + e(t) + theta e(t-1)`` of ``M`` series.

    Args:
        mean: ``(M,)``.
        phi: ``(M,)`` between -0.95 and 0.95.
        theta: ``(M,)`` the same.
    """

    mean: Floats
    phi: Floats
    theta: Floats

    def innovations(self, series: Floats) -> Floats:
        """``e`` of ``(D, M)`` series, beginning at rest; NaN days count as the mean, and stay NaN.

        The innovation of a day is told from days up to it.
        """
        known = np.isfinite(series)
        filled = np.where(known, series - self.mean, 0.0)
        made = np.empty_like(filled)
        for column, (phi, theta) in enumerate(zip(self.phi, self.theta, strict=True)):
            made[:, column] = lfilter([1.0, -phi], [1.0, theta], filled[:, column])
        return np.where(known, made, np.nan)

    def sums(self, horizon: int) -> Floats:
        """What a unit innovation adds to the sum of days up to the horizon, ``(horizon, M)``.

        Row ``j`` is ``psi(0) + ... + psi(horizon - 1 - j)`` of an innovation on day ``j + 1``.
        """
        powers = self.phi ** np.arange(horizon - 1)[:, None]
        psi = np.concatenate([np.ones((1, len(self.phi))), (self.phi + self.theta) * powers])
        return np.asarray(np.cumsum(psi, axis=0)[::-1])


def fit_arma(series: Floats, group: NDArray[np.integer]) -> Arma:
    """Least squares of the innovations, of each group's series together and of each one alone.

    Where phi and -theta are close, as in returns they are, a series alone tells little, and
    overstates their sum. So the coefficients of a series are drawn towards those of its group, and
    ``phi + theta`` of a group towards 0, both by the share 4 / LR: LR is twice the gain in
    log-likelihood, and one of less than 4 counts for nothing.

    Args:
        series: ``(D, M)``; NaN days count as the mean, and their innovations not at all.
        group: ``(M,)`` codes from 0 of series that are alike.

    Reference:
        G. E. P. Box, G. M. Jenkins, "Time Series Analysis" (1970), for conditional least squares.
    """
    known = np.isfinite(series)
    days = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, series, 0.0).sum(axis=0) / days
    away = np.where(known, series - mean, np.nan)
    none = np.zeros((1, series.shape[1]))
    if len(series) < _LEAST_DAYS or series.shape[1] == 0:
        return Arma(mean, none[0], none[0])
    still = _losses(away, none, none)[0]
    alone = _search(away, np.arange(series.shape[1]))
    pooled = _search(away, group)
    gain = still - _losses(away, *pooled[:, None])[0]
    kept = _kept(np.bincount(group, gain)[group])
    pooled[1] = kept * (pooled[0] + pooled[1]) - pooled[0]
    gain = _losses(away, *pooled[:, None])[0] - _losses(away, *alone[:, None])[0]
    phi, theta = pooled + _kept(gain) * (alone - pooled)
    return Arma(mean, phi, theta)


def _search(series: Floats, group: NDArray[np.integer]) -> Floats:
    """The phi and theta of least loss, the same for all series of a group, ``(2, M)``.

    A grid over phi and ``phi + theta``, then smaller ones around the best of each group.
    """
    count = series.shape[1]
    grid = np.meshgrid(_PHIS, _SUMS, indexing="ij")
    phi, total = (np.repeat(side.ravel()[:, None], count, axis=1) for side in grid)
    found, step = np.zeros((2, count)), np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    moves = [side.ravel()[:, None] for side in np.meshgrid(step, step, indexing="ij")]
    for number in range(_ROUNDS):
        theta = np.clip(total - phi, -_HIGHEST, _HIGHEST)
        loss = _losses(series, phi, theta)
        together = np.zeros((len(loss), group.max() + 1))
        np.add.at(together.T, group, loss.T)
        best = together.argmin(axis=0)[group], np.arange(count)
        found = np.stack([phi[best], theta[best]])
        size = _NARROWER**number
        wide = size * np.maximum(0.4 * np.abs(found.sum(axis=0)), 0.02)
        total = found.sum(axis=0) + moves[1] * wide
        phi = np.clip(found[0] + moves[0] * 0.15 * size, -_HIGHEST, _HIGHEST)
    return found


def _losses(series: Floats, phi: Floats, theta: Floats) -> Floats:
    """Minus twice the log-likelihood of candidates ``(C, M)``, a constant left out."""
    known = np.isfinite(series)
    filled = np.where(known, series, 0.0)
    shocks = np.repeat(filled[:, None], len(phi), axis=1)
    shocks[1:] -= phi * filled[:-1, None]
    for day in range(1, len(shocks)):
        shocks[day] -= theta * shocks[day - 1]
    np.square(shocks, out=shocks)
    if not known.all():
        shocks *= known[:, None]
    days = known.sum(axis=0)
    total = np.maximum(shocks.sum(axis=0), 1e-300)
    return np.asarray(days * np.log(total / np.maximum(days, 1)))


def _kept(gain: Floats) -> Floats:
    return np.maximum(0.0, 1 - 2 * _PARAMETERS / np.maximum(gain, 1e-12))
