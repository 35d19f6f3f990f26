"""Covariance of factor returns over the coming days, told from those up to a day."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.risk.arma import Arma, fit_arma
from alpha_lightning.risk.factor_risk import Kind
from alpha_lightning.risk.garch import Garch, fit_garch
from alpha_lightning.risk.newey_west import newey_west, shrunk_correlations
from alpha_lightning.risk.settings import RiskSettings

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]
YEAR = 243
"""Trading days of a year, by which variances are annualised."""
LONGEST_MONTH = 31
"""Rows of a month, at most."""
_LEAST_DAYS = 20
_LEAST_FITTED = 120
_UNFITTED = (0.0, 0.0, 0.05, 0.9)


class CovarianceSeries:
    """Factor covariances day after day; each is a function of the rows up to its own.

    ``dfq``: ARMA(1, 1) means, where factors of a kind help each other, and GARCH(1, 1) variances.
    Their coefficients are fitted to the window that ends before the month's first row; levels are
    those of the window that ends at the day, through which they are run. The variance is that of
    the sum over ``settings.horizon`` days, autocorrelation included; the correlations are those of
    the standardised innovations in the window, and constant (CCC).

    ``simple``: exponentially weighted variances and correlations with Newey-West lags, each with
    its own half-life; correlations shrunk.

    A factor without a return on a day counts as its mean there, which understates its correlations
    and nothing else. One of fewer than 20 days has the mean variance of its kind and no
    correlation; one of fewer than 120 in the fit has alpha 0.05, beta 0.9 and no ARMA.

    Args:
        settings: of the risk model.
        kinds: ``K`` of what kind each factor is.

    Reference:
        Orient Securities, DFQ-2020 risk model (May 2020); T. Bollerslev, "Modelling the Coherence
        in Short-Run Nominal Exchange Rates", Review of Economics and Statistics 72 (1990) for CCC.
    """

    def __init__(self, settings: RiskSettings, kinds: tuple[Kind, ...]) -> None:
        self._settings = settings
        self._kinds = kinds
        self._group = np.array([sorted(set(kinds)).index(kind) for kind in kinds])
        self._month = MonthlyFit()

    @property
    def reach(self) -> int:
        """Rows up to a day that its covariance depends on, at most."""
        return self._settings.window + LONGEST_MONTH

    def covariance(self, history: Floats, dates: Dates) -> Floats:
        """Covariance at the close of the last row, a year's worth, ``(K, K)``.

        Positive semidefinite and finite.

        Args:
            history: ``(D, K)`` daily factor returns of the last rows, at least `reach` of them or
                all there are; NaN where a factor has none.
            dates: ``(D,)`` of these rows.

        Raises:
            ValueError: no factor has 20 days of returns.
        """
        window = np.asarray(history[-self._settings.window :], dtype=np.float64)
        days = np.isfinite(window).sum(axis=0)
        known = days >= _LEAST_DAYS
        if not known.any():
            msg = f"no factor has {_LEAST_DAYS} days of returns up to {dates[-1]}"
            raise ValueError(msg)
        own = np.flatnonzero(known)
        if self._settings.kind == "dfq":
            before = history[rows_before_month(dates, self._settings.window)]
            variance, correlation = self._dfq(window[:, own], before[:, own], self._group[own])
        else:
            variance, correlation = self._simple(window[:, own], own)
        return self._whole(own, variance, correlation)

    def _dfq(
        self, window: Floats, before: Floats, group: NDArray[np.intp]
    ) -> tuple[Floats, Floats]:
        phi, theta, alpha, beta = self._month.fit(before, group)
        arma = Arma(np.nanmean(window, axis=0), phi, theta)
        innovations = arma.innovations(window)
        garch = Garch(np.nanmean(innovations**2, axis=0), alpha, beta)
        variances = garch.variances(innovations**2)
        ahead = garch.ahead(variances[-1], self._settings.horizon)
        variance = (ahead * arma.sums(self._settings.horizon) ** 2).sum(axis=0)
        size = np.sqrt(np.where(variances[:-1] > 0, variances[:-1], 1.0))
        standard = np.nan_to_num(innovations / size)
        return variance * (YEAR / self._settings.horizon), _correlation(standard.T @ standard)

    def _simple(self, window: Floats, own: NDArray[np.intp]) -> tuple[Floats, Floats]:
        settings = self._settings
        variance = np.diag(newey_west(window, settings.half_life, settings.lags))
        long = newey_west(window, settings.correlation_half_life, settings.lags)
        kinds = tuple(self._kinds[place] for place in own)
        return variance * YEAR, shrunk_correlations(_correlation(long), kinds, settings.shrinkage)

    def _whole(self, own: NDArray[np.intp], variance: Floats, correlation: Floats) -> Floats:
        """The matrix of all factors: the young ones stand alone."""
        told = np.full(len(self._kinds), np.nan)
        told[own] = variance
        kinds = np.array(self._kinds)
        for place in np.flatnonzero(np.isnan(told)):
            alike = own[kinds[own] == kinds[place]]
            told[place] = told[alike if len(alike) else own].mean()
        whole = np.eye(len(told))
        whole[np.ix_(own, own)] = correlation
        whole *= np.sqrt(np.outer(told, told))
        return np.asarray((whole + whole.T) / 2)


class MonthlyFit:
    """Coefficients from the window before a month, kept while that window is the same."""

    def __init__(self) -> None:
        self._key = b""
        self._made = np.empty((4, 0))

    def fit(self, before: Floats, group: NDArray[np.intp]) -> Floats:
        """The phi, theta, alpha and beta of ``(D, M)`` factor returns, ``(4, M)``."""
        before = np.ascontiguousarray(before, dtype=np.float64)
        key = hashlib.blake2b(group.tobytes() + before.tobytes()).digest()
        if key != self._key:
            self._made, self._key = _coefficients(before, group), key
        return self._made


def rows_before_month(dates: Dates, days: int) -> slice:
    """The window that ends before the first row of the last row's month, or begins the dates."""
    months = dates.astype("datetime64[M]")
    first = int(np.searchsorted(months, months[-1]))
    return slice(max(0, first - days), first)


def _coefficients(before: Floats, group: NDArray[np.intp]) -> Floats:
    """What is fitted once a month; a series of few days is not fitted."""
    arma = fit_arma(before, group)
    garch = fit_garch(arma.innovations(before) ** 2)
    made = np.stack([arma.phi, arma.theta, garch.alpha, garch.beta])
    short = np.isfinite(before).sum(axis=0) < _LEAST_FITTED
    return np.where(short, np.array(_UNFITTED)[:, None], made)


def _correlation(covariance: Floats) -> Floats:
    """Correlations, 0 with a series that never moves."""
    size = np.sqrt(np.diag(covariance))
    made = covariance / np.outer(*(2 * [np.where(size > 0, size, 1.0)]))
    np.fill_diagonal(made, 1.0)
    return np.asarray(made)
