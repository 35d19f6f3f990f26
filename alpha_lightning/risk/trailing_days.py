"""The last days of a series of each stock, side by side in memory."""

from collections.abc import Callable

import numpy as np

from alpha_lightning.risk.factor_risk import Floats


class TrailingDays:
    """Windows of a series, a day of which is computed once while windows move forward.

    A window depends on its own days only: however it was reached, it has the same bits.

    Args:
        length: days of a window.
        stocks: ``N``, lines of a window.
        day: values ``(N,)`` of a row.
    """

    def __init__(self, length: int, stocks: int, day: Callable[[int], Floats]) -> None:
        self._length, self._day = length, day
        # Room for two windows: days are moved to the front once in a window's length.
        self._block = np.empty((stocks, 2 * length))
        self._first = self._end = 0

    def upto(self, row: int) -> Floats:
        """``(N, days)`` of the rows that end with ``row``; fewer days where the panel begins."""
        first = max(row - self._length + 1, 0)
        if not self._first <= first <= self._end:
            self._first = self._end = first
        if row >= self._first + self._block.shape[1]:
            kept = self._block[:, first - self._first : self._end - self._first]
            self._block[:, : kept.shape[1]] = kept
            self._first = first
        for day in range(self._end, row + 1):
            self._block[:, day - self._first] = self._day(day)
        self._end = max(self._end, row + 1)
        return self._block[:, first - self._first : row + 1 - self._first]
