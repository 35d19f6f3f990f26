"""The rows by what they allow: weights that keep a program are inside its cones, others are not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alpha_lightning.portfolio.cone_rows import ConeProgram, Rows, Variant
from alpha_lightning.portfolio.policy import Floats
from alpha_lightning.portfolio.program import RELAXED_FIRST, Limit, Limits, Problem
from tests.portfolio.optimise_oracle import breaches
from tests.portfolio.optimise_problems import plain_problem, random_problem


def built(problem: Problem, least: Limit | None = None) -> tuple[ConeProgram, Floats]:
    """The program over all stocks that may move, and the weights of the others."""
    chosen = np.flatnonzero(problem.lower < problem.upper)
    fixed = problem.lower.copy()
    fixed[chosen] = 0
    rows = Rows(problem, Variant(problem.limits, least), chosen, fixed, problem.score)
    return rows.made(), fixed


def outside(problem: Problem, weights: Floats, slacks: Mapping[str, float]) -> float:
    """By how much the rows are broken by weights, the other variables at their best."""
    least = next(iter(slacks), None)
    named: Any = least
    program, fixed = built(problem, named)
    chosen = program.chosen
    moved = np.isin(np.arange(len(weights)), chosen)
    assert (weights[~moved] == fixed[~moved]).all()
    own = weights[chosen]
    held = problem.held[chosen] > 0
    buys = np.maximum(own - problem.held[chosen], 0)[held & (program.turnover_row >= 0)]
    exposures = (weights - problem.benchmark) @ problem.risk.exposures[:, program.live]
    more = [] if least is None else [slacks[least]]
    point = np.concatenate([own, buys, exposures, more])
    left = program.right - program.matrix @ point
    zeros, positives = program.zeros, program.positives
    worst = [np.abs(left[:zeros]).max(), -left[zeros : zeros + positives].min()]
    if program.cone:
        cone = left[zeros + positives :]
        assert len(cone) == program.cone
        worst.append(np.linalg.norm(cone[1:]) - cone[0])
    assert program.matrix.shape == (len(left), len(point))
    return float(max(*worst, 0.0))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", RELAXED_FIRST)
def test_a_row_is_broken_when_its_limit_is(seed: int, name: Limit) -> None:
    problem = random_problem(seed, stocks=60)
    generator = np.random.default_rng(seed)
    weights = np.clip(
        problem.benchmark * np.exp(generator.normal(0, 0.3, 60)), problem.lower, problem.upper
    )
    free = problem.lower < problem.upper
    weights[free] *= (1 - weights[~free].sum()) / weights[free].sum()
    alone = replace(
        problem,
        limits=Limits(**{name: 0.0 if name != "floor" else 1.0}),
        lower=np.where(free, 0.0, problem.lower),
        upper=np.where(free, 1.0, problem.upper),
    )
    gap = breaches(alone, weights, {})[name]
    assert outside(alone, weights, {}) == pytest.approx(gap, abs=1e-9)
    if gap > 1e-3:
        assert outside(alone, weights, {name: 1.001 * gap}) == pytest.approx(0, abs=1e-12)
        assert outside(alone, weights, {name: 0.9 * gap}) == pytest.approx(0.1 * gap, rel=1e-4)


def test_the_budget_and_the_bounds() -> None:
    problem = plain_problem([1.0, 2, 3], [0.5, 0.3, 0.2], upper=[0.5, 1, 1], lower=[0, 0.1, 0])
    assert outside(problem, np.array([0.4, 0.3, 0.3]), {}) <= 1e-15
    assert outside(problem, np.array([0.4, 0.3, 0.4]), {}) == pytest.approx(0.1)
    assert outside(problem, np.array([0.6, 0.2, 0.2]), {}) == pytest.approx(0.1)
    assert outside(problem, np.array([0.5, 0.05, 0.45]), {}) == pytest.approx(0.05)
    assert outside(problem, np.array([0.5, 0.52, -0.02]), {}) == pytest.approx(0.02)


def test_a_stock_beyond_the_active_limit_by_its_bound_takes_no_slack() -> None:
    problem = plain_problem([1.0, 2, 3], [0.5, 0.3, 0.2], lower=[0.6, 0, 0], active=0.01)
    assert outside(problem, np.array([0.6, 0.3, 0.1]), {"active": 0.09}) <= 1e-12
    assert outside(problem, np.array([0.7, 0.2, 0.1]), {"active": 0.09}) == pytest.approx(0.1)


def test_what_all_are_exposed_to_alike_has_no_row() -> None:
    styles = [[1.0, 2.0], [1.0, 0.0], [1.0, -2.0]]
    problem = plain_problem([1.0, 2, 3], [0.5, 0.3, 0.2], styles=styles, style=0.1, turnover=0.2)
    program, _ = built(problem)
    assert program.live.tolist() == [1]
    assert program.zeros == 2
    assert program.cost.tolist() == [-1, -2, -3, 0, 0, 0, 0]


def test_only_held_stocks_have_purchases_of_their_own() -> None:
    held = [0.5, 0.5, 0, 0]
    problem = plain_problem([1.0, 2, 3, 4], [0.25] * 4, held=held, turnover=0.3)
    program, _ = built(problem)
    assert program.matrix.shape[1] == 4 + 2
    assert outside(problem, np.array([0.4, 0.3, 0.2, 0.1]), {}) <= 1e-15
    assert outside(problem, np.array([0.1, 0.5, 0.2, 0.2]), {}) == pytest.approx(0.1)
