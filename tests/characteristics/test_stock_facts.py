from collections.abc import Callable

import numpy as np

from alpha_lightning.characteristics.intraday import CLOSING, CONTINUOUS, IntradayBars, Prints
from alpha_lightning.characteristics.stock_facts import (
    StockFacts,
    range_of_bars,
    range_of_prints,
)


def test_columns_are_in_the_order_of_the_names() -> None:
    names = StockFacts.names()
    counts = [np.array([float(k), 20.0 + k]) for k in range(len(names))]
    matrix = StockFacts(*counts).matrix()
    assert matrix.shape == (2, 11)
    for k, name in enumerate(names):
        np.testing.assert_array_equal(matrix[:, k], counts[k])
        np.testing.assert_array_equal(matrix[:, k], getattr(StockFacts(*counts), name))


def test_a_day_of_bars_has_the_range_that_a_loop_finds(
    make_bars: Callable[..., IntradayBars],
) -> None:
    bars = make_bars(width=48)
    found = range_of_bars(bars)
    for i in range(len(bars.volume)):
        there = np.flatnonzero(bars.volume[i])
        auction = bars.auction_volume[i] > 0
        own = [bars.auction_price[i]] if auction else []
        high, low = ([*own, *side[i, there]] for side in (bars.high, bars.low))
        assert np.array_equal(found["day_high"][i], max(high, default=np.nan), equal_nan=True)
        assert np.array_equal(found["day_low"][i], min(low, default=np.nan), equal_nan=True)
        last = [*own, *bars.close[i, there], np.nan][-2 if len(own) + len(there) else -1]
        assert np.array_equal(found["day_close"][i], last, equal_nan=True)
        money = bars.amount[i, there].sum() + (bars.auction_amount[i] if auction else 0)
        assert np.isclose(found["day_amount"][i], money)


def test_a_day_of_prints() -> None:
    stock = np.array([0, 0, 0, 2])
    price, volume = np.array([10.0, 12.0, 11.0, 5.0]), np.array([100.0, 100.0, 200.0, 10.0])
    phase = np.array([CONTINUOUS, CONTINUOUS, CLOSING, CONTINUOUS])
    prints = Prints(stock, np.arange(4.0), price, volume, np.ones(4), phase)
    found = range_of_prints(prints, 3)
    np.testing.assert_array_equal(found["day_close"], [11, np.nan, 5])
    np.testing.assert_array_equal(found["day_high"], [12, np.nan, 5])
    np.testing.assert_array_equal(found["day_low"], [10, np.nan, 5])
    np.testing.assert_array_equal(found["day_amount"], [4400, 0, 50])
