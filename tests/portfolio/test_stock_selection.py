"""Part of the stocks answers for all of them: whatever is left out first, the answer is one."""

from dataclasses import replace

import numpy as np
import pytest

from alpha_lightning.portfolio import stock_selection
from alpha_lightning.portfolio.cone_rows import ConeProgram, Variant
from alpha_lightning.portfolio.conic_solver import Answer, ask
from alpha_lightning.portfolio.optimise import optimise
from alpha_lightning.portfolio.program import Limits, Problem
from alpha_lightning.portfolio.stock_selection import best, least
from tests.portfolio.optimise_problems import plain_problem, random_problem

EVERY = 10**9


def from_the_index(seed: int, **limits: float | None) -> Problem:
    """A program that begins at the index, so that few stocks have to be there."""
    problem = random_problem(seed, stocks=220, limits=limits)
    free = np.zeros(220), np.ones(220)
    return replace(problem, held=problem.benchmark, lower=free[0], upper=free[1])


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("limits", [{}, {"turnover": 0.1, "floor": 0.8}, {"floor": None}])
def test_pricing_in_finds_what_all_columns_find(
    monkeypatch: pytest.MonkeyPatch, seed: int, limits: dict[str, float | None]
) -> None:
    problem = from_the_index(seed, **limits)
    monkeypatch.setattr(stock_selection, "FIRST", EVERY)
    whole = optimise(problem)
    assert (whole.status, whole.columns, whole.rounds) == ("solved", 220, 1)
    for first in (1, 20):
        monkeypatch.setattr(stock_selection, "FIRST", first)
        part = optimise(problem)
        assert part.status == "solved"
        assert part.columns <= 220
        assert part.objective == pytest.approx(whole.objective, abs=1e-7)
        assert part.audit.worst <= 1e-7


def test_few_are_shown_and_more_are_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock_selection, "FIRST", 1)
    told = [optimise(from_the_index(seed, turnover=0.05)) for seed in range(6)]
    assert max(found.rounds for found in told) > 1
    assert min(found.columns for found in told) < 200


def test_the_floor_is_in_the_price_of_a_constituent_without_weight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The fifth is the best constituent, though the index has none of it and others score more.
    problem = plain_problem([0.0, -3, 3, 2.5, 1], [0.5, 0.5, 0, 0, 0], floor=0.5)
    problem = replace(problem, members=np.array([True, True, False, False, True]))
    monkeypatch.setattr(stock_selection, "FIRST", 1)
    found = optimise(problem)
    assert found.weights == pytest.approx(np.array([0, 0, 0.5, 0, 0.5]), abs=1e-7)
    assert (found.columns, found.rounds) == (4, 2)


def test_the_turnover_is_in_the_price_of_a_purchase(monkeypatch: pytest.MonkeyPatch) -> None:
    # No stock is worth selling the best for; the turnover that there is goes to the third.
    problem = plain_problem([0.0, 2, 3, 2.5, 2.4], [0.5, 0.5, 0, 0, 0], turnover=0.1)
    monkeypatch.setattr(stock_selection, "FIRST", 1)
    found = optimise(problem)
    assert found.weights == pytest.approx(np.array([0.4, 0.5, 0.1, 0, 0]), abs=1e-7)
    assert (found.columns, found.rounds) == (3, 1)


def test_a_point_that_breaks_the_limits_is_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(program: ConeProgram, *, careful: bool = False) -> Answer:
        answer = ask(program, careful=careful)
        return replace(answer, point=answer.point[::-1])

    problem = plain_problem([0.0, 2, 3], [0.5, 0.5, 0], turnover=0.1, floor=0.95)
    assert best(problem, Variant(problem.limits)).verdict == "solved"
    monkeypatch.setattr(stock_selection, "ask", wrong)
    found = best(problem, Variant(problem.limits))
    assert (found.verdict, found.weights) == ("doubtful", None)


def test_who_cannot_be_kept_by_part_is_tried_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the last two can make up for the style of the frozen first.
    problem = plain_problem(
        [0.0, 3, 2, 1, -2, -3], [0.5, 0.5, 0, 0, 0, 0],
        styles=[[1.0], [0.0], [0.0], [0.0], [-2.0], [-2.0]], style=0.1,
        held=[0.9, 0.1, 0, 0, 0, 0], lower=[0.9, 0, 0, 0, 0, 0], upper=[0.9, 1, 1, 1, 1, 1],
    )  # fmt: skip
    monkeypatch.setattr(stock_selection, "FIRST", 1)
    assert optimise(problem).status == "relaxed"
    wide = replace(problem, limits=Limits(style=0.21))
    found = best(wide, Variant(wide.limits))
    assert (found.verdict, found.columns) == ("solved", 5)
    assert found.rounds > 1
    # 0.9 less 0.5 of the index is 0.4; of the 0.1 left x at -2 each must give 0.19.
    expected = [0.9, 0.005, 0, 0, 0.095, 0]
    assert found.weights == pytest.approx(np.array(expected), abs=1e-7)


def test_nobody_that_may_move() -> None:
    held = [0.5, 0.3, 0.2]
    fixed = plain_problem([1.0, 2, 3], held, lower=held, upper=held, turnover=0.1)
    found = best(fixed, Variant(fixed.limits))
    assert (found.verdict, found.columns) == ("solved", 0)
    assert found.weights is not None
    assert found.weights.tolist() == held
    foreign = replace(fixed, held=np.array([0.2, 0.3, 0.5]))
    assert best(foreign, Variant(foreign.limits)).verdict == "infeasible"
    told = least(foreign, Variant(foreign.limits, "turnover"))
    assert told.verdict == "solved"
    assert told.slack == pytest.approx(0.2)


def test_the_least_slack_and_none() -> None:
    problem = plain_problem([1.0, 2], [0.5, 0.5], held=[0.8, 0.2], turnover=0.1, active=0.0)
    assert least(problem, Variant(problem.limits, "turnover")).slack == pytest.approx(0.2, abs=1e-8)
    assert least(problem, Variant(problem.limits, "active")).slack == pytest.approx(0.2, abs=1e-8)
    loose = replace(problem, limits=Limits(turnover=0.4, active=0.0))
    assert least(loose, Variant(loose.limits, "turnover")).slack == pytest.approx(0, abs=1e-8)
    frozen = replace(loose, lower=problem.held, upper=problem.held, limits=Limits(style=0.1))
    assert least(frozen, Variant(frozen.limits, "style")).slack == 0
