"""What was counted for each stock while a day's characteristics were made."""

from dataclasses import dataclass, fields

import numpy as np

from alpha_lightning.characteristics.intraday import Floats, IntradayBars, Prints


@dataclass(frozen=True)
class StockFacts:
    """Counts that tell whether a day's numbers can be trusted, each ``(N,)``.

    Args:
        day_volume: shares of the day, auctions included.
        trades: bars that trade, or prints; an opening auction counts as one bar.
        continuous: those outside the auctions that the table tells apart.
        duplicates: rows that say the same as another.
        unsided: prints outside the auctions without a side.
        by_order: prints without a side whose aggressor the order numbers tell.
        crossed: prints whose side contradicts their order numbers.
        day_close: raw price of the last bar or print, auctions included.
        day_high: highest price.
        day_low: lowest price.
        day_amount: money of the day, auctions included; NaN where it is not known.
    """

    day_volume: Floats
    trades: Floats
    continuous: Floats
    duplicates: Floats
    unsided: Floats
    by_order: Floats
    crossed: Floats
    day_close: Floats
    day_high: Floats
    day_low: Floats
    day_amount: Floats

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the counts, in the order of their columns."""
        return tuple(entry.name for entry in fields(cls))

    def matrix(self) -> Floats:
        """``(N, 11)``."""
        return np.stack([getattr(self, name) for name in self.names()], axis=1)


def range_of_bars(bars: IntradayBars) -> dict[str, Floats]:
    """Close, high, low and amount ``(N,)`` of a day of bars, by name in `StockFacts`."""
    traded = bars.volume > 0
    stocks, width = traded.shape
    # The first of the bars from behind; of a stock without any, one without a price.
    last = width - 1 - np.argmax(traded[:, ::-1], axis=1)
    close = bars.close[np.arange(stocks), last]
    price = bars.auction_price
    in_auction = np.where(bars.auction_volume > 0, bars.auction_amount, 0.0)
    return {
        "day_close": np.where(np.isnan(close), price, close),
        "day_high": np.fmax(np.fmax.reduce(bars.high, axis=1), price),
        "day_low": np.fmin(np.fmin.reduce(bars.low, axis=1), price),
        "day_amount": in_auction + bars.amount.sum(axis=1),
    }


def range_of_prints(prints: Prints, stocks: int) -> dict[str, Floats]:
    """Close, high, low and amount ``(N,)`` of a day of prints, by name in `StockFacts`.

    Args:
        prints: of the day.
        stocks: their number, ``N``; NaN for one without a print.
    """
    out = {name: np.full(stocks, np.nan) for name in ("day_close", "day_high", "day_low")}
    change = np.flatnonzero(np.diff(prints.stock, prepend=-1))
    owner = prints.stock[change]
    if len(owner):
        out["day_high"][owner] = np.maximum.reduceat(prints.price, change)
        out["day_low"][owner] = np.minimum.reduceat(prints.price, change)
        out["day_close"][owner] = prints.price[np.r_[change[1:], len(prints.stock)] - 1]
    money = np.bincount(prints.stock, prints.price * prints.volume, stocks)
    return out | {"day_amount": money.astype(float)}
