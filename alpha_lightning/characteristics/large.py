"""The largest trades of each stock on one day."""

import numpy as np
from numpy.typing import NDArray

TOP_1, TOP_5, REST = 0, 1, 2
"""Class of a trade: of the largest 1 %, of the largest 5 % but not 1 %, none of these."""


def size_classes(
    stock: NDArray[np.int64], amount: NDArray[np.float64], stocks: int
) -> NDArray[np.int64]:
    """Class of each trade by its rank within its stock.

    Of ``n`` trades of a stock the ``ceil(n / 100)`` largest are `TOP_1` and those that follow, up
    to ``ceil(n / 20)`` together, `TOP_5`. Of equal amounts the earlier is the larger.

    Args:
        stock: ``(rows,)`` number of the stock, ascending.
        amount: ``(rows,)`` money, above 0, in the order of time within a stock.
        stocks: ``N``.

    Returns:
        ``(rows,)`` of `TOP_1`, `TOP_5` and `REST`.

    Example:
        >>> size_classes(np.zeros(21, int), np.array([3.0] * 20 + [9.0]), 1).tolist()[-3:]
        [2, 2, 0]
    """
    classes = np.full(len(stock), REST)
    if len(stock):
        count = np.bincount(stock, minlength=stocks)
        top_1, top_5 = -(-count // 100), -(-count // 20)
        near = _candidates(stock, amount, np.cumsum(count), top_5)
        order = near[np.lexsort((-amount[near], stock[near]))]
        owner = stock[order]
        rank = np.arange(len(order)) - np.searchsorted(owner, owner)
        classes[order[rank < top_5[owner]]] = TOP_5
        classes[order[rank < top_1[owner]]] = TOP_1
    return classes


def _candidates(
    stock: NDArray[np.int64],
    amount: NDArray[np.float64],
    end: NDArray[np.int64],
    wanted: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Rows that hold the ``wanted`` largest of each stock, and a few that tie with the smallest.

    Bits of positive floats grow with the number. A key of the stock's number above the leading bits
    of the amount is sorted many times faster than two columns are, and only too coarse to tell
    apart what is almost equal.
    """
    width = len(end).bit_length()
    key = stock.astype(np.uint64) << np.uint64(64 - width)
    key |= amount.view(np.uint64) >> np.uint64(width)
    smallest = np.sort(key)[end - np.maximum(wanted, 1)]
    return np.flatnonzero(key >= smallest[stock])
