"""Cost, capacity and delay curves as tables."""

import pytest

from alpha_lightning.backtest.curves import curve_tables
from alpha_lightning.backtest.grid_points import curve_points
from alpha_lightning.backtest.grid_settings import CurveSettings, GridSettings
from alpha_lightning.backtest.results import Results, measure
from tests.backtest.results_ledgers import small_benchmark, small_ledger, small_market

CURVES = CurveSettings(cost=[0, 2], capital=[1e6], impact=0.7, participation=0.2, delay=[1, 3])
POINTS = curve_points(GridSettings(names=[3], delta=[0.2], curves=CURVES), ["a"])


@pytest.fixture(scope="module")
def results() -> Results:
    return measure(small_ledger(), small_market(), small_benchmark())


def test_a_curve_has_a_row_for_each_of_its_portfolios(results: Results) -> None:
    tables = curve_tables(POINTS, {one.point.key: results for one in POINTS})
    assert list(tables) == ["cost_curve", "capacity_curve", "delay_curve"]
    assert tables["cost_curve"]["cost_multiple"].tolist() == [0, 2]
    assert tables["delay_curve"]["delay"].tolist() == [1, 3]
    for table in tables.values():
        assert table.columns[:3].tolist() == ["score", "names", "delta"]
        absolute, relative = results.absolute.annual_return, results.relative.annual_return
        assert table["absolute_annual_pct"].tolist() == [100 * absolute] * len(table)
        assert table["relative_annual_pct"].tolist() == [100 * relative] * len(table)


def test_capacity_tells_what_was_traded_and_what_it_moved(results: Results) -> None:
    table = curve_tables(POINTS, {one.point.key: results for one in POINTS})["capacity_curve"]
    row = table.iloc[0]
    assert (row["capital"], row["impact"], row["participation"]) == (1e6, 0.7, 0.2)
    # Of 14 shares wanted at 10, 7 were traded; without a price none counts as wanted.
    assert row["filled_pct"] == pytest.approx(100 * 7 / 14)
    # 0.25 of 100 on the first day, 0.25 of 108.9 on the third, of four.
    assert row["impact_pct_a_year"] == pytest.approx(100 * 243 * (0.25 / 100 + 0.25 / 108.9) / 4)
    assert row["cash_pct"] == pytest.approx(100 * results.cash_share)


def test_a_delay_tells_on_how_many_signals_nothing_was_traded(results: Results) -> None:
    table = curve_tables(POINTS, {one.point.key: results for one in POINTS})["delay_curve"]
    assert results.trading.held, "or nothing is tested"
    assert table["held_signals"].tolist() == [len(results.trading.held)] * 2


def test_a_portfolio_without_results_has_no_row_and_a_curve_without_rows_no_table(
    results: Results,
) -> None:
    some = {one.point.key: results for one in POINTS if one.varied == {"delay": 1}}
    tables = curve_tables(POINTS, some)
    assert list(tables) == ["delay_curve"]
    assert tables["delay_curve"]["delay"].tolist() == [1]
