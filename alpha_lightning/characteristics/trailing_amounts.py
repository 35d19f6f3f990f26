"""Which bars are large, judged by each stock's own recent bars."""

from dataclasses import dataclass

import numpy as np

from alpha_lightning.characteristics.intraday import Floats

_STOCKS_AT_ONCE = 256


@dataclass(frozen=True)
class LargeBars:
    """Amounts above which a bar is large.

    Args:
        p1: ``(N,)`` money, exceeded by 1 % of the stock's recent bars; NaN when not known.
        p5: ``(N,)`` money, exceeded by 5 %.
    """

    p1: Floats
    p5: Floats


class TrailingAmounts:
    """The 99th and 95th percentile of each stock's bar amounts over the last days.

    Fed one trading day after another; a threshold comes from the days fed so far, the current one
    included, and from nothing after it.

    Args:
        days: number of trading days looked back on, the current one included.

    Example:
        >>> trailing = TrailingAmounts(days=2)
        >>> trailing.add(np.arange(50.0)[None]).p1
        array([nan])
        >>> trailing.add(np.arange(50.0, 100.0)[None])
        LargeBars(p1=array([98.01]), p5=array([94.05]))
    """

    def __init__(self, days: int = 20) -> None:
        self.days = days
        self._seen = 0
        self._amounts: Floats = np.empty((0, days, 0))

    def add(self, amount: Floats) -> LargeBars:
        """Take in the next trading day.

        Args:
            amount: ``(N, B)`` money of each bar, NaN where the bar has no trade; the same stocks
                and bars each day.

        Returns:
            NaN until so many days have been seen, and for a stock that traded on fewer than half
            of them. Between two observed amounts a percentile is interpolated linearly.
        """
        if not self._seen:
            self._amounts = np.empty((len(amount), self.days, amount.shape[1]))
        self._amounts[:, self._seen % self.days] = amount
        self._seen += 1
        out = np.full((2, len(amount)), np.nan)
        if self._seen >= self.days:
            for start in range(0, len(amount), _STOCKS_AT_ONCE):
                block = slice(start, start + _STOCKS_AT_ONCE)
                out[:, block] = _thresholds(self._amounts[block])
        return LargeBars(*out)


def _thresholds(amounts: Floats) -> Floats:
    stocks, days, _ = amounts.shape
    count = np.sum(~np.isnan(amounts), axis=2)
    total = count.sum(axis=1)
    # Missing bars go below all others, so that ranks from the top are those of the traded bars.
    pool = np.where(np.isnan(amounts), -np.inf, amounts).reshape(stocks, -1)
    depth = min(int(0.05 * total.max(initial=1)) + 2, pool.shape[1])
    pool.partition(pool.shape[1] - depth, axis=1)
    top = np.sort(pool[:, -depth:], axis=1)[:, ::-1]
    known = np.sum(count > 0, axis=1) >= days / 2
    out = np.full((2, stocks), np.nan)
    rows = np.flatnonzero(known)
    for k, share in enumerate((0.01, 0.05)):
        place = share * (total[rows] - 1)
        rank = place.astype(np.int64)
        upper, lower = top[rows, rank], top[rows, np.minimum(rank + 1, total[rows] - 1)]
        # Exact when both are equal, so that bars that are all alike are never large.
        out[k, rows] = lower + (rank + 1 - place) * (upper - lower)
    return out
