"""Descriptors of the last days of prices and volumes: beta, trend, volatility, liquidity."""

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.risk.factor_risk import Floats
from alpha_lightning.risk.window_fits import Window, WindowFit, by_blocks, window_fit

YEAR = 243
"""Trading days of a window of returns, turnover, high and low."""
LEAST = 122
"""Days of it that must be known."""
BETA_HALF_LIFE = 122
TREND_WINDOW = 486
"""Trading days of a window of prices: older ones would add a quarter to the slowest average."""
FAST, SLOW, SLOWEST = 20, 120, 240
"""Half-lives of the averages of prices, in trading days."""
EXTREMES = 6
"""Best and worst days of a window."""


def half_life_weights(days: int, half_life: float) -> Floats:
    """Weights ``(days,)`` of the last days, 1 for the newest."""
    return np.asarray(0.5 ** (np.arange(days - 1, -1, -1) / half_life))


def market_beta(returns: Window, market: Floats) -> WindowFit:
    """Slope on the market's return ``(days,)``, a day weighing half after `BETA_HALF_LIFE`."""
    weights = half_life_weights(len(market), BETA_HALF_LIFE)
    return window_fit(returns, market[:, None], weights, LEAST)


def shrunk_beta(fit: WindowFit, industry: NDArray[np.int64], cap: Floats, thin: int) -> Floats:
    """Betas drawn to the cap-weighted mean of their industry, the more the less certain they are.

    ``v b + (1 - v) mean`` with ``v = var / (var + se^2)``, where ``var`` is the variance of betas
    across the industry. Stocks of an industry with fewer than ``thin`` betas, or of an unknown one,
    are drawn to the mean of all stocks.

    Args:
        fit: of `market_beta`.
        industry: ``(n,)`` codes, -1 where unknown.
        cap: ``(n,)`` weights.
        thin: betas that an industry must have.
    """
    known = np.isfinite(fit.slope)
    made = np.full(len(known), np.nan)
    codes, counts = np.unique(industry[known], return_counts=True)
    thick = codes[(counts >= thin) & (codes >= 0)]
    rest = known & ~np.isin(industry, thick)
    groups = [(known & (industry == code),) * 2 for code in thick] + [(rest, known)]
    for drawn, among in groups:
        if not drawn.any():
            continue
        own, weight = fit.slope[among], cap[among]
        mean, spread = (weight * own).sum() / weight.sum(), own.var()
        total = spread + fit.error[drawn]
        trust = np.where(total > 0, spread / np.where(total > 0, total, 1.0), 1.0)
        made[drawn] = trust * fit.slope[drawn] + (1 - trust) * mean
    return made


def trend(prices: Window) -> tuple[Floats, Floats]:
    """Fast average of adjusted prices over the slow one, and over the slowest.

    Exponentially weighted over the known days of the window. NaN for a stock with fewer known days
    than the half-life of the slower average.
    """
    days = prices.values.shape[1]
    weights = np.column_stack([half_life_weights(days, h) for h in (FAST, SLOW, SLOWEST)])
    total, weight = by_blocks(prices.values, weights), by_blocks(prices.known, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        fast, slow, slowest = (total / weight).T
    count = prices.known.sum(axis=1)
    return (
        np.where(count >= SLOW, fast / slow, np.nan),
        np.where(count >= SLOWEST, fast / slowest, np.nan),
    )


def volatility(
    returns: Window, high: Floats, low: Floats, market: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Five descriptors, each the higher the more volatile the stock; NaN below `LEAST` days.

    Standard deviation; that of the residual on the market series; highest over lowest price less 1;
    mean of the best days; mean of the worst ones, its sign turned.

    Args:
        returns: of the window.
        high: ``(n, days)`` highest adjusted prices; NaN where unknown.
        low: ``(n, days)`` lowest ones.
        market: ``(days, p)`` series; a stock's residual is of a regression on all of them.
    """
    count = returns.known.sum(axis=1)
    if returns.values.shape[1] < LEAST:
        unknown = np.full(len(count), np.nan)
        return unknown, unknown, unknown, unknown, unknown
    enough = count >= LEAST
    divide = np.where(enough, count, np.nan)
    total = returns.values.sum(axis=1)
    square = returns.squares.sum(axis=1) - total**2 / divide
    residual = window_fit(returns, market, np.ones(len(market)), LEAST).residual
    ranged = np.isfinite(high).sum(axis=1) >= LEAST
    highest = np.fmax.reduce(high, axis=1)[ranged]
    span = np.full(len(count), np.nan)
    span[ranged] = highest / np.fmin.reduce(low, axis=1)[ranged] - 1
    blank = np.where(returns.known > 0, 0.0, np.inf)
    best = np.partition(blank - returns.values, EXTREMES - 1, axis=1)[:, :EXTREMES]
    worst = np.partition(blank + returns.values, EXTREMES - 1, axis=1)[:, :EXTREMES]
    return (
        np.sqrt(np.maximum(square, 0.0) / (divide - 1)),
        np.sqrt(residual),
        span,
        np.where(enough, -best.mean(axis=1), np.nan),
        np.where(enough, -worst.mean(axis=1), np.nan),
    )


def liquidity(turnover: Window, market: Floats) -> tuple[Floats, Floats]:
    """Mean of the logarithm of turnover, and its beta on the market's ``(days,)``."""
    count = turnover.known.sum(axis=1)
    mean = turnover.values.sum(axis=1) / np.where(count >= LEAST, count, np.nan)
    fit = window_fit(turnover, market[:, None], np.ones(len(market)), LEAST)
    return mean, fit.slope
