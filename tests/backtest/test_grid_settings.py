"""Which portfolios may be asked for."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.grid_settings import (
    CurveSettings,
    GridSettings,
    ReplacementSettings,
    grid_settings,
    scaled,
)
from alpha_lightning.backtest.settings import (
    CostSettings,
    ExecutionSettings,
    SignalSettings,
)
from alpha_lightning.portfolio.top_n import TopN


def test_the_defaults_are_the_papers_but_for_the_sizes() -> None:
    grid = GridSettings()
    assert (grid.names, grid.shown) == ([], 0.2)
    assert grid.delta == [0.05, 0.08, 0.1, 0.2, 0.3, 0.5, 1.0]
    assert (grid.costs.buy, grid.costs.sell, grid.execution.price) == (0.001, 0.002, "vwap")


def test_settings_survive_json() -> None:
    grid = GridSettings(
        names=[7],
        delta=[0.3],
        shown=0.3,
        scores=["gru"],
        replacement=ReplacementSettings(keep_within=1.5, reweight="band", band=0.1),
        signals=SignalSettings("monthly", start="2020-01-02"),
        execution=ExecutionSettings(delay=3, participation=0.2),
        costs=CostSettings(stamp_duty={"2023-08-28": 0.0005}, impact=0.4),
        curves=CurveSettings(cost=[], delay=[4]),
    )
    assert grid_settings(json.loads(json.dumps(asdict(grid)))) == grid
    assert grid_settings({}) == GridSettings()


def test_a_policy_keeps_what_is_within_a_multiple_of_its_size() -> None:
    how = ReplacementSettings(keep_within=1.5, reserves=3, reweight="never")
    wanted = TopN(20, 0.1, keep_within=30, reserves=3, reweight="never")
    assert how.policy(20, 0.1) == wanted
    assert ReplacementSettings().policy(20, 0.1).keep_within == 20


def test_costs_are_scaled_one_and_all() -> None:
    costs = CostSettings(0.001, 0.002, 5.0, {"2020-01-01": 0.001}, 0.5)
    assert scaled(costs, 3) == CostSettings(0.003, 0.006, 15.0, {"2020-01-01": 0.003}, 1.5)
    assert scaled(costs, 0) == CostSettings(0, 0, 0, {"2020-01-01": 0}, 0)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"names": [10, 10]}, r"names is \[10, 10\]: name each once"),
        ({"names": [0]}, "holds at least 1 name"),
        ({"delta": []}, r"delta is \[\]: name at least one"),
        ({"delta": [0.2, 0.2]}, r"delta is \[0.2, 0.2\]"),
        ({"delta": [0.2, 1.5]}, "delta has 1.5: a turnover limit lies between 0 and 1"),
        ({"delta": [0.2, float("nan")]}, "delta has nan"),
        ({"shown": 0.25}, r"shown is 0.25, which is not among portfolios.delta"),
        ({"scores": ["a", "a"]}, "scores is"),
        ({"replacement": ReplacementSettings(keep_within=0.5)}, "keep_within is 0.5"),
        ({"replacement": ReplacementSettings(reserves=-1)}, "replacement: policy.reserves is -1"),
        ({"replacement": ReplacementSettings(min_coverage=2)}, "policy.min_coverage is 2"),
        ({"costs": CostSettings(sell=0.6)}, "curves.cost, 2 times the cost: costs.sell is 1.2"),
        ({"curves": CurveSettings(participation=0)}, "curves: execution.participation is 0"),
        ({"curves": CurveSettings(impact=-1)}, "curves: costs.impact is -1"),
        ({"curves": CurveSettings(capital=[0])}, "curves: execution.capital is 0"),
        ({"curves": CurveSettings(delay=[0])}, "curves.delay: execution.delay is 0"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=rf"^portfolios\.{told}|^portfolios\..*{told}"):
        GridSettings(**changes)


@pytest.mark.parametrize(
    "curve", [{"cost": [1, 1]}, {"delay": [1, 1]}, {"capital": [1e8, 1e8]}, {"cost": [-1]}]
)
def test_curves_refuse_what_is_given_twice_or_below_zero(curve: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"^portfolios\.curves\.\w+ is "):
        CurveSettings(**curve)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"signals": SignalSettings(start="20x")}, r"signals\.start 20x"),
        ({"signals": SignalSettings(end="2020-13-01")}, r"signals\.end 2020-13-01"),
        ({"costs": CostSettings(stamp_duty={"2023-02-30": 0.1})}, r"costs\.stamp_duty 2023-02-30"),
    ],
)
def test_dates_that_are_none_are_refused_before_anything_runs(
    changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError, match=rf"^--portfolios\.{told} is not a date"):
        GridSettings(**changes)


def test_null_in_the_place_of_a_list_is_refused() -> None:
    nothing: Any = None
    with pytest.raises(UserError, match=r"^portfolios\.names is null: write a list, \[\] for none"):
        GridSettings(names=nothing)
    with pytest.raises(UserError, match=r"^portfolios\.delta is null: write a list$"):
        GridSettings(delta=nothing)
    with pytest.raises(UserError, match=r"^portfolios\.curves\.cost is null: write a list"):
        CurveSettings(cost=nothing)
