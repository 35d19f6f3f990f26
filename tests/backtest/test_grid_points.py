"""What a grid runs."""

import pytest

from alpha_lightning.backtest.grid_points import (
    CURVES,
    curve_points,
    delta_name,
    every_point,
    grid_points,
)
from alpha_lightning.backtest.grid_settings import CurveSettings, GridSettings
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings

GRID = GridSettings(
    names=[10, 20],
    delta=[0.2, 1.0],
    execution=ExecutionSettings(delay=2, capital=1e7),
    costs=CostSettings(buy=0.01, stamp_duty={"2020-01-01": 0.005}),
    curves=CurveSettings(
        cost=[0, 1, 2], capital=[1e6, 1e7], impact=0.8, participation=0.05, delay=[1, 2]
    ),
)


def test_a_grid_is_every_score_size_and_limit_in_order() -> None:
    points = grid_points(GRID, ["a", "b"])
    assert [point.folder for point in points] == [
        f"{score}/top{names}_d{delta}"
        for score in ("a", "b")
        for names in (10, 20)
        for delta in ("0.20", "1.00")
    ]
    assert {(point.execution, point.costs.buy) for point in points} == {(GRID.execution, 0.01)}
    assert points[3].columns == {"score": "a", "names": 20, "delta": 1.0}


def test_each_curve_varies_its_own_settings_at_the_shown_limit() -> None:
    points = curve_points(GRID, ["a"])
    assert {one.point.delta for one in points} == {0.2}
    assert [one.point.names for one in points] == [10] * 7 + [20] * 7
    first = points[:7]
    by_curve = {curve: [one for one in first if one.curve == curve] for curve in CURVES}
    costs = [one.point.costs for one in by_curve["cost_curve"]]
    assert [cost.buy for cost in costs] == [0, 0.01, 0.02]
    assert [cost.stamp_duty["2020-01-01"] for cost in costs] == [0, 0.005, 0.01]
    assert {one.point.execution for one in by_curve["cost_curve"]} == {GRID.execution}
    capacity = by_curve["capacity_curve"]
    assert [one.point.execution.capital for one in capacity] == [1e6, 1e7]
    assert {one.point.execution.participation for one in capacity} == {0.05}
    assert {one.point.costs.impact for one in capacity} == {0.8}
    assert capacity[0].varied == {"capital": 1e6, "impact": 0.8, "participation": 0.05}
    assert [one.point.execution.delay for one in by_curve["delay_curve"]] == [1, 2]


def test_a_portfolio_of_the_grid_is_not_run_again_for_its_curves() -> None:
    grid = {point.key for point in grid_points(GRID, ["a"])}
    again = [one for one in curve_points(GRID, ["a"]) if one.point.key in grid]
    # All costs once, and the delay of the grid; of both sizes.
    assert [one.varied for one in again] == [{"cost_multiple": 1}, {"delay": 2}] * 2
    every = every_point(GRID, ["a"])
    assert len(every) == 4 + 2 * (7 - 2)
    assert list(every)[:4] == [point.key for point in grid_points(GRID, ["a"])]


@pytest.mark.parametrize(
    ("delta", "name"), [(0.05, "0.05"), (0.1, "0.10"), (0, "0.00"), (1, "1.00"), (0.001, "0.001")]
)
def test_turnover_limits_keep_their_digits_in_names(delta: float, name: str) -> None:
    assert delta_name(delta) == name
