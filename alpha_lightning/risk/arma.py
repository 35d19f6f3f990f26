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


def fit_arma(series: Floats) -> Arma:
    """Two regressions after Hannan and Rissanen, then a pull towards no autocorrelation.

    A long autoregression tells the innovations, a regression on the last value and the last
    innovation the two coefficients. Where phi and -theta are close, as in returns they are, both
    say little, and their sum is overstated: ``phi + theta`` is shrunk by ``1 - 4 / LR``, LR being
    twice the gain in log-likelihood over no autocorrelation, and is 0 where LR is less than 4.

    Args:
        series: ``(D, M)``; NaN days count as the mean.

    Reference:
        E. J. Hannan, J. Rissanen, "Recursive Estimation of Mixed Autoregressive-Moving Average
        Order", Biometrika 69 (1982).
    """
    known = np.isfinite(series)
    days = known.sum(axis=0)
    mean = np.where(known, series, 0.0).sum(axis=0) / np.maximum(days, 1)
    filled = np.where(known, series - mean, 0.0)
    made = [_coefficients(column) for column in filled.T]
    phi, theta = np.array(made).reshape(-1, 2).T
    arma = Arma(mean, phi, theta)
    before = (filled**2).sum(axis=0)
    after = np.nansum(arma.innovations(series) ** 2, axis=0)
    gain = days * np.log(np.where(after > 0, before, 1.0) / np.where(after > 0, after, 1.0))
    pull = np.maximum(0.0, 1 - 2 * _PARAMETERS / np.maximum(gain, 1e-12))
    return Arma(mean, phi, pull * (phi + theta) - phi)


def _coefficients(series: Floats) -> tuple[float, float]:
    """The phi and theta of a series of mean 0; both 0 where it is too short or constant."""
    days = len(series)
    if days < 4 * _LONG or not series.any():
        return 0.0, 0.0
    past = np.column_stack([series[_LONG - lag : days - lag] for lag in range(1, _LONG + 1)])
    slopes = np.linalg.lstsq(past, series[_LONG:], rcond=1e-10)[0]
    shocks = series[_LONG:] - past @ slopes
    pair = np.column_stack([series[_LONG:-1], shocks[:-1]])
    phi, theta = np.linalg.lstsq(pair, series[_LONG + 1 :], rcond=1e-10)[0]
    return float(np.clip(phi, -_HIGHEST, _HIGHEST)), float(np.clip(theta, -_HIGHEST, _HIGHEST))
