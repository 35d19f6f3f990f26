import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alpha_lightning.backtest.holdings_profile import (
    UniverseRanks,
    holdings_profile,
    universe_ranks,
)
from alpha_lightning.backtest.ledger import Holdings
from alpha_lightning.backtest.market import Market
from alpha_lightning.panel.signal_dates import signal_rows
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.universe import universe
from tests.backtest.results_ledgers import small_ledger, small_market

NONE = np.nan
SIGNALS = np.array([0, 2])
EVERYBODY = np.ones((2, 3), dtype=np.bool_)


def panel_of(**fields: Any) -> Any:
    return SimpleNamespace(has=fields.__contains__, market=fields.__getitem__)


def ranks_of(size: Any, liquidity: Any) -> UniverseRanks:
    values = [None if x is None else np.array(x, dtype=np.float32) for x in (size, liquidity)]
    assert values[1] is not None
    return UniverseRanks(SIGNALS, EVERYBODY, values[0], values[1])


def test_percentiles_of_the_members_known_at_the_signal() -> None:
    cap = np.array([[3.0, 1, 2], [9, 9, 9], [5, NONE, 4], [1, 2, 3], [1, 2, 3], [1, 2, 3]])
    members = np.array([[True, False, True], [True, True, True]])
    found = universe_ranks(panel_of(total_cap=cap), small_market(), SIGNALS, members)
    assert found.size is not None
    np.testing.assert_allclose(found.size, [[0.75, NONE, 0.25], [0.75, NONE, 0.25]])


def test_liquidity_is_the_mean_amount_of_the_days_traded() -> None:
    amount = np.array([[1.0, 8, 3], [1, NONE, 3], [20, 0, 3], [0, 0, 99], [0, 0, 99], [0, 0, 99]])
    traded = np.ones((6, 3), dtype=np.bool_)
    traded[2, 1] = False
    market = small_market(amount=amount, traded=traded)
    found = universe_ranks(panel_of(float_cap=amount), market, SIGNALS, EVERYBODY)
    # Signal 0: 1, 8, 3. Signal 2: 22/3, 8 on the one day with an amount, 3.
    np.testing.assert_allclose(6 * found.liquidity, [[1, 5, 3], [3, 5, 1]], rtol=1e-6)
    assert found.size is not None
    np.testing.assert_allclose(6 * found.size[0], [1, 5, 3], rtol=1e-6)


def test_liquidity_looks_back_twenty_days() -> None:
    dates = np.arange("2021-01-01", "2021-02-10", dtype="datetime64[D]")
    amount = np.ones((40, 3))
    amount[9, 0], amount[10, 1], amount[30, 2] = 1e6, 50.0, 1e6
    market = small_market(dates, amount=amount)
    found = universe_ranks(panel_of(), market, np.array([29]), EVERYBODY[:1])
    np.testing.assert_allclose(6 * found.liquidity, [[1, 5, 3]], rtol=1e-6)
    assert found.size is None


def test_close_times_volume_where_no_amount_is_known() -> None:
    volume = np.ones((6, 3)) * [2, 3, 1]
    found = universe_ranks(panel_of(), small_market(volume=volume), SIGNALS, EVERYBODY)
    np.testing.assert_allclose(6 * found.liquidity[0], [3, 5, 1], rtol=1e-6)


def test_a_profile_is_weighted_by_value_on_trade_days() -> None:
    # Traded on rows 1 and 3 (signals 0 and 2); row 2 counts for nothing.
    row, column = np.array([1, 1, 2, 3, 3]), np.array([0, 1, 2, 0, 2])
    shares, price = np.array([3.0, 1, 99, 1, 1]), np.array([10.0, 10, 10, 10, 30])
    ledger = small_ledger(holdings=Holdings(row, column, shares, price))
    ranks = ranks_of([[0.2, 0.6, 0.9], [0.4, 0.1, 0.8]], [[0.5, NONE, 0.5], [NONE] * 3])
    scores = np.array([[1.0, NONE, NONE], [1.0, 2.0, NONE]])
    found = holdings_profile(ledger, ranks, scores)
    assert found.size == pytest.approx(((3 * 0.2 + 0.6) / 4 + (0.4 + 3 * 0.8) / 4) / 2)
    assert found.liquidity == pytest.approx(0.5)
    assert found.coverage == pytest.approx((1 / 3 + 2 / 3) / 2)


def test_a_trade_on_a_signal_date_is_of_the_signal_before() -> None:
    ranks = UniverseRanks(
        np.array([0, 1, 2, 3]),
        np.ones((4, 3), dtype=np.bool_),
        None,
        np.repeat(np.array([[0.1], [0.9], [0.3], [0.9]], dtype=np.float32), 3, axis=1),
    )
    assert holdings_profile(small_ledger(), ranks).liquidity == pytest.approx(0.2)


def test_scores_outside_the_universe_cover_nothing() -> None:
    half = np.array([[True, True, False], [False, True, True]])
    ranks = UniverseRanks(SIGNALS, half, None, np.full((2, 3), 0.5, dtype=np.float32))
    scores = np.array([[1.0, NONE, 3.0], [1.0, 2.0, 3.0]])
    assert holdings_profile(small_ledger(), ranks, scores).coverage == pytest.approx(0.75)


def test_what_is_unknown_is_no_number() -> None:
    unknown = ranks_of(None, [[NONE] * 3] * 2)
    found = holdings_profile(small_ledger(), unknown)
    assert all(math.isnan(x) for x in (found.size, found.liquidity, found.coverage))
    nobody = UniverseRanks(SIGNALS, ~EVERYBODY, None, unknown.liquidity)
    assert math.isnan(holdings_profile(small_ledger(), nobody, np.ones((2, 3))).coverage)


def test_the_whole_universe_stands_in_its_middle(
    panel_path: Path, market: Callable[..., Any]
) -> None:
    panel = Panel.open(panel_path)
    rows = signal_rows(panel.dates)[20:24]
    members = universe(panel)[rows]
    found = universe_ranks(panel, Market.of_panel(panel, 0, 200), rows, members)
    for ranks in (found.size, found.liquidity):
        assert ranks is not None
        assert np.isnan(ranks[~members]).all()
        np.testing.assert_allclose(np.nanmean(ranks, axis=1), 0.5, rtol=1e-6)
    days = slice(rows[0] - 19, rows[0] + 1)
    amount = np.where(panel.traded, panel.market("amount"), NONE)[days, members[0]]
    own = found.liquidity[0][members[0]]
    assert (np.argsort(own) == np.argsort(np.nanmean(amount, axis=0))).all()
