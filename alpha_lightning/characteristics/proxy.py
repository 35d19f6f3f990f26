"""A stand-in for ``l2chars`` when there are minute bars but no trades."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.characteristics.intraday import Floats, IntradayBars
from alpha_lightning.characteristics.price_path import PricePath, price_path
from alpha_lightning.characteristics.trailing_amounts import LargeBars


def l2chars_proxy(bars: IntradayBars, large: LargeBars, periods: int) -> NDArray[np.float64]:
    """The features of trades, with each bar taken for one trade.

    * A bar that ends above the price before it is a buy, below it a sell, at it half of each.
      Prices follow `price_path`; the first bar is held against the day's opening price.
    * A bar is large when its amount is above the stock's own recent percentile, so a day may have
      more or fewer large bars than 1 % or 5 %, and the largest 1 % are among the largest 5 %.
    * twap is the mean close of all bars; vwap is money over shares of all bars and the auction;
      bwap and swap are those of buys and of sells.
    * aret is 100 (product of close / previous close - 1), over all bars or the large ones only.
    * bopct is the share of buys in the number of large bars, 0 to 100.

    Args:
        bars: of ``N`` stocks.
        large: thresholds of the ``N`` stocks on this day.
        periods: number of periods ``K``; they share the bars equally.

    Returns:
        ``(N, 23 + 9 K)`` raw prices and money, returns in per cent, in the order of
        `l2chars_columns`. NaN for a stock without any trade; a price is NaN when nothing was
        bought or sold, bopct when no bar was large, all features of large bars when the
        threshold is not known, and an auction's amount when it is not told apart.

    Raises:
        ValueError: the periods do not share the bars equally.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), data sets.
    """
    width = bars.close.shape[1]
    if width % periods:
        msg = f"{width} bars a day do not fall into {periods} periods of the same length"
        raise ValueError(msg)
    path = price_path(bars)
    every = _flows(bars, path, np.full(len(bars.close), -np.inf), periods)
    p1, p5 = (_flows(bars, path, bound, periods) for bound in (large.p1, large.p5))
    sizes = (every, p1, p5)
    by_period = [x for size in sizes for x in (*size.money, 100 * (size.growth - 1))]
    columns = [
        path.close.mean(axis=1),
        _vwap(bars),
        *every.prices,
        *(size.prices[side] for side in (0, 1) for size in (p5, p1)),
        bars.auction_amount,
        *(money.sum(axis=1) for size in sizes for money in size.money),
        *(100 * (size.growth.prod(axis=1) - 1) for size in sizes),
        *np.stack(by_period, axis=-1).reshape(len(bars.close), 9 * periods).T,
        bars.closing_amount,
        *(_buy_share(size.number.sum(axis=2)) for size in (p1, p5)),
        *(_buy_share(size.number[..., 0]) for size in (p1, p5)),
    ]
    out = np.stack(columns, axis=1)
    out[np.isnan(path.open)] = np.nan
    return out


@dataclass(frozen=True)
class _Flows:
    """Buys and sells of the bars above a bound.

    Args:
        money: ``(2, N, K)`` bought and sold in each period.
        number: ``(2, N, K)`` bars.
        prices: ``(2, N)`` money over shares, of the day.
        growth: ``(N, K)`` product of close / previous close.
    """

    money: Floats
    number: Floats
    prices: Floats
    growth: Floats


def _flows(bars: IntradayBars, path: PricePath, bound: Floats, periods: int) -> _Flows:
    stocks, width = bars.close.shape
    shape = (stocks, periods, width // periods)
    growth = path.close / path.prices[:, :-1]
    counted = path.traded & (bars.amount > bound[:, None])
    buys = np.where(counted, 0.5 + 0.5 * np.sign(growth - 1), 0.0)
    sides = np.stack([buys, counted - buys])
    money = (sides * bars.amount).reshape(2, *shape).sum(axis=3)
    number = sides.reshape(2, *shape).sum(axis=3)
    shares = (sides * bars.volume).sum(axis=2)
    some = shares > 0
    prices = np.where(some, money.sum(axis=2) / np.where(some, shares, 1.0), np.nan)
    counted_growth = np.where(counted, growth, 1.0).reshape(shape).prod(axis=2)
    unknown = np.isnan(bound)
    money[:, unknown] = number[:, unknown] = counted_growth[unknown] = np.nan
    return _Flows(money, number, prices, counted_growth)


def _vwap(bars: IntradayBars) -> Floats:
    money = bars.amount.sum(axis=1) + np.nan_to_num(bars.auction_amount)
    shares = bars.volume.sum(axis=1) + np.nan_to_num(bars.auction_volume)
    return np.where(shares > 0, money / np.where(shares > 0, shares, 1.0), np.nan)


def _buy_share(number: Floats) -> Floats:
    total = number.sum(axis=0)
    return np.where(total > 0, 100 * number[0] / np.where(total > 0, total, 1.0), np.nan)
