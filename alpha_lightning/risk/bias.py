"""Whether forecasts of risk were right: the bias statistic, and portfolios drawn to test them."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.risk.factor_covariance import YEAR

Floats = NDArray[np.float64]
Draw = Literal["long-only", "long-short", "industry"]
DRAWS: tuple[Draw, ...] = ("long-only", "long-short", "industry")
"""Kinds of random portfolios."""


def bias_statistic(realised: Floats, forecast_volatility: Floats) -> float:
    """Standard deviation of returns over what was forecast: 1 if right, above 1 if too low.

    Args:
        realised: ``(D,)`` returns of periods that do not overlap.
        forecast_volatility: ``(D,)`` of each of them, known when it began, for its own length
            (`of_period`). Periods where either is NaN, or the forecast 0, are left out.

    Returns:
        NaN for fewer than two periods.

    Example:
        >>> bias_statistic(np.array([0.02, -0.02, 0.02, -0.02]), np.full(4, 0.02)).__round__(3)
        1.155

    Reference:
        J. Menchero, D. Orr, J. Wang, "The Barra US Equity Model (USE4)" (2011).
    """
    known = np.isfinite(realised) & np.isfinite(forecast_volatility) & (forecast_volatility > 0)
    if known.sum() < 2:
        return float("nan")
    return float(np.std(realised[known] / forecast_volatility[known], ddof=1))


def mean_bias(realised: Floats, forecast_volatility: Floats) -> float:
    """Mean of the bias statistics of many portfolios.

    Args:
        realised: ``(D, P)`` returns of the periods.
        forecast_volatility: ``(D, P)`` of each.

    Returns:
        NaN where no portfolio has two periods.
    """
    told = np.array(
        [bias_statistic(*pair) for pair in zip(realised.T, forecast_volatility.T, strict=True)]
    )
    known = np.isfinite(told)
    return float(told[known].mean()) if known.any() else float("nan")


def of_period(annual_volatility: Floats, days: int) -> Floats:
    """Volatility of a period of some days from that of a year of 243."""
    return np.asarray(annual_volatility * np.sqrt(days / YEAR))


def random_portfolios(
    generator: np.random.Generator, draw: Draw, industry: NDArray[np.integer], count: int
) -> Floats:
    """Weights of random portfolios, ``(count, N)``.

    ``long-only``: a tenth of the stocks, of uniform weights that sum to 1. ``long-short``: the
    difference of two of them. ``industry``: all stocks of one industry less all of another, in
    equal weights.

    Args:
        generator: of the draws.
        draw: kind of portfolio.
        industry: ``(N,)`` codes; a stock of -2 or less is not held.
        count: number of portfolios.

    Raises:
        ValueError: no stock to hold, or fewer than two industries to bet on.
    """
    places = np.flatnonzero(industry > -2)
    present = np.unique(industry[places])
    if len(places) == 0 or (draw == "industry" and len(present) < 2):
        msg = f"{draw} portfolios need stocks, of two industries for bets: {len(present)} there"
        raise ValueError(msg)
    weights = np.zeros((count, len(industry)))
    for made in weights:
        if draw == "industry":
            long, short = generator.choice(present, 2, replace=False)
            for code, sign in ((long, 1.0), (short, -1.0)):
                own = industry == code
                made[own] = sign / own.sum()
        else:
            for sign in (1.0, -1.0) if draw == "long-short" else (1.0,):
                held = generator.choice(places, max(1, len(places) // 10), replace=False)
                share = generator.random(len(held)) + 1e-12
                made[held] += sign * share / share.sum()
    return weights
