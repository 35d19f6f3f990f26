from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from alpha_lightning.evaluation.execution import execution_prices


def test_trades_at_the_adjusted_vwap_and_marks_at_the_last_close(
    market: Callable[..., Any], tmp_path: Path
) -> None:
    given = market(40, 25, seed=3, suspended=0.2)
    panel = given.write(tmp_path)
    prices = execution_prices(panel, 0, 39)
    assert (prices.execution, prices.warnings) == ("vwap", ())
    assert prices.missing_vwap == 0
    for stock in range(25):
        last, scale = np.nan, np.nan
        for date in range(40):
            traded = np.isfinite(given.close[date, stock])
            if traded:
                scale = given.factor[date, stock] if np.isnan(scale) else scale
                last = given.close[date, stock] * given.factor[date, stock] / scale
            expected = given.vwap[date, stock] * given.factor[date, stock] / scale
            np.testing.assert_allclose(prices.mark[date, stock], last, rtol=1e-12)
            np.testing.assert_allclose(
                prices.trade[date, stock], expected if traded else last, rtol=1e-12
            )


def test_a_single_missing_vwap_falls_back_to_the_close_of_the_day(
    market: Callable[..., Any], tmp_path: Path
) -> None:
    given = market(30, 25, seed=4)
    vwap = given.vwap.copy()
    vwap[10, 5] = np.nan
    prices = execution_prices(replace(given, vwap=vwap).write(tmp_path), 0, 29)
    assert prices.execution == "vwap"
    assert 0 < prices.missing_vwap < 0.05
    assert prices.trade[10, 5] == prices.mark[10, 5]
    assert prices.trade[10, 6] != prices.mark[10, 6]


def test_many_missing_vwaps_move_every_trade_to_the_close(
    market: Callable[..., Any], tmp_path: Path
) -> None:
    given = market(30, 25, seed=5)
    vwap = given.vwap.copy()
    vwap[20:23] = np.nan
    panel = replace(given, vwap=vwap).write(tmp_path)
    prices = execution_prices(panel, 0, 29)
    assert prices.execution == "close"
    assert np.array_equal(prices.trade, prices.mark, equal_nan=True)
    assert "10%" in prices.warnings[0]
    before = execution_prices(panel, 0, 19)
    assert before.execution == "vwap"


def test_a_panel_without_vwap_trades_at_the_close(
    market: Callable[..., Any], tmp_path: Path
) -> None:
    given = market(30, 25, seed=6)
    panel = replace(given, vwap=np.full_like(given.vwap, np.nan)).write(tmp_path)
    assert not panel.has("vwap")
    prices = execution_prices(panel, 0, 29)
    assert (prices.execution, prices.missing_vwap) == ("close", 1.0)
    assert prices.warnings[0].startswith("Groups trade at the next day's close")
