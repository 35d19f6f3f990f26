"""What the optimiser refuses, how it fails, and that it answers alike each time."""

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.portfolio import conic_solver
from alpha_lightning.portfolio.cone_rows import Variant
from alpha_lightning.portfolio.optimise import optimise
from alpha_lightning.portfolio.program import RELAXED_FIRST, Problem
from alpha_lightning.portfolio.stock_selection import Outcome
from tests.portfolio.optimise_problems import plain_problem, random_problem

EQUAL = [0.25] * 4
NAMES = ("AAA", "BBB", "CCC", "DDD")


def given(**changes: Any) -> Problem:
    problem = plain_problem([1.0, 2, 3, 4], EQUAL, tracking_error=0.04, names=NAMES)
    risk = {name: changes.pop(name) for name in ("exposures", "specific", "covariance", "kinds")
            if name in changes}  # fmt: skip
    return replace(problem, risk=replace(problem.risk, **risk), **changes)


def third(value: float, rest: float = 0.25) -> Any:
    return np.array([rest, rest, value, rest])


NAN = float("nan")
BAD = {
    "score of CCC is not a finite number": {"score": third(NAN)},
    "benchmark of CCC is not a finite": {"benchmark": third(NAN)},
    "held of CCC is not a finite": {"held": third(NAN)},
    "lower of CCC is not a finite": {"lower": third(NAN, 0)},
    "upper of CCC is not a finite": {"upper": third(float("inf"), 1)},
    "exposures of CCC is not a finite": {"exposures": third(NAN, 1)[:, None]},
    "specific variance of CCC is not a finite": {"specific": third(NAN)},
    "specific variance of CCC is negative": {"specific": third(-0.01)},
    "benchmark weights sum to 0.9,": {"benchmark": third(0.15)},
    "benchmark weights sum to 1, or one is negative": {"benchmark": np.array([0.6, 0.6, -0.2, 0])},
    "held weights sum to 1.2,": {"held": third(0.45)},
    "held weights sum to 0.9, above 1, or one is neg": {"held": np.array([0.5, 0.6, -0.2, 0])},
    "lower and upper weight of CCC contradict": {"lower": third(0.6, 0), "upper": third(0.5, 1)},
    "lower and upper weight of CCC": {"lower": third(-0.1, 0)},
    "upper is not of length 4": {"upper": np.ones(3)},
    "members is not of length 4": {"members": np.ones(5, dtype=np.bool_)},
    "the risk is not of 4 stocks and 1 factors": {"exposures": np.ones((3, 1))},
    "the risk is not of 4 stocks": {"covariance": np.ones((2, 2))},
    "the risk is not of": {"kinds": ("style", "market")},
}


@pytest.mark.parametrize("told", BAD)
def test_bad_input_is_refused_in_one_line(told: str) -> None:
    with pytest.raises(UserError, match=f"^optimisation: {told}") as raised:
        optimise(given(**BAD[told]))
    assert "\n" not in str(raised.value)


def test_a_stock_without_a_name_is_told_by_its_place() -> None:
    with pytest.raises(UserError, match="score of stock 2 is not"):
        optimise(given(score=third(NAN), names=()))


@pytest.mark.parametrize("covariance", [-0.04, NAN, float("inf")])
def test_a_covariance_that_is_none_is_refused(covariance: float) -> None:
    with pytest.raises(ArtefactError, match=r"^the covariance of factor returns is not"):
        optimise(given(covariance=np.array([[covariance]])))


def test_an_order_that_names_a_limit_twice_or_none_is_refused() -> None:
    wrong: Any = ("turnover", "turnover"), ("turnover", "te")
    for order in wrong:
        with pytest.raises(UserError, match="order of relaxation is turnover, t"):
            optimise(given(), order)


def test_no_stock_and_a_single_one() -> None:
    with pytest.raises(UserError, match="there is no stock"):
        optimise(plain_problem([], []))
    one = plain_problem([2.0], [1.0], **dict.fromkeys(RELAXED_FIRST, 0.0))
    found = optimise(one)
    assert found.status == "solved"
    assert found.weights is not None
    assert found.weights.tolist() == [1.0]
    # From cash the one answer is bought, and is a turnover of a half.
    cash = optimise(replace(one, held=np.zeros(1)))
    assert (cash.status, set(cash.slacks)) == ("relaxed", {"turnover"})
    assert cash.slacks["turnover"] == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("iterations", [1, 2, 3])
@pytest.mark.parametrize("seed", [1, 2, 9])
def test_a_solver_that_stops_early_has_no_answer(
    monkeypatch: pytest.MonkeyPatch, iterations: int, seed: int
) -> None:
    problem = random_problem(seed)
    monkeypatch.setattr(conic_solver, "MAX_ITERATIONS", iterations)
    found = optimise(problem)
    assert found.status == "failed"
    assert found.weights is None
    assert np.isnan(found.objective)
    assert "the solver stopped with MaxIterations" in found.reason
    assert "\n" not in found.reason


def test_weights_that_break_a_limit_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("alpha_lightning.portfolio.optimise")
    problem = given()
    far = Outcome("solved", "Solved", np.array([1.0, 0, 0, 0]))
    monkeypatch.setattr(module, "best", lambda *_: far)
    found = optimise(problem)
    assert (found.status, found.weights) == ("failed", None)
    assert "tracking_error is broken by 0.1" in found.reason
    assert found.audit.worst > 0.1


def test_where_it_is_doubtful_what_must_give_way_more_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = importlib.import_module("alpha_lightning.portfolio.optimise")
    real, asked = module.least, []

    def doubtful_first(problem: Problem, variant: Variant) -> Outcome:
        asked.append(variant.least)
        return real(problem, variant) if len(asked) > 1 else Outcome("doubtful", "Stuck", None)

    styles = [[1.0], [-1.0]]
    problem = plain_problem(
        [1.0, -1], [0.5, 0.5], styles=styles, style=0.1, held=[0, 1], turnover=0.2
    )
    expected = optimise(problem)
    monkeypatch.setattr(module, "least", doubtful_first)
    found = optimise(problem)
    assert asked == ["turnover", "style", "turnover"]
    assert found.status == "relaxed"
    assert found.slacks == pytest.approx(expected.slacks, abs=1e-7)
    assert found.weights == pytest.approx(expected.weights, abs=1e-7)


@pytest.mark.parametrize("seed", [0, 4, 9, 388])
def test_the_same_bits_twice_and_nothing_is_changed(seed: int) -> None:
    problem = random_problem(seed)
    before = {name: np.copy(getattr(problem, name)) for name in ("score", "held", "benchmark")}
    found, again = optimise(problem), optimise(random_problem(seed))
    assert found.weights is not None
    assert again.weights is not None
    assert found.weights.tobytes() == again.weights.tobytes()
    assert found == replace(again, weights=found.weights)
    for name, values in before.items():
        assert (getattr(problem, name) == values).all()


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e4, 1e9])
def test_the_unit_of_the_score_is_no_matter(scale: float) -> None:
    problem = random_problem(4)
    found, scaled = optimise(problem), optimise(replace(problem, score=scale * problem.score + 7))
    assert scaled.status == found.status == "solved"
    assert scaled.weights is not None
    assert problem.score @ scaled.weights == pytest.approx(found.objective, abs=1e-6)


@pytest.mark.parametrize("seed", [1, 4, 5])
def test_a_covariance_without_full_rank(seed: int) -> None:
    problem = random_problem(seed)
    flat = np.zeros_like(problem.risk.covariance)
    flat[-1, -1] = 0.04
    found = optimise(replace(problem, risk=replace(problem.risk, covariance=flat)))
    assert found.status != "failed"
    assert found.audit.worst <= 1e-7


def test_stocks_without_any_specific_risk() -> None:
    problem = plain_problem([1.0, 2, 3, 4], EQUAL, tracking_error=0.04)
    found = optimise(replace(problem, risk=replace(problem.risk, specific=np.zeros(4))))
    assert found.weights == pytest.approx(np.array([0, 0, 0, 1.0]), abs=1e-7)
