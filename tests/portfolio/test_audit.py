"""What weights do and break, against sums by hand and, on random programs, a plain count."""

from dataclasses import replace

import numpy as np
import pytest

from alpha_lightning.portfolio.audit import audit, tight, turnover
from alpha_lightning.portfolio.program import RELAXED_FIRST, Limits, Problem
from tests.portfolio.optimise_oracle import breaches
from tests.portfolio.optimise_problems import plain_problem, random_problem

EQUAL = [0.25] * 4
STRICT = dict.fromkeys(("tracking_error", "turnover", "style", "industry", "active"), 0.01)


def strict() -> Problem:
    return plain_problem(
        [1.0, 2, 3, 4], [0.5, 0.5, 0, 0], held=EQUAL, styles=[[1.0], [0.0], [-1.0], [3.0]],
        industries=[0, 0, 1, 1], lower=[0, 0, 0, 0.1], upper=[0.3, 1, 1, 1], floor=0.9, **STRICT,
    )  # fmt: skip


def test_each_constraint_by_hand() -> None:
    found = audit(strict(), np.array([0.35, 0.25, 0.35, 0.07]))
    active = np.array([-0.15, -0.25, 0.35, 0.07])
    # The market has a variance of 0.04 and so has each stock.
    error = np.sqrt(0.04 * 0.02**2 + 0.04 * active @ active)
    # Upper 0.3 by 0.05, lower 0.1 by 0.03.
    expected = {
        "budget": (1.02, 0.02),
        "bounds": (0.05, 0.05),
        "turnover": (0.19, 0.18),
        "tracking_error": (error, error - 0.01),
        "style": (0.29, 0.28),
        "industry": (0.42, 0.41),
        "floor": (0.6, 0.3),
        "active": (0.35, 0.34),
    }
    assert found.values == pytest.approx({name: pair[0] for name, pair in expected.items()})
    assert found.violations == pytest.approx({name: pair[1] for name, pair in expected.items()})
    assert found.worst == pytest.approx(0.41)


def test_slack_counts_and_nothing_is_below_0() -> None:
    weights = np.array([0.3, 0.3, 0.2, 0.2])
    alone = audit(strict(), weights)
    limits = RELAXED_FIRST
    half = audit(strict(), weights, {name: alone.violations[name] / 2 for name in limits})
    for name in limits:
        assert half.violations[name] == pytest.approx(alone.violations[name] / 2), name
    assert audit(strict(), weights, dict.fromkeys(limits, 9.0)).worst <= 1e-12


def test_limits_that_are_not_set_have_values_only() -> None:
    free = replace(strict(), limits=Limits())
    found = audit(free, np.array([0.3, 0.3, 0.2, 0.2]))
    assert set(found.violations) == {"budget", "bounds"}
    assert set(found.values) == {"budget", "bounds", *RELAXED_FIRST}


def test_a_stock_that_is_beyond_the_active_limit_by_its_bound_breaks_nothing() -> None:
    problem = plain_problem([1.0, 2], [0.5, 0.5], held=[0.8, 0.2], active=0.1)
    weights = np.array([0.8, 0.2])
    assert audit(problem, weights).violations["active"] == pytest.approx(0.2)
    stuck = replace(problem, lower=np.array([0.8, 0]), upper=np.array([1, 0.2]))
    assert audit(stuck, weights).violations["active"] == 0
    further = audit(stuck, np.array([0.85, 0.15])).violations["active"]
    assert further == pytest.approx(0.05)


def test_turnover_is_one_way_and_cash_is_no_stock() -> None:
    assert turnover(np.array([0.5, 0.5]), np.array([0.3, 0.7])) == pytest.approx(0.2)
    assert turnover(np.zeros(2), np.array([0.3, 0.7])) == pytest.approx(0.5)


def test_no_limit_is_infinite() -> None:
    assert tight(Limits(style=0.5), "style") == 0.5
    assert tight(Limits(), "style") == float("inf")


@pytest.mark.parametrize("seed", range(20))
def test_random_weights_against_the_plain_count(seed: int) -> None:
    problem = random_problem(seed)
    generator = np.random.default_rng(seed)
    weights = generator.dirichlet(np.full(len(problem.score), 0.3))
    slacks = {str(name): 0.001 for name in RELAXED_FIRST} if seed % 2 else {}
    found = audit(problem, weights, slacks)
    assert found.violations == pytest.approx(breaches(problem, weights, slacks), abs=1e-12)
    assert found.worst > 0
