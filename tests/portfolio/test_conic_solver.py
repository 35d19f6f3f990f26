"""The solver's verdicts on programs of two variables."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from alpha_lightning.portfolio import conic_solver
from alpha_lightning.portfolio.cone_rows import ConeProgram
from alpha_lightning.portfolio.conic_solver import ask


def program(rows: Any, right: list[float], cost: list[float], cone: int = 0) -> ConeProgram:
    """The first row an equality, then rows ``<=``, then the rows of a cone."""
    nobody = np.empty(0, dtype=np.intp)
    matrix = sparse.csc_matrix(np.array(rows, dtype=float))
    positives = len(right) - 1 - cone
    return ConeProgram(
        matrix, np.array(right), np.array(cost), 1, positives, cone, nobody, nobody, -1, -1
    )


LINE = [[1.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]


def test_a_corner_and_its_multipliers() -> None:
    found = ask(program(LINE, [1.0, 0.0, 0.0], [-2.0, -1.0]))
    assert (found.verdict, found.status) == ("solved", "Solved")
    assert found.point == pytest.approx(np.array([1.0, 0.0]), abs=1e-8)
    # cost + A' dual = 0: one more of the sum is worth 2, the second costs 1 of it.
    assert found.dual == pytest.approx(np.array([2.0, 0.0, 1.0]), abs=1e-7)


@pytest.mark.parametrize("careful", [False, True])
def test_the_edge_of_a_cone(careful: bool) -> None:
    rows = [[1.0, 1.0], [0.0, 0.0], [-1.0, 0.0], [0.0, -1.0]]
    found = ask(program(rows, [0.0, 0.5, 0.0, 0.0], [-1.0, 0.0], cone=3), careful=careful)
    assert found.verdict == "solved"
    assert found.point == pytest.approx(np.array([1, -1]) * 0.5 / np.sqrt(2), abs=1e-8)


def test_what_is_impossible_is_infeasible() -> None:
    found = ask(program(LINE, [-1.0, 0.0, 0.0], [-2.0, -1.0]))
    assert (found.verdict, found.status) == ("infeasible", "PrimalInfeasible")


class Fake:
    """What Clarabel returns, and a solver that returns it."""

    def __init__(self, **given: Any) -> None:
        self.status, self.obj_val, self.obj_val_dual = "AlmostSolved", -20.0, -20.0
        self.r_prim = self.r_dual = 1e-9
        self.x, self.z = [30.0, 0.0], [0.0, 0.0, 0.0]
        vars(self).update(given)

    def solve(self) -> "Fake":
        return self


@pytest.mark.parametrize(
    ("given", "first", "careful"),
    [
        ({}, "solved", "solved"),
        ({"obj_val_dual": -20.0 - 1e-6}, "solved", "solved"),
        ({"obj_val_dual": -20.0 - 1e-5}, "doubtful", "solved"),
        ({"r_prim": 1e-7}, "doubtful", "solved"),
        ({"r_dual": float("nan")}, "doubtful", "solved"),
        ({"status": "MaxIterations"}, "solved", "solved"),
        ({"status": "MaxIterations", "obj_val": -19.0}, "doubtful", "doubtful"),
        ({"status": "InsufficientProgress", "r_prim": 1.0}, "doubtful", "doubtful"),
        ({"status": "PrimalInfeasible"}, "infeasible", "infeasible"),
        ({"status": "AlmostPrimalInfeasible", "r_prim": 1.0}, "infeasible", "infeasible"),
        ({"status": "DualInfeasible", "obj_val": float("nan")}, "doubtful", "doubtful"),
    ],
)
def test_what_stops_short_is_judged_by_its_gap(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], first: str, careful: str
) -> None:
    monkeypatch.setattr("clarabel.DefaultSolver", lambda *_: Fake(**given))
    found = [ask(program(LINE, [1.0, 0, 0], [-2.0, -1.0]), careful=c) for c in (False, True)]
    assert [answer.verdict for answer in found] == [first, careful]


def test_what_has_no_end_and_what_takes_too_long_is_doubtful(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [[1.0, -1.0], [-1.0, 0.0], [0.0, -1.0]]
    assert ask(program(rows, [0.0, 0.0, 0.0], [-1.0, 0.0])).verdict == "doubtful"
    monkeypatch.setattr(conic_solver, "MAX_ITERATIONS", 2)
    found = ask(program(LINE, [1.0, 0.0, 0.0], [-2.0, -1.0]))
    assert (found.verdict, found.status) == ("doubtful", "MaxIterations")
