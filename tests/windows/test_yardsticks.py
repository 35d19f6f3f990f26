import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel.store import Panel
from alpha_lightning.windows.yardsticks import YARDSTICKS, Yardsticks

WINDOW = 30


def plain(panel: Panel, date: int, asset: int) -> list[float]:
    """The yardsticks of one stock, day after day."""
    close, volume, factor, amount = (
        panel.market(field)[:, asset] for field in ("close", "volume", "adj_factor", "amount")
    )
    shares, money = [], []
    for t in range(date - WINDOW + 1, date + 1):
        if math.isnan(volume[t]):
            continue
        shares.append(volume[t] / factor[t])
        stand_in = close[t] * volume[t] if volume[t] > 0 else 0.0
        money.append(stand_in if math.isnan(amount[t]) else amount[t])
    means = [sum(values) / len(values) if values else math.nan for values in (shares, money)]
    return [close[date] * factor[date], volume[date], *means, 1.0]


def test_against_a_loop(small_path: Path) -> None:
    panel = Panel.open(small_path)
    yardsticks = Yardsticks(panel, WINDOW)
    for date in (29, 41, 50, 74):
        assets = np.flatnonzero(panel.traded[date])
        values = yardsticks.at(date, assets).numpy()
        assert values.dtype == np.float32
        assert values.shape == (len(assets), len(YARDSTICKS) + 1)
        for row, asset in zip(values, assets, strict=True):
            assert row.tolist() == pytest.approx(plain(panel, date, int(asset)), rel=1e-6)


def test_who_does_not_trade_has_no_close_and_a_volume_of_one(small_path: Path) -> None:
    panel = Panel.open(small_path)
    idle = np.flatnonzero(panel.listed[45] & ~panel.traded[45])
    values = Yardsticks(panel, WINDOW).at(45, idle).numpy()
    assert len(idle)
    assert np.isnan(values[:, 0]).all()
    np.testing.assert_array_equal(values[:, 1], 1)


def test_a_split_does_not_move_the_mean_volume(ingest_bars: Callable[..., Path]) -> None:
    days = [np.datetime64("2024-01-01") + k for k in range(60)]
    days = [day for day in days if np.is_busday(day)][:40]
    rows = []
    for t, day in enumerate(days):
        for symbol in ("A", "B", "C"):
            split = 4.0 if symbol == "A" and t >= 20 else 1.0
            bar = dict.fromkeys(("open", "high", "low", "close"), 8.0 / split)
            about = {"date": day.item(), "symbol": symbol, "volume": 100 * split}
            rows.append(about | bar | {"adj_factor": split})
    panel = Panel.open(ingest_bars(pl.DataFrame(rows)))
    values = Yardsticks(panel, WINDOW).at(35, np.arange(3)).numpy()
    np.testing.assert_array_equal(values[:, 2], 100)
    np.testing.assert_array_equal(values[:, 0], 8)
    np.testing.assert_array_equal(values[:, 3], 800)


def test_nothing_after_the_date_moves_them(small_path: Path, changed_path: Path) -> None:
    before, after = (Yardsticks(Panel.open(p), WINDOW) for p in (small_path, changed_path))
    assets = np.arange(20)
    for date in range(29, 60):
        np.testing.assert_array_equal(before.at(date, assets), after.at(date, assets))
    assert not np.array_equal(before.at(60, assets), after.at(60, assets), equal_nan=True)
