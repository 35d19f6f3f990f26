"""Who was the aggressor of a trade, when the feed does not say."""

import numpy as np
from numpy.typing import NDArray


def tick_signs(stock: NDArray[np.int64], price: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tick test: a trade takes the sign of the last price change of its stock within the day.

    Args:
        stock: ``(rows,)`` number of the stock, ascending.
        price: ``(rows,)`` of one day, in the order of time within a stock.

    Returns:
        ``(rows,)`` 1 where the last change was upwards, -1 downwards, 0 before the first change.

    Example:
        >>> tick_signs(np.array([0, 0, 0, 0, 1]), np.array([9.0, 8.0, 8.0, 9.0, 5.0])).tolist()
        [0.0, -1.0, -1.0, 1.0, 0.0]

    Reference:
        Lee and Ready, Inferring Trade Direction from Intraday Data, Journal of Finance (1991).
    """
    change = np.zeros(len(price))
    change[1:] = np.where(np.diff(stock) == 0, np.sign(np.diff(price)), 0)
    # The first trade of a stock stops what the stock before it has left behind.
    told = (change != 0) | (np.diff(stock, prepend=-1) != 0)
    last = np.maximum.accumulate(np.where(told, np.arange(len(price)), 0))
    return change[last]
