"""A market opened on a panel: what is taken from where, and what it costs in memory."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.board_limits import BoardLimits
from alpha_lightning.backtest.corporate_events import CorporateEvents
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.price_limits import LimitColumns
from alpha_lightning.panel.store import Panel


def test_limits_are_the_columns_where_there_are_any(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    market = Market.of_panel(panel, 0, len(panel.dates) - 1)
    assert isinstance(market.limits, LimitColumns)
    assert market.warnings == ()
    columns = np.array([5, 2])
    assert_array_equal(market.limits.up(50, columns), panel.market("limit_up")[50, columns])
    assert_array_equal(market.limits.down(50, columns), panel.market("limit_down")[50, columns])
    assert_array_equal(market.history("limit_up", 50, 1), panel.market("limit_up")[50:51])


def test_the_board_s_rule_finds_the_columns_of_the_simulated_market(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    published = panel.market("limit_up")
    # The simulated growth board moves by 20 % throughout, as STAR does.
    reference = panel.market("close")[:-1] * panel.market("adj_factor")[:-1]
    move = published[1:] * panel.market("adj_factor")[1:] / reference
    growth = np.nanmedian(move, axis=0) > 1.15
    assert 0 < growth.sum() < len(growth)
    codes = np.where(growth, "688", "600")
    panel.symbols = np.array([f"{code}{k:03d}.SH" for k, code in enumerate(codes)])
    market = Market.of_panel(panel, 0, len(panel.dates) - 1, limits="board")
    assert isinstance(market.limits, BoardLimits)
    assert market.warnings == ("Price limits are those of the boards' rules.",)
    every, total = np.arange(len(panel.symbols)), 0
    for row in range(400, 900):
        both = panel.traded[row] & np.isfinite(published[row])
        both &= np.isfinite(market.limits.up(row, every))
        np.testing.assert_allclose(market.limits.up(row, every)[both], published[row][both])
        lowest = panel.market("limit_down")[row][both]
        np.testing.assert_allclose(market.limits.down(row, every)[both], lowest)
        total += int(both.sum())
    assert total > 0.9 * panel.traded[400:].sum()


def test_no_array_of_the_panel_is_copied(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    market = Market.of_panel(panel, 0, len(panel.dates) - 1)
    for name, values in {**market.prices, "volume": market.volume}.items():
        assert type(values) is np.ndarray
        assert not values.flags.owndata, name
        assert not values.flags.writeable, name
    assert not market.traded.flags.owndata


def test_gaps_of_the_vwap_move_its_trades_to_the_close(
    market: Callable[..., Any], tmp_path: Path
) -> None:
    given = market(30, 25, seed=5)
    vwap = given.vwap.copy()
    vwap[20:23] = np.nan
    panel = replace(given, vwap=vwap).write(tmp_path)
    columns = np.flatnonzero(panel.traded[10])[:4]
    found = Market.of_panel(panel, 0, 29)
    assert_array_equal(found.trade_price(10, columns, "vwap"), panel.market("close")[10, columns])
    assert found.warnings[0] == (
        "What is to be traded at the VWAP is traded at the close: 10% of the traded stock-days of"
        " the run have no VWAP."
    )
    before = Market.of_panel(panel, 0, 19)
    assert_array_equal(before.trade_price(10, columns, "vwap"), panel.market("vwap")[10, columns])
    assert len(before.warnings) == 1


def test_a_market_without_boards_has_no_limits_and_says_so(
    market: Callable[..., Any], tmp_path: Path
) -> None:
    panel = market(12, 25).write(tmp_path)
    for source in ("auto", "board"):
        found = Market.of_panel(panel, 0, 11, limits=source)
        assert found.limits is None
        assert found.warnings == (
            "No stock has a price limit: neither a column nor a board's rule tells one.",
        )
    with pytest.raises(
        UserError, match=r"execution\.limits is columns, and the panel .* choose auto"
    ):
        Market.of_panel(panel, 0, 11, limits="columns")


def test_unknown_special_treatment_is_said(market: Callable[..., Any], tmp_path: Path) -> None:
    panel = market(12, 2).write(tmp_path)
    panel.symbols = np.array(["600000.SH", "600001.SH"])
    found = Market.of_panel(panel, 0, 11)
    assert isinstance(found.limits, BoardLimits)
    assert "special treatment is not known" in found.warnings[0]


def test_the_table_of_events_is_kept_with_its_warnings(
    market: Callable[..., Any], tmp_path: Path
) -> None:
    panel = market(12, 5).write(tmp_path)
    none, nothing = np.array([], dtype=np.intp), np.array([], dtype=np.float64)
    events = CorporateEvents(none, none, nothing, nothing, 0, 11, ("left out",))
    found = Market.of_panel(panel, 0, 11, events=events)
    assert found.events is events
    assert found.warnings[-1] == "left out"


def test_the_twap_of_mschars_is_adjusted(market: Callable[..., Any], tmp_path: Path) -> None:
    panel = market(12, 5, suspended=0.0).write(tmp_path)
    values = np.asarray(panel.adjusted("close") * 1.01, dtype=np.float32)[:, :, None]
    np.save(panel.path / "datasets" / "mschars.npy", values)
    meta = json.loads((panel.path / "panel.json").read_text(encoding="utf-8"))
    about = {"features": [{"name": "twap", "kind": "price"}], "fingerprint": "f"}
    meta["datasets"]["mschars"] = about
    (panel.path / "panel.json").write_text(json.dumps(meta), encoding="utf-8")
    panel = Panel.open(panel.path)
    columns = np.flatnonzero(panel.traded[10])
    price = Market.of_panel(panel, 0, 11).trade_price(10, columns, "twap")
    np.testing.assert_allclose(price, 1.01 * panel.market("close")[10, columns], rtol=1e-6)


@pytest.mark.parametrize(
    ("first", "last", "covered"),
    [
        (0, 400, None),
        (161, 300, None),
        (160, 360, None),
        (162, 300, "{162} to {300}"),
        (100, 238, "{100} to {238}"),
        (301, 899, "no date of the run"),
    ],
)
def test_a_table_of_events_that_ends_within_the_run(
    panel_path: Path, first: int, last: int, covered: str | None
) -> None:
    panel = Panel.open(panel_path)
    none, nothing = np.empty(0, dtype=np.intp), np.empty(0)
    events = CorporateEvents(none, none, nothing, nothing, first, last)
    found = Market.of_panel(panel, 100, 300, events=events).warnings
    if covered is None:
        assert found == ()
    else:
        for row in (first, last):
            covered = covered.replace(f"{{{row}}}", str(panel.dates[row]))
        assert found == (
            f"The table of corporate actions covers {covered}; on other days the change of the"
            " adjustment factor is booked.",
        )
