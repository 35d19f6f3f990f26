"""ARMA(1, 1) of many series, and what it makes of the variance of a sum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]
_LONG = 10
_HIGHEST = 0.95
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
    """Two regressions after Hannan and Rissanen, of each group's series together and of each one.

    A long autoregression tells the innovations, a regression on the last value and the last
    innovation the two coefficients. Where phi and -theta are close, as in returns they are, a
    series alone tells little, and overstates their sum. So the coefficients of a series are drawn
    towards those of its group, and ``phi + theta`` of a group towards 0, both by the share 4 / LR:
    LR is twice the gain in log-likelihood, and one of less than 4 counts for nothing.

    Args:
        series: ``(D, M)``; NaN days count as the mean.
        group: ``(M,)`` codes from 0 of series that are alike.

    Reference:
        E. J. Hannan, J. Rissanen, "Recursive Estimation of Mixed Autoregressive-Moving Average
        Order", Biometrika 69 (1982).
    """
    known = np.isfinite(series)
    days = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, series, 0.0).sum(axis=0) / days
    filled = np.where(known, series - mean, 0.0)
    size = np.sqrt((filled**2).sum(axis=0) / days)
    filled /= np.where(size > 0, size, 1.0)
    scaled = np.where(known, filled, np.nan)
    alone = np.array([_coefficients(column[:, None]) for column in filled.T]).reshape(-1, 2)
    none, pooled = _losses(scaled, np.zeros_like(alone)), np.empty_like(alone)
    for code in np.unique(group):
        own = np.flatnonzero(group == code)
        phi, theta = _coefficients(filled[:, own])
        pair = np.repeat([[phi, theta]], len(own), axis=0)
        kept = _kept(none[own].sum() - _losses(scaled[:, own], pair).sum())
        pooled[own] = phi, kept * (phi + theta) - phi
    kept = _kept(_losses(scaled, pooled) - _losses(scaled, alone))
    phi, theta = (pooled + kept[:, None] * (alone - pooled)).T
    return Arma(mean, phi, theta)


def _losses(series: Floats, coefficients: Floats) -> Floats:
    """Minus twice the log-likelihood of each series, a constant left out, ``(M,)``."""
    phi, theta = coefficients.T
    total = np.nansum(Arma(np.zeros(len(phi)), phi, theta).innovations(series) ** 2, axis=0)
    days = np.isfinite(series).sum(axis=0)
    return np.asarray(days * np.log(np.maximum(total, 1e-300) / np.maximum(days, 1)))


def _kept(gain: NDArray[np.floating] | np.floating) -> NDArray[np.floating]:
    return np.maximum(0.0, 1 - 2 * _PARAMETERS / np.maximum(gain, 1e-12))


def _coefficients(series: Floats) -> tuple[float, float]:
    """The phi and theta of ``(D, m)`` series of mean 0; 0 where they are short or constant."""
    days = len(series)
    if days < 4 * _LONG or not series.any():
        return 0.0, 0.0
    past = [series[_LONG - lag : days - lag].ravel() for lag in range(1, _LONG + 1)]
    now = series[_LONG:]
    stacked = np.column_stack(past)
    slopes = np.linalg.lstsq(stacked, now.ravel(), rcond=1e-10)[0]
    shocks = now - (stacked @ slopes).reshape(now.shape)
    pair = np.column_stack([now[:-1].ravel(), shocks[:-1].ravel()])
    phi, theta = np.linalg.lstsq(pair, now[1:].ravel(), rcond=1e-10)[0]
    return float(np.clip(phi, -_HIGHEST, _HIGHEST)), float(np.clip(theta, -_HIGHEST, _HIGHEST))
