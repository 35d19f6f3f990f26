"""Regressions of each stock's last days on the same few series."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.risk.factor_risk import Floats

_REDUNDANT = 1e-10
_BLOCK = 64


@dataclass(frozen=True)
class Window:
    """The last days of a series of each stock.

    Args:
        values: ``(n, days)``, 0 where unknown.
        known: ``(n, days)`` 1 or 0.
    """

    values: Floats
    known: Floats

    @cached_property
    def squares(self) -> Floats:
        """``(n, days)``."""
        return np.asarray(self.values**2)


@dataclass(frozen=True)
class WindowFit:
    """What regressions say; NaN where a stock has too few days.

    Args:
        slope: ``(n,)`` on the last regressor.
        error: ``(n,)`` variance of the slope.
        residual: ``(n,)`` variance of what is left, by degrees of freedom.
    """

    slope: Floats
    error: Floats
    residual: Floats


def window_fit(window: Window, regressors: Floats, weights: Floats, least: int) -> WindowFit:
    """Weighted least squares with a constant, stock by stock.

    A regressor that the ones before it explain is left out. A day on which one is NaN does not
    count.

    Args:
        window: of the stocks.
        regressors: ``(days, p)``.
        weights: ``(days,)``, of any scale.
        least: days that a stock must have.
    """
    told = np.asarray(np.isfinite(regressors).all(axis=1))
    weights = np.where(told, weights / weights[told].mean(), 0.0) if told.any() else 0 * weights
    design = np.column_stack([np.ones(len(told)), np.where(told[:, None], regressors, 0.0)])
    products = _products(window, design, weights)
    count = by_blocks(window.known, told[:, None].astype(np.float64))[:, 0]
    last = design.shape[1] - 1
    original = products[:, range(last + 1), range(last + 1)].copy()
    fitted = np.zeros(len(count))
    for k in range(last):
        fitted += _eliminate(products, k, original[:, k])
    spread, along = products[:, last, last].copy(), products[:, last, last + 1].copy()
    sound = spread > _REDUNDANT * np.maximum(original[:, last], 1e-300)
    fitted += _eliminate(products, last, original[:, last])
    free = count - fitted
    enough = (count >= least) & (free > 0)
    divide = np.where(enough, free, np.nan)
    residual = np.maximum(products[:, -1, -1], 0.0) / divide
    spread = np.where(enough & sound, spread, np.nan)
    return WindowFit(along / spread, residual / spread, residual)


def by_blocks(values: Floats, columns: Floats) -> Floats:
    """Matrix product ``(n, k)`` of values ``(n, days)`` and columns ``(days, k)``.

    Blocks of so few lines are left to one thread by the linear algebra underneath: its threads
    gain nothing here, and take three times as long while others have the cores.
    """
    made = np.empty((len(values), columns.shape[1]))
    for first in range(0, len(values), _BLOCK):
        lines = slice(first, first + _BLOCK)
        np.matmul(values[lines], columns, out=made[lines])
    return made


def _products(window: Window, design: Floats, weights: Floats) -> Floats:
    # Moments of every stock by one matrix product: (n, q + 1, q + 1), the series itself last.
    size = design.shape[1]
    first, second = np.triu_indices(size)
    weighted = weights[:, None] * design
    moments = by_blocks(window.known, weighted[:, first] * design[:, second])
    made = np.empty((len(window.values), size + 1, size + 1))
    made[:, first, second] = made[:, second, first] = moments
    made[:, :-1, -1] = made[:, -1, :-1] = by_blocks(window.values, weighted)
    made[:, -1, -1] = by_blocks(window.squares, weights[:, None])[:, 0]
    return made


def _eliminate(products: Floats, pivot: int, original: Floats) -> NDArray[np.bool_]:
    # Sweeps a regressor out of all others; says for which stocks it was not redundant.
    diagonal = products[:, pivot, pivot]
    sound: NDArray[np.bool_] = diagonal > _REDUNDANT * np.maximum(original, 1e-300)
    line = products[:, pivot] / np.where(sound, diagonal, 1.0)[:, None]
    line[~sound] = 0.0
    products -= products[:, :, pivot].copy()[:, :, None] * line[:, None, :]
    return sound
