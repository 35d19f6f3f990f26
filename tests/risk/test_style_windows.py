from pathlib import Path

import numpy as np

from alpha_lightning.risk.market_series import market_day
from alpha_lightning.risk.stock_days import StockDays
from alpha_lightning.risk.style_windows import StyleWindows
from tests.risk.styles_market import style_market


def test_windows_end_with_the_row_and_have_their_lengths(tmp_path: Path) -> None:
    days = StockDays(style_market(rows=520).write(tmp_path))
    windows, row = StyleWindows(days), 515
    assert windows.price.upto(row).shape == (24, 486)
    series = {
        "returns": days.simple_return,
        "high": lambda r: days.price(r, "high"),
        "low": lambda r: days.price(r, "low"),
        "turnover": days.log_turnover,
    }
    for name, day in series.items():
        window = getattr(windows, name).upto(row)
        assert window.shape == (24, 243)
        np.testing.assert_array_equal(window[:, -1], day(row))
        np.testing.assert_array_equal(window[:, 0], day(row - 242))
    np.testing.assert_array_equal(windows.market.upto(row)[:, -1], market_day(days, row))
    np.testing.assert_array_equal(windows.price.upto(row)[:, 0], days.price(row - 485))
