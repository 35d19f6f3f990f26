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
    return _first_known([(now - then) / (lag / YEAR) for then, lag in _pairs(before, lags)], now)


def compound_growth(now: Floats, before: Sequence[Floats], lags: Sequence[int]) -> Floats:
    """Rate of growth a year; NaN where either end is not above 0. Arguments as `mean_change`."""
    end = np.where(now > 0, now, np.nan)
    rates = [
        (end / np.where(then > 0, then, np.nan)) ** (YEAR / lag) - 1
        for then, lag in _pairs(before, lags)
    ]
    # A loss at the earliest end must not be passed over for a better start.
    lost = [
        np.where(np.isfinite(then) & ~(then > 0), np.inf, rate)
        for (then, _), rate in zip(_pairs(before, lags), rates, strict=True)
    ]
    made = _first_known(lost, now)
    return np.where(np.isinf(made), np.nan, made)


def log_count(values: Floats) -> Floats:
    """``ln(1 + x)``; NaN where x is negative."""
    return np.asarray(np.log1p(np.where(values >= 0, values, np.nan)))


def _pairs(before: Sequence[Floats], lags: Sequence[int]) -> list[tuple[Floats, int]]:
    return list(zip(before, lags, strict=True))


def _first_known(choices: Sequence[Floats], like: Floats) -> Floats:
    made = np.full(len(like), np.nan)
    for choice in choices:
        made = np.where(np.isnan(made), choice, made)
    return made
