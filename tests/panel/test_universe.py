from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.universe import traded_days, universe


def test_all_is_everything_listed_and_trading(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    members = universe(panel)
    np.testing.assert_array_equal(members, panel.listed & panel.traded)
    assert members.sum() < panel.listed.sum()  # somebody is suspended


def test_an_index_is_its_members_suspended_or_not(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    for index in panel.indices:
        members = universe(panel, index)
        np.testing.assert_array_equal(members, panel.members(index) & panel.listed)
        assert members.any(axis=1).all()
    assert (universe(panel, "000985") & ~panel.traded).any()


def test_members_count_from_their_listing_on(
    tmp_path: Path, ingested: Callable[..., Any], bars: Callable[..., Any]
) -> None:
    rows = {"date": [date(2024, 1, 2)] * 2, "index": ["300"] * 2, "symbol": ["A", "B"]}
    pl.DataFrame(rows).write_parquet(tmp_path / "m.parquet")
    frame = bars(days=4).filter((pl.col("symbol") == "A") | (pl.col("date") > date(2024, 1, 3)))
    panel = Panel.open(ingested(frame, "--tables.index_members", str(tmp_path / "m.parquet"))[2])
    assert panel.members("300")[:, 1].all()
    assert universe(panel, "300")[:, 1].tolist() == [False, False, True, True]


def test_an_unknown_universe_is_refused_with_the_known_ones(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    with pytest.raises(
        PanelError, match=r"no universe 'sp500'; it has all, 000300, 000905, 000985"
    ):
        universe(panel, "sp500")


@pytest.mark.parametrize("window", [1, 30, 2000])
def test_traded_days_count_the_window_up_to_the_date(panel_path: Path, window: int) -> None:
    panel = Panel.open(panel_path)
    counted = traded_days(panel, window)
    for t in (0, 1, 28, 29, 30, 31, 500, len(panel.dates) - 1):
        expected = panel.traded[max(t - window + 1, 0) : t + 1].sum(axis=0)
        np.testing.assert_array_equal(counted[t], expected)
