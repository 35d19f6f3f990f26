import numpy as np

from alpha_lightning.backtest.price_limits import LimitColumns


def test_the_exchange_s_own_prices() -> None:
    highest = np.array([[11.0, 22.0, np.nan], [12.1, np.nan, 3.3]])
    lowest = highest * 0.8
    limits = LimitColumns(highest, lowest)
    columns = np.array([2, 0])
    np.testing.assert_array_equal(limits.up(1, columns), [3.3, 12.1])
    np.testing.assert_array_equal(limits.down(0, columns), [np.nan, 8.8])
