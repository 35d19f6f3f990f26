"""The price of each stock from bar to bar, through the bars without a trade."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.characteristics.intraday import Floats, IntradayBars


@dataclass(frozen=True)
class PricePath:
    """What a stock is worth when the day opens and at the end of each bar.

    Args:
        prices: ``(N, 1 + B)``, the opening price and then each bar's close; NaN throughout for a
            stock that has not traded at all.
        traded: ``(N, B)``, whether the bar has a trade.
        auction: ``(N,)``, whether the opening auction made a price.
    """

    prices: Floats
    traded: NDArray[np.bool_]
    auction: NDArray[np.bool_]

    @property
    def open(self) -> Floats:
        """The day's opening price ``(N,)``."""
        return self.prices[:, 0]

    @property
    def close(self) -> Floats:
        """The last price at the end of each bar ``(N, B)``."""
        return self.prices[:, 1:]


def price_path(bars: IntradayBars) -> PricePath:
    """Carry prices through the bars without a trade.

    The price of the opening auction opens the day, else the open of the first bar that trades. A
    bar without a trade repeats the last close, and before the first trade the opening price. A bar
    trades when its volume is above 0, so that a vendor may write empty bars or leave them out.

    Example:
        >>> gap, none = np.array([[np.nan, 11.0, np.nan]]), np.array([np.nan])
        >>> volume, zero = np.array([[0.0, 100.0, 0.0]]), np.zeros(1)
        >>> bars = IntradayBars(gap - 1, gap, gap - 1, gap, volume, volume, none, zero, zero, none)
        >>> price_path(bars).prices.tolist()
        [[10.0, 10.0, 11.0, 11.0]]
    """
    traded = bars.volume > 0
    auction = np.isfinite(bars.auction_price) & (bars.auction_volume != 0)
    first = traded.argmax(axis=1)
    first_open = bars.open[np.arange(len(first)), first]
    known = np.where(traded.any(axis=1), first_open, np.nan)
    opening = np.where(auction, bars.auction_price, known)
    prices = np.concatenate([opening[:, None], bars.close], axis=1)
    # Each price holds until the next one of the stock; the opening price is the first of them.
    told = np.concatenate([np.ones_like(traded[:, :1]), traded], axis=1)
    at = np.flatnonzero(told)
    held = np.repeat(prices.ravel()[at], np.diff(at, append=told.size))
    return PricePath(held.reshape(prices.shape), traded, auction)
