from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from alpha_lightning.backtest import board_limits
from alpha_lightning.backtest.board_limits import BoardLimits

ALL = np.arange


def board(
    symbols: list[str], closes: list[list[float]], since: str = "2021-03-01", **given: Any
) -> BoardLimits:
    close = np.array(closes, dtype=np.float64)
    dates = np.datetime64(since) + np.arange(len(close))
    traded = np.isfinite(close)
    about = {
        "factor": np.ones_like(close),
        "traded": traded,
        "listed": np.logical_or.accumulate(traded, axis=0),
    }
    return BoardLimits(dates, np.array(symbols), close, **(about | given))


def shares(symbols: list[str], since: str = "2021-03-01", **given: Any) -> list[float]:
    closes = [[10.0] * len(symbols)] * 2
    limits = board(symbols, closes, since, **given)
    found = limits.up(1, ALL(len(symbols))) / 10 - 1
    np.testing.assert_allclose(1 - limits.down(1, ALL(len(symbols))) / 10, found, atol=1e-12)
    return [round(float(share), 6) for share in found]


def test_every_board_has_its_share() -> None:
    symbols = ["600519.SH", "000001.SZ", "688001.SH", "689009.SH", "300750.SZ", "301001.SZ"]
    assert shares(symbols) == [0.1, 0.1, 0.2, 0.2, 0.2, 0.2]
    assert shares(["302132.SZ", "430047.BJ", "832000.BJ", "920001.BJ", "002594.SZ"]) == [
        *(0.2, 0.3, 0.3, 0.3, 0.1)
    ]


def test_chinext_before_its_reform() -> None:
    assert shares(["300750.SZ", "688001.SH"], since="2020-08-20") == [0.1, 0.2]
    # The second row is the day of the reform.
    assert shares(["300750.SZ", "688001.SH"], since="2020-08-23") == [0.2, 0.2]


@pytest.mark.parametrize(
    "symbol", ["600519", "SH600519", "sh600519", "600519.XSHG", "600519.SS", "600519.sh"]
)
def test_spellings_of_a_symbol(symbol: str) -> None:
    assert shares([symbol]) == [0.1]


@pytest.mark.parametrize("symbol", ["AAPL", "S000", "60051", "6005190", "005930.KS", "US600519"])
def test_other_symbols_have_no_limit(symbol: str) -> None:
    limits = board([symbol], [[10.0], [10.0]])
    assert limits.known == 0
    assert np.isnan([limits.up(1, ALL(1)), limits.down(1, ALL(1))]).all()


def test_special_treatment_narrows_the_boards_of_ten_per_cent_on_the_day() -> None:
    symbols = ["600519.SH", "688001.SH", "300750.SZ", "430047.BJ"]
    special = np.array([[False] * 4, [True] * 4])
    assert shares(symbols, special=special) == [0.05, 0.2, 0.2, 0.3]
    assert shares(symbols, special=special[::-1]) == [0.1, 0.2, 0.2, 0.3]
    assert shares(symbols[2:3], since="2020-08-20", special=special[:, :1]) == [0.05]


def test_limits_are_whole_cents_and_halves_go_up() -> None:
    # 12.35 x 1.1 = 13.585 and x 0.9 = 11.115; 0.04 may move by a cent.
    limits = board(["600000.SH", "600001.SH"], [[12.35, 0.04], [12.0, 0.04]])
    assert_array_equal(limits.up(1, ALL(2)), [13.59, 0.05])
    assert_array_equal(limits.down(1, ALL(2)), [11.12, 0.03])
    # 0.45 x 0.7 is 0.315, whose product in cents falls short of a half by its rounding.
    assert_array_equal(board(["430047.BJ"], [[0.45], [0.4]]).down(1, ALL(1)), [0.32])
    cent = board(["600000.SH"], [[0.01], [0.01]])
    assert_array_equal([cent.up(1, ALL(1)), cent.down(1, ALL(1))], [[0.02], [0.01]])


def test_the_reference_is_adjusted_for_the_day_s_corporate_action() -> None:
    factor = np.array([[1.0], [1.3]])
    limits = board(["600000.SH"], [[13.0], [10.2]], factor=factor)
    assert_array_equal(limits.up(1, ALL(1)), [11.0])
    # 10 / 1.3 = 7.6923, in cents 7.69: the limit is of what the exchange prints.
    limits = board(["600000.SH"], [[10.0], [8.0]], factor=factor)
    assert_array_equal(limits.up(1, ALL(1)), [8.46])


@pytest.mark.parametrize("block", [1, 2, 64])
def test_after_a_suspension_the_last_close_counts(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_limits, "_LOOK_BACK", block)
    gone = np.nan
    closes = [[10.0, 20.0, gone], [11.0, gone, gone], [gone, gone, gone], [gone, 20.0, 5.0]]
    factor = np.array([[1.0, 1, 1], [1, 1, 1], [1, 2, 1], [1.1, 2, 1]])
    limits = board(["600000.SH", "600001.SH", "600002.SH"], closes, factor=factor)
    assert_array_equal(limits.up(3, np.array([2, 0, 1])), [gone, 11.0, 11.0])
    # No close before the first row, nor one of the day itself.
    assert np.isnan(limits.up(0, ALL(3))).all()


def listing(symbol: str, since: str, days: int = 8) -> list[bool]:
    """Whether a stock that lists on the second row has a limit, from its third row on."""
    closes = [[np.nan]] + [[10.0]] * days
    limits = board([symbol], closes, since)
    return [bool(np.isfinite(limits.up(row, ALL(1))[0])) for row in range(2, days + 1)]


def test_a_new_listing_has_no_limit_on_its_first_days() -> None:
    assert listing("688001.SH", "2020-01-01") == [False] * 4 + [True] * 3
    assert listing("300999.SZ", "2020-08-24") == [False] * 4 + [True] * 3
    assert listing("300999.SZ", "2020-08-20") == [True] * 7
    assert listing("600999.SH", "2023-04-10") == [False] * 4 + [True] * 3
    assert listing("600999.SH", "2023-04-08") == [True] * 7
    assert listing("920001.BJ", "2023-05-01") == [True] * 7


def test_a_stock_of_the_first_row_is_an_old_one() -> None:
    limits = board(["688001.SH"], [[10.0]] * 3)
    assert_array_equal(limits.up(1, ALL(1)), [12.0])


def test_nothing_of_the_day_or_later_is_used() -> None:
    closes = np.round(10 + np.random.default_rng(0).random((12, 3)), 2)
    limits = board(["600000.SH", "688001.SH", "300001.SZ"], closes.tolist())
    before = limits.up(6, ALL(3))
    closes[6:] = 50
    other = replace(limits, close=closes)
    assert_array_equal(other.up(6, ALL(3)), before)
    assert_array_equal(limits.up(6, ALL(3)[::-1]), before[::-1])
