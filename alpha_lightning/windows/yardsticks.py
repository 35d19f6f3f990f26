"""What the features of a window are measured against: the stock's own price and trading."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alpha_lightning.panel.store import Panel

YARDSTICKS = ("last close", "last volume", "mean volume", "mean amount")
"""Columns of what `Yardsticks.at` returns; the last column after them is 1."""


class Yardsticks:
    """Yardsticks of stocks on a date, from the panel's daily bars and nothing after the date.

    Args:
        panel: the panel.
        window: days ``L`` that means are taken over, the date included.
        means: whether they are wanted; otherwise they are missing.
    """

    def __init__(self, panel: Panel, window: int, *, means: bool = True) -> None:
        self._window = window
        self._means = means
        self._close, self._volume, self._factor = map(
            panel.market, ("close", "volume", "adj_factor")
        )
        self._amount = panel.market("amount") if panel.has("amount") else None

    def at(self, date: int, assets: NDArray[np.intp]) -> Tensor:
        """Yardsticks of a date.

        The last close is adjusted. Means are over the days of the window on which the stock was
        listed, 0 on those on which it was suspended; volumes are divided by the adjustment factor,
        as a split multiplies the shares by what it divides the price by. Where an amount is not
        known, close times volume stands in for it. A volume or amount of 0 counts as 1.

        Args:
            date: row of the panel, at least ``L - 1``.
            assets: ``(N,)`` columns of the panel.

        Returns:
            ``(N, 5)`` float32: `YARDSTICKS`, then 1. NaN where the stock did not trade on the date.
        """
        values = np.full((len(YARDSTICKS) + 1, len(assets)), np.nan)
        values[0] = self._close[date][assets] * self._factor[date][assets]
        values[1] = self._volume[date][assets]
        if self._means:
            values[2:4] = self._window_means(date, assets)
        values[1:4][values[1:4] == 0] = 1.0
        values[-1] = 1.0
        return torch.from_numpy(values.T.astype(np.float32))

    def _window_means(self, date: int, assets: NDArray[np.intp]) -> NDArray[np.float64]:
        rows = slice(date - self._window + 1, date + 1)
        close, volume, factor = (
            field[rows][:, assets] for field in (self._close, self._volume, self._factor)
        )
        amount = np.where(volume > 0, close * volume, volume)
        if self._amount is not None:
            known = self._amount[rows][:, assets]
            amount = np.where(np.isnan(known), amount, known)
        return np.stack([_mean(volume / factor), _mean(amount)])


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    days = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(days > 0, total / np.maximum(days, 1), np.nan)
