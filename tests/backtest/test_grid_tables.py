"""Tables of a grid."""

import pytest

from alpha_lightning.backtest.grid_points import grid_points
from alpha_lightning.backtest.grid_settings import GridSettings
from alpha_lightning.backtest.grid_tables import figures, shared_warnings, summary_table
from alpha_lightning.backtest.holdings_profile import Profile
from alpha_lightning.backtest.results import measure
from tests.backtest.results_ledgers import small_benchmark, small_ledger, small_market


def test_a_row_of_the_summary_is_in_per_cent() -> None:
    profile = Profile(size=0.25, liquidity=0.75, coverage=0.9)
    results = measure(small_ledger(), small_market(), small_benchmark(), profile=profile)
    points = grid_points(GridSettings(names=[3], delta=[0.2]), ["a"])
    row = summary_table(points, {points[0].key: results}).iloc[0]
    assert (row["score"], row["names"], row["delta"]) == ("a", 3, 0.2)
    assert row["avgto"] == pytest.approx(0.2)
    assert row["absolute_annual_pct"] == pytest.approx(100 * results.absolute.annual_return)
    assert row["absolute_max_drawdown_pct"] == pytest.approx(-10)
    assert row["relative_max_drawdown_pct"] == pytest.approx(-5)
    assert row["relative_volatility_pct"] == pytest.approx(100 * results.relative.volatility)
    cost = 100 * 243 * (1 / 100 + 0.5 / 108.9) / 4
    assert row["cost_pct_a_year"] == pytest.approx(cost)
    gross = 100 * results.gross_relative_annual_return
    assert row["gross_relative_annual_pct"] == pytest.approx(gross)
    assert (row["size_percentile"], row["liquidity_percentile"]) == (25, 75)
    assert row["coverage_pct"] == pytest.approx(90)
    # Limit up and no slot; suspended. The delisting is neither.
    assert (row["blocked_buys"], row["blocked_sells"]) == (2, 1)
    assert (row["short"], row["held_signals"], row["mean_names"]) == (3, 1, 1.25)


def test_the_first_two_sizes_of_the_first_score_are_the_papers_figures() -> None:
    made = figures([300, 50, 20], ["gru", "RCTv1"])
    assert [one["table"] for one in made] == [
        *("fig16_top300", "fig17_top50", "top20"),
        *("top300_RCTv1", "top50_RCTv1", "top20_RCTv1"),
    ]
    assert made[4] == {
        "table": "top50_RCTv1",
        "title": "TOP-50 of RCTv1 after cost, by turnover limit",
        "names": 50,
        "score": "RCTv1",
    }


def test_a_sentence_is_said_once() -> None:
    told = {"TOP-1": ["b", "a", "a"], "TOP-2": ["a", "c"], "TOP-3": ["c", "a"]}
    assert shared_warnings(told) == ["a", "TOP-1: b", "TOP-2, TOP-3: c"]
    assert shared_warnings({"TOP-1": ["a"]}) == ["a"]
    assert shared_warnings({}) == []
