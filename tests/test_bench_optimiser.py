"""The script that times the optimiser: what it compares, not how fast it is."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from alpha_lightning.portfolio.program import Limits, Solution

SCRIPTS = Path(__file__).parents[1] / "scripts"
LIMITS = Limits(tracking_error=0.04, turnover=0.1, style=0.5, industry=0.02, floor=0.8)
SMALL = ["--stocks", "200", "--index_size", "60", "--weeks", "2"]


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    # The scripts find each other beside them, as they do when one is run.
    sys.path.insert(0, str(SCRIPTS))
    spec = importlib.util.spec_from_file_location("bench_optimiser", SCRIPTS / "bench_optimiser.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(SCRIPTS))


@pytest.fixture(scope="module")
def case(script: ModuleType) -> Any:
    return importlib.import_module("optimiser_case")


def test_the_market_is_that_of_the_notes(case: Any) -> None:
    made = case.make_case(4500, 300)
    assert len(made.risk.factors) == 41
    assert (made.benchmark > 0).sum() == 300
    assert made.benchmark.sum() == pytest.approx(1)
    volatility = np.sqrt(made.risk.specific)
    assert (volatility.min(), volatility.max()) == pytest.approx((0.12, 0.95), abs=0.06)
    assert np.median(volatility) == pytest.approx(0.36, abs=0.01)
    factor = np.sqrt(np.diag(made.risk.covariance))
    assert (factor.min(), factor.max()) == pytest.approx((0.015, 0.22))
    scores = made.scores(4)
    assert scores.std(axis=1) == pytest.approx(np.ones(4), abs=0.02)
    assert np.abs(scores).max() <= 4
    assert 0.4 < np.corrcoef(scores[0], scores[1])[0, 1] < 0.9
    held = made.drifted(made.benchmark)
    assert held.sum() == pytest.approx(1)
    lower, upper = made.bounds(np.full(4500, 1 / 4500))
    barred = (lower > 0) | (upper < 1)
    assert barred.mean() == pytest.approx(0.02, abs=0.005)
    assert ((lower > 0) & (upper < 1)).sum() > 20
    middle = case.make_case(900, 500)
    assert (middle.benchmark > 0).sum() == 500


def test_weeks_are_solved_alike_by_both(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    script.main(SMALL)
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert found["solved"] == found["weeks"] == 2
    assert found["not_solved"] == []
    assert found["max_objective_gap"] <= 1e-6
    assert found["max_violation"] <= 1e-7
    assert 0 < found["worst_speedup"] <= found["median_speedup"]
    assert 0 < found["seconds"] < found["cvxpy_seconds"]
    assert found["seconds_range"][0] <= found["seconds"] <= found["seconds_range"][1]
    assert set(found["versions"]) == {"clarabel", "cvxpy", "numpy", "scipy", "python"}


def test_a_difference_and_a_violation_are_seen(
    script: ModuleType, case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = case.make_case(200, 60)
    problem = made.problem(made.scores(1)[0], made.benchmark, LIMITS)
    real = script.optimise

    def worse(given: Any) -> Any:
        found = real(given)
        weights = 0.99 * found.weights + 0.01 * given.held
        return replace(found, weights=weights, objective=float(given.score @ weights))

    monkeypatch.setattr(script, "optimise", worse)
    row = script.one_week(problem, ours_first=True)
    assert row["gap"] > 1e-4
    assert row["violation"] <= 1e-7

    def beyond(given: Any) -> Any:
        found = real(given)
        return replace(found, weights=1.001 * found.weights)

    monkeypatch.setattr(script, "optimise", beyond)
    assert script.one_week(problem, ours_first=False)["violation"] > 0.9e-3


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("turnover", {"turnover": 0.01}),
        ("tracking error", {"tracking_error": 0.001}),
        ("style", {"style": 0.001}),
        ("industry", {"industry": 0.0001}),
        ("floor", {"floor": 1.0}),
    ],
)
def test_each_limit_is_counted(case: Any, name: str, limits: dict[str, float]) -> None:
    made = case.make_case(200, 60)
    problem = made.problem(made.scores(1)[0], made.benchmark, LIMITS)
    _, weights = case.cvxpy_way(problem)
    assert max(case.broken(problem, weights).values()) <= 1e-7
    strict = replace(problem, limits=replace(LIMITS, **limits))
    assert case.broken(strict, weights)[name] > 1e-4


def test_a_week_without_weights_is_no_speed(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Solution(None, "failed", reason="stopped")
    monkeypatch.setattr(script, "optimise", lambda _: failed)
    found = script.summary(script.measure(200, 60, 2, LIMITS))
    assert (found["solved"], found["median_speedup"], found["worst_speedup"]) == (0, 0, 0)
    assert found["max_objective_gap"] is None
    assert found["not_solved"] == ["failed stopped, optimal"] * 2


def test_names_do_not_pile_up(script: ModuleType, case: Any) -> None:
    # Where the solver stops a little short every stock has a trace of weight, which would be held.
    made = case.make_case(4500, 500)
    limits, scores, held = replace(LIMITS, tracking_error=0.05), made.scores(20), made.benchmark
    for week in range(2):
        problem = made.problem(scores[week], held, limits)
        found = script.optimise(problem)
        _, weights = case.cvxpy_way(problem)
        assert (found.weights > 0).sum() == pytest.approx((weights > 1e-6).sum(), abs=5)
        held = made.drifted(found.weights)


@pytest.mark.parametrize("given", [["--weeks", "0"], ["--stocks", "10"], ["--te", "-1"]])
def test_options_that_make_no_sense_are_refused(
    script: ModuleType, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        script.options_of(given)
    assert "error: " in capsys.readouterr().err
