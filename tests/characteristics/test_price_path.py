import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from alpha_lightning.characteristics.intraday import IntradayBars
from alpha_lightning.characteristics.price_path import price_path

MakeBars = Callable[..., IntradayBars]


def plain_path(bars: IntradayBars, stock: int) -> list[float]:
    """The path of one stock, bar by bar."""
    trades = [j for j, volume in enumerate(bars.volume[stock]) if volume > 0]
    if math.isfinite(bars.auction_price[stock]):
        last = float(bars.auction_price[stock])
    else:
        last = float(bars.open[stock, trades[0]]) if trades else math.nan
    path = [last]
    for j in range(bars.close.shape[1]):
        last = float(bars.close[stock, j]) if j in trades else last
        path.append(last)
    return path


@pytest.mark.parametrize("width", [1, 8, 48, 240])
def test_the_path_is_a_loop_over_bars(make_bars: MakeBars, width: int) -> None:
    bars = make_bars(width=width)
    path = price_path(bars)
    expected = [plain_path(bars, stock) for stock in range(12)]
    np.testing.assert_array_equal(path.prices, expected)
    np.testing.assert_array_equal(path.open, path.prices[:, 0])
    np.testing.assert_array_equal(path.close, path.prices[:, 1:])
    without = ~path.auction & ~(bars.volume > 0).any(axis=1)
    np.testing.assert_array_equal(np.isnan(path.prices).all(axis=1), without)
    np.testing.assert_array_equal(np.isnan(path.prices).any(axis=1), without)
    np.testing.assert_array_equal(path.auction, np.isfinite(bars.auction_price))


def test_a_day_that_trades_in_every_bar_is_its_closes(make_bars: MakeBars) -> None:
    bars = make_bars(width=48)
    whole = dataclasses.replace(
        bars, close=np.full((12, 48), 7.0), open=np.full((12, 48), 6.0), volume=np.ones((12, 48))
    )
    path = price_path(whole)
    assert (path.close == 7).all()
    np.testing.assert_array_equal(path.open, np.where(path.auction, bars.auction_price, 6.0))


def test_an_auction_without_shares_is_none(make_bars: MakeBars) -> None:
    bars = make_bars()
    indicative = dataclasses.replace(bars, auction_volume=np.zeros(12))
    without = dataclasses.replace(indicative, auction_price=np.full(12, np.nan))
    assert not price_path(indicative).auction.any()
    np.testing.assert_array_equal(price_path(indicative).prices, price_path(without).prices)


def test_the_input_is_left_alone(make_bars: MakeBars) -> None:
    bars, again = make_bars(), make_bars()
    price_path(bars)
    for field in dataclasses.fields(bars):
        np.testing.assert_array_equal(getattr(bars, field.name), getattr(again, field.name))
