"""The optimiser against cvxpy on random programs, feasible and not."""

from collections.abc import Mapping, Sequence

import pytest

from alpha_lightning.portfolio.optimise import optimise
from alpha_lightning.portfolio.program import RELAXED_FIRST, Limit, Problem, Solution
from tests.portfolio.optimise_oracle import GONE, best, breaches, must_go
from tests.portfolio.optimise_problems import random_problem

CHUNKS, EACH = 10, 50
UNCLEAR = 1
"""Programs of a hundred at most of which cvxpy cannot say whether they are feasible."""
ROOMS = (0.0, 1e-9, 1e-8, 1e-7, 1e-6)
NARROW = (948, 1113, 1363, 1381, 1537, 1891)
"""Seeds of programs that have next to no inside when their slacks are least."""
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
    traces = (found.weights > 0) & (found.weights < 1e-9) & (problem.lower <= 0)
    assert not traces.any()
    frozen = problem.lower == problem.upper
    assert (found.weights[frozen] == problem.lower[frozen]).all()


def check_relaxed(problem: Problem, found: Solution, order: Sequence[Limit]) -> bool:
    """That the right limits gave way, no more than they had to; True if all is told to 1e-5.

    Each slack is compared with the least one beside the slacks of those that come before it, which
    by induction are least themselves: what a first one lacks is magnified in the next. Where the
    tracking error is least there is but one portfolio, and room r lets it move by the root of r.
    """
    gone = must_go(problem, order)
    assert gone
    assert set(found.slacks) <= set(gone)
    slacks: dict[str, float] = {name: found.slacks.get(name, 0.0) for name in gone}
    assert max(slacks.values()) > 1e-7
    clear, give = True, {str(name): GONE for name in gone}
    for name in reversed(gone):
        clear &= agrees(slacks[name], problem, give, name)
        give[name] = slacks[name]
    return clear & agrees(found.objective, problem, give)


def agrees(
    value: float, problem: Problem, give: Mapping[str, float], least: Limit | None = None
) -> bool:
    """Whether cvxpy's value is the same to 1e-5; if not, it is to be where cvxpy's cannot be told.

    That is where 1e-7 of room, or 1e-6 if cvxpy finds no answer before, changes cvxpy's value by
    more than the difference.
    """
    told: list[float] = []
    for room in ROOMS:
        wide = {name: slack + room for name, slack in give.items()}
        answer = best(problem, wide, least)
        if room == 0 and abs(value - answer.objective) <= 1e-5:
            return True
        if answer.broken <= max(1e-8, room):
            told.append(answer.objective)
        if room >= 1e-7 and len(told) > 1:
            break
    assert abs(value - told[0]) <= max(told) - min(told)
    return False


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
    for seed in [*range(chunk * EACH, (chunk + 1) * EACH), *NARROW[chunk::CHUNKS]]:
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
    assert count["loose"] < count["clear"]
