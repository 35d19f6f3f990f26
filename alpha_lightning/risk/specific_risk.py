"""Variance of specific returns over the coming days, told from those up to a day."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.risk.factor_covariance import LONGEST_MONTH, YEAR, rows_before_month
from alpha_lightning.risk.garch import Garch, fit_garch
from alpha_lightning.risk.newey_west import newey_west_variances
from alpha_lightning.risk.settings import RiskSettings

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Dates = NDArray[np.datetime64]
_GROUPS = 10
_LEAST_STOCKS = 20
_LEAST_DAYS = 21
_LEAST_FITTED = 120
_UNFITTED = (0.2, 0.75)
_FLOOR = 0.1
_RATIOS = (0.25, 4.0)


@dataclass(frozen=True)
class _Month:
    """What is fitted once a month.

    Args:
        alpha: of the mean standardised square of all stocks.
        beta: the same.
        sums: ``(N,)`` mean square of a stock's sums over the horizon, relative to its days.
        days: ``(N,)`` mean of the sums of its squares; both 0 without enough days.
    """

    alpha: float
    beta: float
    sums: Floats
    days: Floats


class SpecificSeries:
    """Specific variances day after day; each is a function of the rows up to its own.

    Stocks fall into ten groups of equal number by market value, fewer in a market of less than 200
    stocks, and by their own volatility where all market values are the same.

    ``dfq``: a stock's mean square over 243 days, times what its group's specific returns are
    expected to be worth over the horizon relative to those days (a GARCH(1, 1) of the group's mean
    of standardised squares), times the group's variance ratio, by which a sum over the horizon
    varies more or less than its days. The GARCH coefficients are those of all stocks together;
    they and the stocks' variance ratios are told from the window that ends before the month's
    first row.

    ``simple``: exponentially weighted mean squares with Newey-West lags.

    Then both are drawn towards the mean of their group weighted by market value, by
    ``v = q |s - mean| / (d + q |s - mean|)``, d being the group's standard deviation of s. A stock
    of fewer than 21 days, or that never moved, has the mean of its group. None is below a tenth of
    the median.

    Args:
        settings: of the risk model.

    Reference:
        Orient Securities, DFQ-2020 risk model (May 2020); J. Menchero, D. Orr, J. Wang, "The
        Barra US Equity Model (USE4)" (2011) for the shrinkage.
    """

    def __init__(self, settings: RiskSettings) -> None:
        self._settings = settings
        self._month = _MonthlyFit(settings.horizon)

    @property
    def reach(self) -> int:
        """Rows up to a day that its variances depend on, at most."""
        return max(self._settings.window, YEAR) + LONGEST_MONTH

    def variance(self, history: NDArray[np.floating], cap: Floats, dates: Dates) -> Floats:
        """Specific variances at the close of the last row, a year's worth, ``(N,)``.

        Args:
            history: ``(D, N)`` daily specific returns of the last rows, at least `reach` of them
                or all there are; NaN where a stock has none.
            cap: ``(N,)`` market value, or ones; NaN for a stock to leave out, which is then NaN.
            dates: ``(D,)`` of these rows.
        """
        told = np.full(len(cap), np.nan)
        own = np.flatnonzero(np.isfinite(cap) & (cap > 0))
        if len(own) == 0:
            return told
        window = np.asarray(history[-self._settings.window :, own], dtype=np.float64)
        year = np.isfinite(window[-YEAR:])
        enough = year.sum(axis=0) >= _LEAST_DAYS
        square = np.where(year, window[-YEAR:], 0.0) ** 2
        level = square.sum(axis=0) / np.maximum(year.sum(axis=0), 1)
        level[~enough | (level <= 0)] = np.nan
        group = _groups(cap[own], level)
        if self._settings.kind == "dfq":
            fit = self._month.fit(history[rows_before_month(dates, self._settings.window)])
            daily = level * self._dfq(_group_squares(window, level, group), group, fit, own)
        else:
            half_life, lags = self._settings.half_life, self._settings.lags
            daily = newey_west_variances(window, half_life, lags, mean=False)
            daily[np.isnan(level) | (daily <= 0)] = np.nan
        sigma = _shrunk(np.sqrt(daily), group, cap[own], self._settings.specific_shrinkage)
        told[own] = sigma**2 * YEAR
        return told

    def _dfq(self, series: Floats, group: Index, fit: _Month, own: Index) -> Floats:
        """What a stock's level is multiplied with, ``(n,)``."""
        ones = np.ones(series.shape[1])
        garch = Garch(_mean_known(series), fit.alpha * ones, fit.beta * ones)
        following = garch.variances(series)[-1]
        expected = garch.ahead(following, self._settings.horizon).mean(axis=0)
        usual = _mean_known(series[-YEAR:])
        expected = np.where(usual > 0, expected, 1.0) / np.where(usual > 0, usual, 1.0)
        days = np.bincount(group, fit.days[own], len(ones))
        ratio = np.bincount(group, fit.sums[own], len(ones)) / np.where(days > 0, days, 1.0)
        factor = expected * np.where(days > 0, np.clip(ratio, *_RATIOS), 1.0)
        return np.asarray(factor[group])


class _MonthlyFit:
    """The fit of the window before a month, kept while that window is the same."""

    def __init__(self, horizon: int) -> None:
        self._horizon = horizon
        self._key: tuple[tuple[int, ...], int] | None = None
        self._made = _Month(*_UNFITTED, np.empty(0), np.empty(0))

    def fit(self, before: NDArray[np.floating]) -> _Month:
        """Of ``(D, N)`` specific returns."""
        key = (before.shape, zlib.crc32(np.ascontiguousarray(before).data))
        if key != self._key:
            self._made, self._key = _fit_month(before, self._horizon), key
        return self._made


def _fit_month(before: NDArray[np.floating], horizon: int) -> _Month:
    sums, days = np.zeros((2, before.shape[1]))
    # Stocks that list later must not move a bit of what is told now.
    there = np.flatnonzero(np.isfinite(before).sum(axis=0) >= _LEAST_DAYS)
    if len(before) < max(_LEAST_FITTED, 2 * horizon) or len(there) == 0:
        return _Month(*_UNFITTED, sums, days)
    own = np.asarray(before[:, there], dtype=np.float64)
    known = np.isfinite(own)
    own = np.where(known, own, 0.0)
    level = (own**2).sum(axis=0) / known.sum(axis=0)
    moving = level > 0
    own[:, moving] /= np.sqrt(level[moving])
    there_on = np.maximum((known & moving).sum(axis=1), 1)
    mean = np.where(known.any(axis=1), (own**2).sum(axis=1) / there_on, np.nan)
    garch = fit_garch(mean[:, None])
    running = np.cumsum(np.concatenate([np.zeros((1, len(there))), own]), axis=0)
    sums[there] = ((running[horizon:] - running[:-horizon]) ** 2).mean(axis=0)
    running = np.cumsum(np.concatenate([np.zeros((1, len(there))), own**2]), axis=0)
    days[there] = (running[horizon:] - running[:-horizon]).mean(axis=0)
    return _Month(float(garch.alpha[0]), float(garch.beta[0]), sums, days)


def _groups(cap: Floats, level: Floats) -> Index:
    """Groups of equal number, ``(n,)``; a stock of no known volatility in the middle one."""
    number = int(np.clip(len(cap) // _LEAST_STOCKS, 1, _GROUPS))
    measure = cap
    if np.ptp(cap) == 0:
        middle = np.median(level[np.isfinite(level)]) if np.isfinite(level).any() else 0.0
        measure = np.where(np.isfinite(level), level, middle)
    rank = np.empty(len(cap), dtype=np.intp)
    rank[np.argsort(measure, kind="stable")] = np.arange(len(cap))
    return rank * number // len(cap)


def _group_squares(window: Floats, level: Floats, group: Index) -> Floats:
    """Mean of ``return^2 / level`` of each group's stocks on each day, ``(D, G)``; NaN of none."""
    members = (group[:, None] == np.arange(group.max() + 1)).astype(np.float64)
    known = np.isfinite(window) & np.isfinite(level)
    square = np.where(known, window, 0.0) ** 2 / np.where(np.isfinite(level), level, 1.0)
    number = known.astype(np.float64) @ members
    return np.asarray(np.where(number > 0, square @ members / np.maximum(number, 1), np.nan))


def _mean_known(series: Floats) -> Floats:
    known = np.isfinite(series)
    return np.asarray(np.where(known, series, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))


def _shrunk(sigma: Floats, group: Index, cap: Floats, strength: float) -> Floats:
    """Volatilities drawn towards their group's; NaN in is the group's mean, or that of all."""
    known = np.isfinite(sigma)
    if not known.any():
        return sigma
    mean, spread = np.empty((2, group.max() + 1))
    for number in range(len(mean)):
        own = known & (group == number)
        if not own.any():
            own = known
        mean[number] = np.average(sigma[own], weights=cap[own])
        spread[number] = np.sqrt(np.mean((sigma[own] - mean[number]) ** 2))
    away = strength * np.abs(sigma - mean[group])
    pull = away / np.maximum(spread[group] + away, 1e-300)
    drawn = np.where(known, pull * mean[group] + (1 - pull) * sigma, mean[group])
    return np.asarray(np.maximum(drawn, _FLOOR * np.median(drawn)))
