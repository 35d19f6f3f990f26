"""Descriptors of published numbers: value, growth, the state's share, certainty."""

from collections.abc import Sequence

import numpy as np

from alpha_lightning.risk.factor_risk import Floats

YEARS = (3, 2, 1)
"""How long growth may be told over, the longest that is known first."""
YEAR = 243


def growth_lags(row: int) -> tuple[int, ...]:
    """Rows back that growth may be told from at a row, the longest first; at least a year.

    Three years; in a panel that does not reach back so far its first row; then two years and one.
    """
    longest = min(YEARS[0] * YEAR, row)
    lags = dict.fromkeys((longest, *(years * YEAR for years in YEARS[1:])))
    return tuple(lag for lag in lags if YEAR <= lag <= longest)


def return_on_equity(profit: Floats, book: Floats) -> Floats:
    """Profit of four quarters over book equity, ``(n,)``; NaN where equity is not above 0."""
    return np.asarray(profit / np.where(book > 0, book, np.nan))


def mean_change(now: Floats, before: Sequence[Floats], lags: Sequence[int]) -> Floats:
    """Change a year, from the earliest of the earlier numbers that a stock has.

    Args:
        now: ``(n,)``.
        before: ``(n,)`` each, by lag.
        lags: rows back, the longest first.
    """
    start, years = _earliest(before, lags, len(now))
    return (now - start) / years


def compound_growth(now: Floats, before: Sequence[Floats], lags: Sequence[int]) -> Floats:
    """Rate of growth a year; NaN where either end is not above 0. Arguments as `mean_change`."""
    start, years = _earliest(before, lags, len(now))
    sound = (now > 0) & (start > 0)
    ratio = np.where(sound, now, np.nan) / np.where(sound, start, 1.0)
    return np.asarray(ratio ** (1 / years) - 1)


def log_count(values: Floats) -> Floats:
    """``ln(1 + x)``; NaN where x is negative."""
    return np.asarray(np.log1p(np.where(values >= 0, values, np.nan)))


def _earliest(before: Sequence[Floats], lags: Sequence[int], stocks: int) -> tuple[Floats, Floats]:
    # The first number that is known, though it may be a loss, and the years since.
    start, years = np.full(stocks, np.nan), np.full(stocks, np.nan)
    for then, lag in zip(before, lags, strict=True):
        found = np.isnan(start) & np.isfinite(then)
        start[found], years[found] = then[found], lag / YEAR
    return start, years
