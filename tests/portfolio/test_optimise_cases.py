"""Programs of a few stocks, of which the answer is known without a solver."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alpha_lightning.portfolio.optimise import optimise
from alpha_lightning.portfolio.policy import Floats
from alpha_lightning.portfolio.program import Problem, Solution
from tests.portfolio.optimise_problems import plain_problem

SCORE = [3.0, 1.0, -1.0, -3.0]
EQUAL = [0.25, 0.25, 0.25, 0.25]


def weights_of(problem: Problem) -> Floats:
    found = optimise(problem)
    assert found.status == "solved", found.reason
    assert found.weights is not None
    assert not found.slacks
    assert found.audit.worst <= 1e-7
    return found.weights


def relaxed(problem: Problem, **slacks: float) -> Solution:
    found = optimise(problem)
    assert found.status == "relaxed", found.reason
    assert set(found.slacks) == set(slacks)
    for name, slack in slacks.items():
        assert found.slacks[name] == pytest.approx(slack, abs=1e-6), name
        assert name in found.reason
    assert found.audit.worst <= 1e-7
    return found


def near(expected: Any) -> Any:
    return pytest.approx(np.array(expected), abs=2e-7)


def test_without_limits_everything_goes_to_the_best() -> None:
    assert weights_of(plain_problem(SCORE, EQUAL)) == near([1, 0, 0, 0])
    capped = plain_problem(SCORE, EQUAL, upper=[0.6, 0.3, 1, 1])
    assert weights_of(capped) == near([0.6, 0.3, 0.1, 0])


def test_a_turnover_moves_from_the_worst_to_the_best() -> None:
    problem = plain_problem(SCORE, EQUAL, turnover=0.1)
    assert weights_of(problem) == near([0.35, 0.25, 0.25, 0.15])
    assert weights_of(plain_problem(SCORE, EQUAL, turnover=0.3)) == near([0.55, 0.25, 0.2, 0])


def test_cash_is_invested_and_counts_half() -> None:
    # A tenth in cash: buying for it is a turnover of 0.05, and 0.05 more moves 0.05.
    problem = plain_problem(SCORE, EQUAL, held=[0.225] * 4, turnover=0.1)
    assert weights_of(problem) == near([0.375, 0.225, 0.225, 0.175])
    found = relaxed(replace(problem, limits=replace(problem.limits, turnover=0.02)), turnover=0.03)
    assert found.audit.values["turnover"] == pytest.approx(0.05, abs=1e-7)


def test_a_tracking_error_of_two_stocks() -> None:
    # Equal exposure to the market: a bet of x has the variance 2 x^2 0.04.
    problem = plain_problem([1, -1], [0.5, 0.5], tracking_error=0.04)
    bet = 0.04 / np.sqrt(2 * 0.04)
    assert weights_of(problem) == near([0.5 + bet, 0.5 - bet])


def test_the_direction_of_the_score_is_taken_to_the_edge_of_the_cone() -> None:
    problem = plain_problem(SCORE, EQUAL, tracking_error=0.02)
    direction = np.array(SCORE) / np.linalg.norm(SCORE)
    assert weights_of(problem) == pytest.approx(0.25 + direction * 0.1, abs=1e-6)


def test_style_industry_and_active_limits() -> None:
    styles = [[1.0], [-1.0], [1.0], [-1.0]]
    problem = plain_problem(SCORE, EQUAL, styles=styles, style=0.0)
    assert weights_of(problem) == near([0.5, 0.5, 0, 0])
    loose = plain_problem(SCORE, EQUAL, styles=styles, style=0.4)
    assert weights_of(loose) == near([0.7, 0.3, 0, 0])
    industries = plain_problem(SCORE, EQUAL, industries=[0, 0, 1, 1], industry=0.02)
    assert weights_of(industries) == near([0.52, 0, 0.48, 0])
    active = plain_problem(SCORE, EQUAL, active=0.03)
    assert weights_of(active) == near([0.28, 0.28, 0.22, 0.22])


def test_a_floor_of_constituents() -> None:
    benchmark = [0.0, 0.5, 0.5, 0.0]
    assert weights_of(plain_problem(SCORE, benchmark)) == near([1, 0, 0, 0])
    assert weights_of(plain_problem(SCORE, benchmark, floor=0.8)) == near([0.2, 0.8, 0, 0])
    assert weights_of(plain_problem(SCORE, benchmark, floor=1.0)) == near([0, 1, 0, 0])


def test_a_tracking_error_of_nothing_is_the_index_and_a_turnover_of_nothing_no_trade() -> None:
    held = [0.4, 0.3, 0.2, 0.1]
    index = plain_problem(SCORE, [0.1, 0.2, 0.3, 0.4], held=held, tracking_error=0.0)
    assert weights_of(index) == near([0.1, 0.2, 0.3, 0.4])
    still = plain_problem(SCORE, EQUAL, held=held, turnover=0.0)
    assert weights_of(still) == near(held)
    both = replace(index, limits=replace(index.limits, turnover=0.0))
    found = relaxed(both, turnover=0.4)
    assert found.weights == near([0.1, 0.2, 0.3, 0.4])


def test_frozen_and_one_sided_stocks() -> None:
    held = [0.1, 0.2, 0.3, 0.4]
    frozen = plain_problem(SCORE, EQUAL, held=held, lower=[0, 0, 0, 0.4], upper=[1, 1, 1, 0.4])
    assert weights_of(frozen) == near([0.6, 0, 0, 0.4])
    no_buy = plain_problem(SCORE, EQUAL, held=held, upper=[0.1, 1, 1, 1])
    assert weights_of(no_buy) == near([0.1, 0.9, 0, 0])
    no_sell = plain_problem(SCORE, EQUAL, held=held, lower=[0, 0, 0.3, 0])
    assert weights_of(no_sell) == near([0.7, 0, 0.3, 0])
    every = plain_problem(SCORE, EQUAL, held=held, lower=held, upper=held)
    assert weights_of(every).tolist() == held


def test_a_bound_goes_before_the_active_limit_and_no_further() -> None:
    # Too much of the first, which can be bought but not sold: it stays where it is.
    held = [0.4, 0.2, 0.2, 0.2]
    problem = plain_problem(SCORE, EQUAL, held=held, lower=[0.4, 0, 0, 0], active=0.06)
    assert weights_of(problem) == near([0.4, 0.22, 0.19, 0.19])
    # Too little of the last, which can be sold but not bought; it is sold no further.
    low = plain_problem(SCORE, EQUAL, held=EQUAL, upper=[1, 1, 1, 0.1], active=0.06)
    assert weights_of(low) == near([0.31, 0.31, 0.28, 0.1])
    frozen = replace(problem, upper=np.array([0.4, 1, 1, 1]))
    assert weights_of(frozen) == near([0.4, 0.22, 0.19, 0.19])


def test_the_slack_of_two_stocks() -> None:
    # From all in the second to at most 0.1 of style: 0.55 and 0.45 are as near as can be.
    given: dict[str, Any] = {"styles": [[1.0], [-1.0]], "style": 0.1, "held": [0.0, 1.0]}
    problem = plain_problem([1, -1], [0.5, 0.5], turnover=0.2, **given)
    found = relaxed(problem, turnover=0.25)
    assert found.weights == near([0.45, 0.55])
    assert found.objective == pytest.approx(-0.1, abs=1e-6)


def test_the_order_says_what_gives_way() -> None:
    given: dict[str, Any] = {"styles": [[1.0], [-1.0]], "style": 0.1, "held": [0.0, 1.0]}
    problem = plain_problem([1, -1], [0.5, 0.5], turnover=0.2, **given)
    found = optimise(problem, ("style", "turnover"))
    assert dict(found.slacks) == {"style": pytest.approx(0.5, abs=1e-6)}
    assert found.weights == near([0.2, 0.8])
    # One that is not named is kept, whatever else is impossible.
    never = optimise(problem, ("tracking_error", "industry"))
    assert (never.status, never.weights) == ("failed", None)
    assert "no weights keep" in never.reason
    nothing = optimise(problem, ())
    assert nothing.status == "failed"
    assert "no limit relaxed" in nothing.reason


def test_the_last_of_those_that_give_way_gives_way_least() -> None:
    # The third is frozen at 0.5: the tracking error cannot be 0.05, whatever is traded, and what is
    # nearest to the index takes more turnover than there is.
    problem = plain_problem(
        SCORE, EQUAL, held=[0.5, 0, 0.5, 0], lower=[0, 0, 0.5, 0], upper=[1, 1, 0.5, 1],
        tracking_error=0.05, turnover=0.1,
    )  # fmt: skip
    active = np.array([-1 / 12, -1 / 12, 0.25, -1 / 12])
    error = float(np.sqrt(0.04 * active @ active)) - 0.05
    found = optimise(problem)
    assert set(found.slacks) == {"turnover", "tracking_error"}
    assert found.slacks["tracking_error"] == pytest.approx(error, abs=1e-7)
    assert found.slacks["turnover"] == pytest.approx(1 / 3 - 0.1, abs=1e-3)
    assert found.weights == pytest.approx(0.25 + active, abs=1e-3)


def test_a_floor_that_no_tradable_constituent_can_fill() -> None:
    benchmark = [0.5, 0.5, 0.0, 0.0]
    held = [0.1, 0.1, 0.4, 0.4]
    problem = plain_problem(
        SCORE, benchmark, held=held, lower=[0.1, 0.1, 0, 0], upper=[0.1, 0.1, 1, 1],
        floor=0.8, turnover=0.5,
    )  # fmt: skip
    found = relaxed(problem, floor=0.6)
    assert found.weights == near([0.1, 0.1, 0.8, 0.0])


def test_bounds_that_leave_no_portfolio_fail_with_a_reason() -> None:
    low = plain_problem(SCORE, EQUAL, upper=[0.2] * 4, turnover=0.5)
    high = plain_problem(SCORE, EQUAL, lower=[0.3] * 4, turnover=0.5)
    for problem in (low, high):
        found = optimise(problem)
        assert (found.status, found.weights) == ("failed", None)
        assert "budget" in found.reason


@pytest.mark.parametrize("score", [[1.0] * 4, [0.0] * 4, [2e6] * 4])
def test_scores_that_are_all_the_same_hug_the_index(score: list[float]) -> None:
    held = [0.55, 0.15, 0.15, 0.15]
    free = plain_problem(score, EQUAL, held=held, tracking_error=0.04)
    assert weights_of(free) == pytest.approx(np.array(EQUAL), abs=1e-5)
    # Three tenths away with a tenth to move: the nearest takes a tenth from the first.
    bound = plain_problem(score, EQUAL, held=held, turnover=0.1)
    assert weights_of(bound) == pytest.approx(np.array([0.45] + [0.55 / 3] * 3), abs=1e-4)
