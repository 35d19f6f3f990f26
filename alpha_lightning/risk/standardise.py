"""Descriptors of one day made comparable: winsorised, standardised, averaged, orthogonalised."""

from collections.abc import Sequence

import numpy as np

from alpha_lightning.risk.factor_risk import Flags, Floats

REACH = 5 * 1.4826
"""How far from the median a descriptor may lie, in median absolute deviations: five robust standard
deviations."""
LEAST_KNOWN = 0.1
"""Share of the estimation universe for which a descriptor must be known, or it says nothing."""
_ROUNDING = 1e-12


def winsorised(values: Floats, universe: Flags) -> Floats:
    """Values drawn back to the median plus or minus `REACH` deviations of the universe.

    Where more than half the values are equal nothing is moved. NaN stays NaN.

    Args:
        values: ``(n,)``.
        universe: ``(n,)`` stocks that the bounds are told from.
    """
    own = values[universe & ~np.isnan(values)]
    if not len(own):
        return values
    median = np.median(own)
    reach = REACH * np.median(np.abs(own - median))
    return np.asarray(np.clip(values, median - reach, median + reach)) if reach > 0 else values


def standardised(values: Floats, universe: Flags, cap: Floats) -> Floats:
    """Values of cap-weighted mean 0 and equally weighted standard deviation 1 in the universe.

    Constant values become 0; values known for fewer than `LEAST_KNOWN` of the universe, or for a
    single stock, NaN. NaN stays NaN.

    Args:
        values: ``(n,)``.
        universe: ``(n,)`` stocks that mean and deviation are told from.
        cap: ``(n,)`` weights of the mean, above 0 in the universe.
    """
    counts = universe & ~np.isnan(values)
    own, weight = values[counts], cap[counts]
    if len(own) < max(2.0, LEAST_KNOWN * np.count_nonzero(universe)):
        return np.full(len(values), np.nan)
    deviation = own.std()
    if deviation <= _ROUNDING * np.abs(own).max():
        return np.where(np.isnan(values), np.nan, 0.0)
    return np.asarray((values - (weight * own).sum() / weight.sum()) / deviation)


def style_of(descriptors: Sequence[Floats], universe: Flags, cap: Floats) -> Floats:
    """Mean of standardised descriptors, standardised again; 0 where none is known.

    Args:
        descriptors: ``(n,)`` each, raw; NaN is unknown.
        universe: ``(n,)`` the estimation universe.
        cap: ``(n,)`` weights.
    """
    known, total = np.zeros(len(cap)), np.zeros(len(cap))
    for raw in descriptors:
        own = winsorised(np.where(np.isfinite(raw), raw, np.nan), universe)
        scaled = standardised(own, universe, cap)
        known += ~np.isnan(scaled)
        total += np.nan_to_num(scaled, nan=0.0)
    mean = np.where(known > 0, total / np.maximum(known, 1), np.nan)
    return np.nan_to_num(standardised(mean, universe, cap), nan=0.0)


def orthogonal(values: Floats, size: Floats, universe: Flags, cap: Floats) -> Floats:
    """What values say beyond size: residual of their regression on it, and a constant.

    Weighted by the root of market value, as the regression of returns is. NaN where ``values`` are.

    Args:
        values: ``(n,)``.
        size: ``(n,)`` the style, known for every stock.
        universe: ``(n,)`` stocks in the regression.
        cap: ``(n,)`` market value.
    """
    counts = universe & ~np.isnan(values)
    weight, x, y = np.sqrt(cap[counts]), size[counts], values[counts]
    if not len(x):
        return values
    mean_x, mean_y = (weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()
    spread = (weight * (x - mean_x) ** 2).sum()
    slope = (weight * (x - mean_x) * (y - mean_y)).sum() / spread if spread > 0 else 0.0
    residual = values - mean_y - slope * (size - mean_x)
    # Rounding must not be blown up to a style where size says all.
    return np.where(np.abs(residual) <= _ROUNDING * np.abs(y).max(), 0.0, residual)
