"""Factor returns of one day: stock returns regressed on the exposures of the day before."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.risk.settings import RiskSettings

Floats = NDArray[np.float64]
Codes = NDArray[np.integer]
_NORMAL_QUARTILE = 0.6744897501960817
_ITERATIONS = 100
_TOLERANCE = 1e-11


@dataclass(frozen=True)
class DayFit:
    """What one day's regression tells.

    Args:
        factor_returns: ``(K,)`` simple returns: styles, industries less the market, the market;
            NaN where the day has none (a constant style, an industry without a stock).
        specific_returns: ``(N,)`` what the factors leave; NaN without a return or an exposure.
        r_squared: weighted, about the weighted mean; NaN without a regression.
        adjusted_r_squared: the same, for the number of columns that were estimated.
        stocks: number of stocks in the regression.
    """

    factor_returns: Floats
    specific_returns: Floats
    r_squared: float
    adjusted_r_squared: float
    stocks: int


@dataclass(frozen=True)
class _Rows:
    """Rows of a regression, sorted by industry.

    Args:
        cells: ``(R, S + 2)`` styles, ones, returns.
        codes: ``(R,)`` places among the industries that are there, ascending.
        starts: where each of them begins.
        weight: ``(R,)`` regression weights of mean 1.
    """

    cells: Floats
    codes: NDArray[np.intp]
    starts: NDArray[np.intp]
    weight: Floats

    def solve(self, weight: Floats) -> tuple[Floats, Floats]:
        """Least squares: coefficients of the styles, and of the industries that are there.

        The industries' block is diagonal: what is left to solve has the size of the styles.
        """
        styles = self.cells.shape[1] - 2
        weighted = weight[:, None] * self.cells
        sums = np.add.reduceat(weighted, self.starts, axis=0)
        within, size, total = sums[:, :styles], sums[:, -2], sums[:, -1]
        mean = within / size[:, None]
        square = self.cells[:, :styles].T @ weighted
        left = square[:, :styles] - within.T @ mean
        right = square[:, -1] - mean.T @ total
        # Least norm where styles repeat each other.
        slopes = np.linalg.lstsq(left, right, rcond=1e-12)[0] if styles else np.empty(0)
        levels = (total - within @ slopes) / size
        return np.asarray(slopes), np.asarray(levels)

    def residuals(self, slopes: Floats, levels: Floats) -> Floats:
        """Returns less what the factors explain, ``(R,)``."""
        return np.asarray(self.cells[:, -1] - self.cells[:, :-2] @ slopes - levels[self.codes])


def fit_day(
    returns: Floats,
    exposures: Floats,
    industry: Codes,
    industries: int,
    cap: Floats,
    settings: RiskSettings,
) -> DayFit:
    """Factor returns and specific returns of a day.

    Weighted by the root of `cap`, scaled to mean 1. An industry of fewer stocks than
    ``settings.thin_industry`` is given the stocks it lacks: one row of so much weight that earns
    the cap-weighted mean return. The market factor is the cap-weighted mean of the industries'
    returns, and is deducted from them; without industries it is the intercept.

    A stock is in the regression if its return, exposures and cap are known. A day with no more
    stocks than columns has no regression: all is NaN.

    Args:
        returns: ``(N,)`` simple returns of the day, NaN for a stock to leave out.
        exposures: ``(N, S)`` styles at the close before, NaN where not covered.
        industry: ``(N,)`` codes at the close before; -1 is the last one.
        industries: their number, 0 for a market without.
        cap: ``(N,)`` market value at the close before, or ones.
        settings: the loss, its threshold, what is a thin industry.

    Reference:
        Orient Securities, DFQ-2020 risk model (May 2020); J. Menchero, D. Orr, J. Wang, "The
        Barra US Equity Model (USE4)" (2011) for thin industries; P. J. Huber, "Robust
        Estimation of a Location Parameter", Annals of Mathematical Statistics 35 (1964).
    """
    count = exposures.shape[1]
    styles = np.asarray(exposures, dtype=np.float64)
    codes = np.zeros(len(cap), dtype=np.intp)
    if industries:
        codes = np.where(industry < 0, industries - 1, industry).astype(np.intp)
    covered = np.isfinite(styles).all(axis=1)
    known = np.flatnonzero(covered & np.isfinite(returns) & np.isfinite(cap) & (cap > 0))
    factors = np.full(count + industries + 1, np.nan)
    none = DayFit(factors, np.full(len(returns), np.nan), np.nan, np.nan, len(known))
    if len(known) == 0:
        return none
    within = styles[known]
    varied = np.flatnonzero(np.ptp(within, axis=0) > 0)
    share = cap[known] / cap[known].sum()
    thin = settings.thin_industry if industries else 0
    rows, present = _rows(within[:, varied], codes[known], returns[known], share, thin)
    columns = len(varied) + len(present)
    if len(known) <= columns:
        return none
    slopes, levels = _fit(rows, settings)
    factors = factors.copy()
    factors[varied] = slopes
    factors[-1] = np.bincount(np.searchsorted(present, codes[known]), share) @ levels
    if industries:
        factors[count + present] = levels - factors[-1]
    told = np.nan_to_num(factors)
    explained = told[-1] + (told[count + codes] if industries else np.zeros(len(cap)))
    # Not a matrix product: a stock's bits would depend on how many others there are.
    for exposure, factor in zip(styles.T, told[:count], strict=True):
        explained += exposure * factor
    specific = np.where(covered, returns - explained, np.nan)
    loss = _unexplained(returns[known], specific[known], np.sqrt(share))
    freedom = (len(known) - 1) / (len(known) - columns)
    return DayFit(factors, specific, 1 - loss, 1 - loss * freedom, len(known))


def _unexplained(returns: Floats, left: Floats, weight: Floats) -> float:
    """Share of the weighted variance of `returns` that is `left`; NaN if they are all the same."""
    total = weight @ (returns - np.average(returns, weights=weight)) ** 2
    return float(weight @ left**2 / total) if total > 0 else np.nan


def _rows(
    styles: Floats, codes: NDArray[np.intp], returns: Floats, share: Floats, thin: int
) -> tuple[_Rows, NDArray[np.intp]]:
    """Rows of the regression, those of thin industries added, and the industries there are."""
    weight = np.sqrt(share)
    weight /= weight.mean()
    present, sizes = np.unique(codes, return_counts=True)
    lacking = np.flatnonzero(sizes < thin)
    added = np.zeros((len(lacking), styles.shape[1] + 2))
    added[:, -2] = 1.0
    added[:, -1] = share @ returns
    cells = np.column_stack([styles, np.ones(len(returns)), returns])
    cells = np.concatenate([cells, added])
    weight = np.concatenate([weight, (thin - sizes[lacking]).astype(np.float64)])
    places = np.concatenate([np.searchsorted(present, codes), lacking])
    order = np.argsort(places, kind="stable")
    places = places[order]
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    return _Rows(np.ascontiguousarray(cells[order]), places, starts, weight[order]), present


def _fit(rows: _Rows, settings: RiskSettings) -> tuple[Floats, Floats]:
    """Least squares, or from there reweighted to the minimum of Huber's loss.

    The scale is the median absolute weighted residual, about 0, over that of a normal.
    """
    slopes, levels = rows.solve(rows.weight)
    if settings.regression == "wls":
        return slopes, levels
    root = np.sqrt(rows.weight)
    for _ in range(_ITERATIONS):
        size = np.abs(root * rows.residuals(slopes, levels))
        limit = settings.huber * float(np.median(size)) / _NORMAL_QUARTILE
        # More than half of the rows are explained to rounding: no scale to measure by.
        if limit <= 1e-14:
            break
        before = np.concatenate([slopes, levels])
        slopes, levels = rows.solve(rows.weight * limit / np.maximum(size, limit))
        if np.abs(np.concatenate([slopes, levels]) - before).max() <= _TOLERANCE:
            break
    return slopes, levels
