"""Clarabel, asked once."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse

from alpha_lightning.portfolio.cone_rows import ConeProgram
from alpha_lightning.portfolio.policy import Floats

Verdict = Literal["solved", "infeasible", "doubtful"]
MAX_ITERATIONS = 200
_TOLERANCE = 1e-9
"""Of gap and residuals; the constraints are to hold to 1e-7."""
_UNIT = 1 / 30
"""Of weight, as the solver is to see it: with numbers nearer to 1 it takes a sixth fewer steps."""
_NEARLY_GAP, _NEARLY_FEASIBLE = 1e-7, 1e-8
"""What will do where the solver stops short of its tolerance: a tenth of what is asked of it."""
_INFEASIBLE = ("PrimalInfeasible", "AlmostPrimalInfeasible")


@dataclass(frozen=True)
class Answer:
    """What the solver says.

    Args:
        verdict: ``doubtful`` where it stopped before it knew: what it has may still be good.
        status: in the solver's own word.
        point: ``(V,)`` variables.
        dual: ``(R,)`` multipliers of the rows.
    """

    verdict: Verdict
    status: str
    point: Floats
    dual: Floats


def ask(program: ConeProgram, *, careful: bool = False) -> Answer:
    """Solve a cone program on one thread; the same program gives the same bits.

    Args:
        program: the data.
        careful: with shorter steps and more refinement, after a first attempt has failed.
    """
    import clarabel

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.max_iter = MAX_ITERATIONS
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _TOLERANCE
    settings.presolve_enable = False
    if careful:
        settings.max_step_fraction = 0.95
        settings.iterative_refinement_max_iter = 50
        settings.static_regularization_constant = 1e-9
        settings.equilibrate_max_iter = 50
    cones: list[Any] = [clarabel.ZeroConeT(program.zeros)]
    cones.append(clarabel.NonnegativeConeT(program.positives))
    if program.cone:
        cones.append(clarabel.SecondOrderConeT(program.cone))
    count = len(program.cost)
    nothing = sparse.csc_matrix((count, count))
    solver = clarabel.DefaultSolver(
        nothing, program.cost, program.matrix, program.right / _UNIT, cones, settings
    )
    found = solver.solve()
    status = str(found.status)
    verdict: Verdict = "doubtful"
    if status in _INFEASIBLE:
        verdict = "infeasible"
    elif status == "Solved" or _nearly(found) or (careful and status == "AlmostSolved"):
        # A program without an inside has no multipliers to prove more by.
        verdict = "solved"
    return Answer(verdict, status, np.array(found.x) * _UNIT, np.array(found.z))


def _nearly(found: Any) -> bool:
    """Whether the multipliers prove that an answer is as good as it has to be."""
    gap = abs(found.obj_val - found.obj_val_dual) / max(1.0, abs(found.obj_val_dual))
    kept = found.r_prim <= _NEARLY_FEASIBLE and found.r_dual <= _NEARLY_FEASIBLE
    return bool(gap <= _NEARLY_GAP and kept)
