"""The optimiser against cvxpy on random programs, feasible and not."""

from collections.abc import Mapping, Sequence

import pytest

from alpha_lightning.portfolio.optimise import optimise
from alpha_lightning.portfolio.program import RELAXED_FIRST, Limit, Problem, Solution
from tests.portfolio.optimise_oracle import best, breaches, least_in_turn, must_go
from tests.portfolio.optimise_problems import random_problem

CHUNKS, EACH = 10, 50
UNCLEAR = 1
"""Programs of a hundred at most of which cvxpy cannot say whether they are feasible."""
ROOMS = (1e-9, 1e-8, 2e-8)
ORDERS: tuple[tuple[Limit, ...], ...] = (
    RELAXED_FIRST,
    ("floor", "industry", "style", "turnover", "tracking_error", "active"),
    ("tracking_error", "turnover", "active"),
)


def check_weights(problem: Problem, found: Solution) -> None:
    """Violations by our own arithmetic, and that the audit has found the same."""
    assert found.weights is not None
    assert found.objective == pytest.approx(problem.score @ found.weights, abs=1e-12)
    ours = breaches(problem, found.weights, found.slacks)
    assert max(ours.values()) <= 1e-7
    assert set(found.audit.violations) == set(ours)
    for name, beyond in found.audit.violations.items():
        assert beyond == pytest.approx(ours[name], abs=1e-9), name
    frozen = problem.lower == problem.upper
    assert (found.weights[frozen] == problem.lower[frozen]).all()


def check_relaxed(problem: Problem, found: Solution, order: Sequence[Limit]) -> bool:
    """That the right limits gave way, and no more than they had to; True if it is well defined."""
    gone = must_go(problem, order)
    assert gone
    assert set(found.slacks) <= set(gone)
    given = {name: found.slacks.get(name, 0.0) for name in gone}
    for name, slack in least_in_turn(problem, gone, given).items():
        assert given[name] == pytest.approx(slack, abs=1e-5), name
    assert max(given.values()) > 1e-7
    return check_score(problem, found, given)


def check_score(problem: Problem, found: Solution, given: Mapping[str, float]) -> bool:
    """That no weights within these slacks have a better score; True if that can be told to 1e-5.

    Where nearly one portfolio keeps the limits, 1e-8 more of room may be worth more than 1e-5 of
    score: the answer is to lie within that.
    """
    scores = []
    for room in ROOMS:
        reference = best(problem, {name: slack + room for name, slack in given.items()})
        assert reference.feasible is not False
        if reference.feasible:
            scores.append(reference.objective)
    assert len(scores) >= 2
    worth = max(scores) - min(scores)
    close = max(1e-5, 2 * worth)
    assert scores[0] - close <= found.objective <= scores[-1] + 1e-5
    return close == 1e-5


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_programs(chunk: int) -> None:
    count = {"solved": 0, "relaxed": 0, "failed": 0, "unclear": 0}
    for seed in range(chunk * EACH, (chunk + 1) * EACH):
        problem = random_problem(seed)
        found, reference = optimise(problem), best(problem)
        if reference.feasible is None:
            count["unclear"] += 1
            continue
        count[found.status] += 1
        if reference.feasible:
            assert found.status == "solved", f"{seed}: {found.reason}"
            scale = max(1.0, abs(reference.objective))
            assert found.objective == pytest.approx(reference.objective, abs=1e-6 * scale), seed
            assert not found.slacks
            check_weights(problem, found)
        elif found.status == "failed":
            assert must_go(problem) is None, f"{seed}: {found.reason}"
            assert found.weights is None
        else:
            assert found.status == "relaxed", seed
            check_weights(problem, found)
    assert count["unclear"] * 100 <= UNCLEAR * EACH
    # Both kinds are there in earnest.
    assert count["solved"] > EACH / 2
    assert count["relaxed"] > EACH / 20


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_relaxations(chunk: int) -> None:
    count = {"clear": 0, "loose": 0, "failed": 0}
    for seed in range(chunk * EACH, (chunk + 1) * EACH):
        problem, order = random_problem(seed), ORDERS[seed % 3]
        if best(problem).feasible is not False:
            continue
        found = optimise(problem, order)
        if found.status == "failed":
            assert must_go(problem, order) is None, f"{seed}: {found.reason}"
            count["failed"] += 1
        else:
            check_weights(problem, found)
            count["clear" if check_relaxed(problem, found, order) else "loose"] += 1
    assert count["clear"] > EACH / 20
