"""Which index-enhanced portfolios may be asked for."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid, LimitSettings, enhanced_grid
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings, SignalSettings
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.risk.settings import RiskSettings

BOTH = {"000300": 0.04, "000905": 0.05}


def test_the_defaults_are_the_papers_but_for_the_indices() -> None:
    grid = EnhancedGrid()
    assert (grid.indices, grid.floor_values, grid.deltas) == ({}, (0, 0.8), [0.1, 0.2, 0.3, 0.5])
    assert (grid.shown, grid.policy.style, grid.policy.industry) == (0.2, 0.5, 0.02)
    assert grid.policy.of("000300", 0.04, None, 0.2) == IndexEnhanced("000300")
    assert not grid.total_return


def test_settings_survive_json() -> None:
    grid = EnhancedGrid(
        BOTH,
        floors=[None, 0.7],
        deltas=[0.3],
        shown=0.3,
        scores=["gru"],
        policy=LimitSettings(style=0.2, relax=["turnover"]),
        risk=RiskSettings(kind="simple"),
        signals=SignalSettings("monthly", start="2020-01-02"),
        execution=ExecutionSettings(delay=3),
        costs=CostSettings(stamp_duty={"2023-08-28": 0.0005}),
        total_return=True,
    )
    assert enhanced_grid(json.loads(json.dumps(asdict(grid)))) == grid
    assert enhanced_grid({}) == EnhancedGrid()
    assert grid.floor_values == (0, 0.7)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"indices": {192: 0.04}}, r"names an index 192: write its name in quotes"),
        ({"indices": {"000300": -0.01}}, r"tracking error of 000300 is -0\.01: it must be 0 or"),
        ({"indices": {"000300": float("nan")}}, r"tracking error of 000300 is nan"),
        ({"indices": {"000300": None}}, r"tracking error of 000300 is None"),
        ({"indices": None}, r"enhanced\.indices is None"),
        ({"floors": [0, None]}, r"floors is \[0\.0, 0\.0\]: name at least one, and each once"),
        ({"floors": [1.2]}, r"floors has 1\.2: a share of the weight is from 0 to 1"),
        ({"floors": None}, r"floors is null: write a list"),
        ({"deltas": []}, r"deltas is \[\]: name at least one"),
        ({"deltas": [0.2, 0.2]}, r"deltas is \[0\.2, 0\.2\]: name at least one, and each once"),
        ({"deltas": [0.2, -0.1]}, r"deltas has -0\.1: a share of the weight is from 0 to 1"),
        ({"deltas": [0.1]}, r"shown is 0\.2, which is not among enhanced\.deltas, \[0\.1\]"),
        ({"scores": ["a", "a"]}, r"scores is \['a', 'a'\]: name each once"),
        ({"policy": LimitSettings(style=-1)}, r"enhanced\.policy\.style is -1"),
        ({"policy": LimitSettings(relax=["size"])}, r"enhanced\.policy\.relax has 'size'"),
        ({"signals": SignalSettings(start="soon")}, r"enhanced\.signals\.start soon is not a date"),
        ({"costs": CostSettings(stamp_duty={"x": 0})}, r"enhanced\.costs\.stamp_duty x is not"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        EnhancedGrid(**given)


def test_every_limit_of_the_policy_is_the_grids_or_shared() -> None:
    given = {"index", "tracking_error", "floor", "turnover"}
    assert given | set(asdict(LimitSettings())) == set(asdict(IndexEnhanced()))
    shared = asdict(LimitSettings())
    assert {name: asdict(IndexEnhanced())[name] for name in shared} == shared
