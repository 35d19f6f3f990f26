"""A day's bars and trades of many stocks, as arrays: what characteristics are computed from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
OPENING, CONTINUOUS, CLOSING = 0, 1, 2
"""Phases of the day in which a trade may happen: two auctions and what is between."""


@dataclass(frozen=True)
class IntradayBars:
    """Bars of ``N`` stocks on one day, on the exchange's regular grid of ``B`` bars.

    Args:
        open: ``(N, B)`` raw price, NaN where the bar has no trade; likewise high, low, close.
        high: of each bar.
        low: of each bar.
        close: of each bar.
        volume: ``(N, B)`` shares, 0 where the bar has no trade.
        amount: ``(N, B)`` money, 0 where the bar has no trade.
        auction_price: ``(N,)`` of the opening auction, NaN without one.
        auction_volume: ``(N,)`` shares of the opening auction; 0 for a stock without one, NaN when
            the feed does not tell the auction apart from the first bar.
        auction_amount: ``(N,)`` money, likewise.
        closing_amount: ``(N,)`` money of the closing auction; NaN when no bar is its own.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    amount: Floats
    auction_price: Floats
    auction_volume: Floats
    auction_amount: Floats
    closing_amount: Floats


@dataclass(frozen=True)
class Prints:
    """Trades of one day, sorted by stock, then time, then as reported.

    Args:
        stock: ``(rows,)`` number of the stock, 0 to N - 1, ascending.
        clock: ``(rows,)`` trading seconds since the first session's start, breaks left out; 0 in
            the opening auction, at most the length of the day.
        price: ``(rows,)`` raw price.
        volume: ``(rows,)`` shares, above 0.
        sign: ``(rows,)`` 1 for a buy, -1 for a sell, 0 for neither, which counts half as each.
        phase: ``(rows,)`` `OPENING`, `CONTINUOUS` or `CLOSING`.
        order: ``(rows,)`` number of the aggressor's order, or None when the feed has no numbers.
    """

    stock: NDArray[np.int64]
    clock: Floats
    price: Floats
    volume: Floats
    sign: Floats
    phase: NDArray[Any]
    order: NDArray[np.int64] | None = None
