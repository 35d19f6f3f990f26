"""The data set ``mschars``: features of a day's minute bars."""

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.characteristics.intraday import Floats, IntradayBars
from alpha_lightning.characteristics.price_path import PricePath, price_path
from alpha_lightning.characteristics.realised import realised


def mschars(bars: IntradayBars, periods: int) -> NDArray[np.float64]:
    """Bars of the day and of each period, and their realised statistics.

    * Prices follow `price_path`: a bar without a trade repeats the last close.
    * A period opens with its first trade and has the extremes of its trades; without a trade its
      prices are the last close. Its twap is the mean of the closes of all its bars.
    * The opening auction's price belongs to the first period, as its open and among its extremes;
      its volume and money belong to the day only.
    * The day's open is the first period's, its close the last one's, its extremes those of its
      periods; volume and amount are the auction's and the periods' together.
    * Statistics are those of `realised`.

    Args:
        bars: of ``N`` stocks; an auction that is not told apart (NaN) adds nothing to the day.
        periods: number of periods ``K``; they share the bars equally.

    Returns:
        ``(N, 14 + 13 K)`` raw prices, shares and money in the order of `mschars_columns`. NaN for
        a stock without any trade; the six statistics of a period are NaN with fewer than three
        bars that trade.

    Raises:
        ValueError: the periods do not share the bars equally.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), data sets.
    """
    stocks, width = bars.close.shape
    if width % periods:
        msg = f"{width} bars a day do not fall into {periods} periods of the same length"
        raise ValueError(msg)
    path = price_path(bars)
    fields = _period_bars(bars, path, periods)
    returns = np.diff(np.log(path.prices), axis=1)
    statistics = realised(returns, bars.volume, path.traded, periods)
    day = _day_bar(bars, fields)
    by_period = fields.reshape(stocks, 7 * periods)
    out = np.concatenate([day, by_period, statistics.reshape(stocks, 6 + 6 * periods)], axis=1)
    out[np.isnan(path.open)] = np.nan
    return out


def _period_bars(bars: IntradayBars, path: PricePath, periods: int) -> Floats:
    stocks, width = bars.close.shape
    shape = (stocks, periods, width // periods)
    traded = path.traded.reshape(shape)
    some = traded.any(axis=2)
    close = path.close.reshape(shape)
    first = traded.argmax(axis=2)[..., None]
    out = np.empty((stocks, periods, 7))
    last = close[..., -1]
    opens = np.take_along_axis(bars.open.reshape(shape), first, axis=2)[..., 0]
    out[..., 0] = np.where(some, opens, last)
    highs = np.where(traded, bars.high.reshape(shape), -np.inf).max(axis=2)
    out[..., 1] = np.where(some, highs, last)
    lows = np.where(traded, bars.low.reshape(shape), np.inf).min(axis=2)
    out[..., 2] = np.where(some, lows, last)
    out[..., 3] = last
    out[..., 4] = bars.volume.reshape(shape).sum(axis=2)
    out[..., 5] = bars.amount.reshape(shape).sum(axis=2)
    out[..., 6] = close.mean(axis=2)
    price = bars.auction_price[path.auction]
    out[path.auction, 0, 0] = price
    out[path.auction, 0, 1] = np.maximum(out[path.auction, 0, 1], price)
    out[path.auction, 0, 2] = np.minimum(out[path.auction, 0, 2], price)
    return out


def _day_bar(bars: IntradayBars, fields: Floats) -> Floats:
    day = np.empty((len(fields), 8))
    day[:, 0] = fields[:, 0, 0]
    day[:, 1] = fields[..., 1].max(axis=1)
    day[:, 2] = fields[..., 2].min(axis=1)
    day[:, 3] = fields[:, -1, 3]
    day[:, 4] = np.nan_to_num(bars.auction_volume) + fields[..., 4].sum(axis=1)
    day[:, 5] = np.nan_to_num(bars.auction_amount) + fields[..., 5].sum(axis=1)
    day[:, 6] = fields[..., 6].mean(axis=1)
    day[:, 7] = bars.auction_volume
    return day
