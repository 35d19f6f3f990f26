"""The program once more, as it is written down, by cvxpy; what is broken, by plain arithmetic."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np

from alpha_lightning.portfolio.policy import Floats
from alpha_lightning.portfolio.program import RELAXED_FIRST, Limit, Problem

GONE = float("inf")
"""The slack of a limit that is left out."""
TIGHT = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}
TIGHTER = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10, "max_iter": 500}
TIGHTER |= {"equilibrate_max_iter": 50}
JUST = 1e-7
"""A program that lacks less than this is neither feasible nor infeasible to a solver."""


@dataclass(frozen=True)
class Answer:
    """What cvxpy says of a program.

    Args:
        feasible: None is too close to tell, or an inaccurate answer.
        weights: None unless there is an answer.
        objective: score of the weights, or the slack that was made least.
        broken: by how much the weights break a limit, the slacks given.
    """

    feasible: bool | None
    weights: Floats | None = None
    objective: float = float("nan")
    broken: float = GONE


def rules(problem: Problem, w: Any, give: Mapping[str, Any]) -> list[Any]:
    """Every constraint of a program; the limits wider by what ``give`` says."""
    limits, risk, active = problem.limits, problem.risk, w - problem.benchmark
    found = [cp.sum(w) == 1, w >= 0, w >= problem.lower, w <= problem.upper]
    kept = {name: give.get(name, 0.0) for name in RELAXED_FIRST}
    kept = {name: more for name, more in kept.items() if getattr(limits, name) is not None}
    for name, more in kept.items():
        limit = getattr(limits, name)
        if isinstance(more, float) and more == GONE:
            continue
        if name == "turnover":
            found.append(cp.norm1(w - problem.held) / 2 <= limit + more)
        elif name == "tracking_error":
            common = risk.root.T @ (risk.exposures.T @ active)
            own = cp.multiply(np.sqrt(risk.specific), active)
            found.append(cp.norm2(cp.hstack([common, own])) <= limit + more)
        elif name in {"style", "industry"}:
            columns = risk.columns("style" if name == "style" else "industry")
            if len(columns):
                found.append(cp.abs(risk.exposures[:, columns].T @ active) <= limit + more)
        elif name == "floor":
            found.append(problem.members.astype(float) @ w >= limit - more)
        else:
            found += active_rows(problem, w, more)
    return found


def active_rows(problem: Problem, w: Any, more: Any) -> list[Any]:
    """A stock whose bound is beyond the active limit may stay there, and goes no further."""
    limit = problem.limits.active or 0.0
    low, high = problem.benchmark - limit, problem.benchmark + limit
    if isinstance(more, float):
        return [w >= np.minimum(low - more, problem.upper),
                w <= np.maximum(high + more, problem.lower)]  # fmt: skip
    free_low, free_high = problem.upper >= low, problem.lower <= high
    return [
        w >= np.minimum(low, problem.upper) - cp.multiply(free_low.astype(float), more),
        w <= np.maximum(high, problem.lower) + cp.multiply(free_high.astype(float), more),
    ]


def solved(goal: Any, constraints: list[Any], **settings: Any) -> str:
    """Clarabel's verdict."""
    program = cp.Problem(goal, constraints)
    with warnings.catch_warnings():
        # That an answer may be inaccurate is in the verdict.
        warnings.simplefilter("ignore", UserWarning)
        try:
            program.solve(solver=cp.CLARABEL, **settings)
        except cp.SolverError:
            return "failed"
    return str(program.status)


def lacking(problem: Problem, give: Mapping[str, Any]) -> float:
    """By how much all limits must give way for any weights to be there; infinite if in vain."""
    w, t = cp.Variable(len(problem.score)), cp.Variable(nonneg=True)
    wide: dict[str, Any] = {}
    for name in RELAXED_FIRST:
        more = give.get(name, 0.0)
        wide[name] = more if isinstance(more, float) and more == GONE else more + t
    verdict = solved(cp.Minimize(t), rules(problem, w, wide), **TIGHTER)
    return float(t.value) if verdict == "optimal" else GONE


def best(
    problem: Problem, give: Mapping[str, Any] | None = None, least: Limit | None = None
) -> Answer:
    """The best weights with all limits, wider by ``give``; or those that need the least slack."""
    w, slack = cp.Variable(len(problem.score)), cp.Variable(nonneg=True)
    aim = cp.Maximize(problem.score @ w) if least is None else cp.Minimize(slack)
    wide: dict[str, Any] = dict(give or {})
    if least is not None:
        wide[least] = slack
    for settings in (TIGHT, TIGHTER):
        verdict = solved(aim, rules(problem, w, wide), **settings)
        if verdict == "optimal":
            break
        if verdict == "infeasible":
            return Answer(False)
    if verdict in {"optimal", "optimal_inaccurate"}:
        given = {name: float(slack.value) if name == least else wide[name] for name in wide}
        broken = max(breaches(problem, w.value, given).values())
        goal = problem.score @ w.value if least is None else slack.value
        return Answer(verdict == "optimal" or None, w.value, float(goal), broken)
    return Answer(False if lacking(problem, wide) > JUST else None)


def must_go(problem: Problem, order: Sequence[Limit] = RELAXED_FIRST) -> list[Limit] | None:
    """The shortest beginning of the order without which there are weights; None if there is none.

    Raises:
        ArithmeticError: it is too close to tell.
    """
    named = [name for name in order if getattr(problem.limits, name) is not None]
    for count in range(len(named) + 1):
        found = best(problem, dict.fromkeys(named[:count], GONE))
        if found.feasible:
            return named[:count]
        if found.feasible is None:
            msg = f"unclear without {named[:count]}"
            raise ArithmeticError(msg)
    return None


def breaches(problem: Problem, w: Floats, slacks: Mapping[str, float]) -> dict[str, float]:
    """How far beyond each limit and its slack weights are; the covariance multiplied out."""
    limits, risk, active = problem.limits, problem.risk, w - problem.benchmark
    whole = risk.exposures @ risk.covariance @ risk.exposures.T + np.diag(risk.specific)
    exposed = {
        kind: [abs(float(risk.exposures[:, k] @ active)) for k, own in enumerate(risk.kinds)
               if own == kind]
        for kind in ("style", "industry")
    }  # fmt: skip
    wide = (limits.active or 0.0) + slacks.get("active", 0.0)
    high = np.maximum(problem.benchmark + wide, problem.lower)
    low = np.minimum(problem.benchmark - wide, problem.upper)
    values = {
        "turnover": float(np.abs(w - problem.held).sum()) / 2,
        "tracking_error": max(float(active @ whole @ active), 0.0) ** 0.5,
        "style": max(exposed["style"], default=0.0),
        "industry": max(exposed["industry"], default=0.0),
        "floor": -float(w[problem.members].sum()),
        "active": float(np.max([low - w, w - high])),
    }
    found = {
        "budget": abs(float(w.sum()) - 1),
        "bounds": float(np.max([problem.lower - w, w - problem.upper, -w])),
    }
    for name, value in values.items():
        limit = getattr(limits, name)
        if limit is not None:
            allowed = limit + slacks.get(name, 0.0)
            allowed = {"floor": slacks.get(name, 0.0) - limit, "active": 0.0}.get(name, allowed)
            found[name] = value - allowed
    return {name: max(beyond, 0.0) for name, beyond in found.items()}
