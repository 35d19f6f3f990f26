"""Exact answers from part of the stocks: those left out are priced, and let in if they would help.

A stock that the benchmark does not have, that is not held and need not be bought has weight 0 in
most answers. Without it the program is a tenth of the size; the multipliers of the small program
tell whether any stock that was left out would be bought.
"""

from dataclasses import dataclass, replace

import numpy as np

from alpha_lightning.portfolio.audit import audit
from alpha_lightning.portfolio.cone_rows import ConeProgram, Rows, Variant
from alpha_lightning.portfolio.conic_solver import Answer, Verdict, ask
from alpha_lightning.portfolio.policy import Floats, Index
from alpha_lightning.portfolio.program import Problem

FIRST = 300
"""Best stocks that are let in beside those that must be there."""
_GAIN = 1e-9
"""Reduced cost, in standard deviations of the score, below which a stock would be bought."""
_DUST = (1e-6, 1e-7, 1e-8, 1e-9)
"""Weights below which a stock is left out, the first with which all limits hold."""
_GOOD = 1e-8
_PINNED = 1e-10


@dataclass(frozen=True)
class Outcome:
    """What is known of a variant of a problem.

    Args:
        verdict: ``infeasible`` where no weights keep its limits, ``doubtful`` where nobody knows.
        status: the solver's word.
        weights: ``(N,)``, None unless found.
        slack: of the limit that was made least.
        columns: stocks in the last program.
        rounds: programs that were solved.
    """

    verdict: Verdict
    status: str
    weights: Floats | None
    slack: float = 0.0
    columns: int = 0
    rounds: int = 0


def best(problem: Problem, variant: Variant) -> Outcome:
    """The weights of the highest score that keep a variant's limits."""
    if (only := _pinned(problem, variant)) is not None:
        return _only(problem, variant, only)
    scores = _scaled(problem)
    rounds = 0
    chosen = _first(problem, scores)
    while True:
        found, program, answer = _solve(problem, variant, chosen, scores)
        rounds += found.rounds
        left = np.setdiff1d(_free(problem), chosen, assume_unique=True)
        if not len(left):
            return replace(found, rounds=rounds)
        if found.verdict != "solved" or program is None or answer is None:
            chosen = _free(problem)
            continue
        wanted = left[_reduced_cost(problem, program, answer, left, scores) < -_GAIN]
        if not len(wanted):
            return replace(found, rounds=rounds)
        chosen = np.union1d(chosen, wanted)


def least(problem: Problem, variant: Variant) -> Outcome:
    """The least slack that one limit needs while a variant's others are kept."""
    if (only := _pinned(problem, variant)) is not None:
        return _only(problem, variant, only)
    found, _, _ = _solve(problem, variant, _free(problem), _scaled(problem))
    return found


def _pinned(problem: Problem, variant: Variant) -> Floats | None:
    """The one answer that a limit of 0 leaves."""
    pinned = {"tracking_error": problem.benchmark, "turnover": problem.held}
    for name, only in pinned.items():
        limit = getattr(variant.limits, name)
        if limit is not None and limit <= _PINNED and variant.least != name:
            return only
    return None


def _free(problem: Problem) -> Index:
    return np.flatnonzero(problem.lower < problem.upper)


def _scaled(problem: Problem) -> Floats:
    # A constant is the same for all weights of sum 1; the solver likes numbers near 1.
    free = problem.score[_free(problem)]
    if not len(free):
        return problem.score
    spread = float(free.std())
    return np.asarray((problem.score - free.mean()) / (spread if spread > 0 else 1.0))


def _first(problem: Problem, scores: Floats) -> Index:
    needed = (problem.benchmark > 0) | (problem.held > 0) | (problem.lower > 0)
    free = problem.lower < problem.upper
    others = np.flatnonzero(free & ~needed)
    if len(others) <= FIRST:
        return np.flatnonzero(free)
    worth = scores[others]
    top = others[np.argpartition(-worth, FIRST)[:FIRST]]
    return np.union1d(np.flatnonzero(free & needed), top)


def _solve(
    problem: Problem, variant: Variant, chosen: Index, scores: Floats
) -> tuple[Outcome, ConeProgram | None, Answer | None]:
    fixed = problem.lower.copy()
    fixed[chosen] = 0.0
    if not len(chosen):
        return _only(problem, variant, fixed), None, None
    program = Rows(problem, variant, chosen, fixed, scores).made()
    for rounds, careful in enumerate((False, True), 1):
        answer = ask(program, careful=careful)
        found = Outcome(answer.verdict, answer.status, None, columns=len(chosen), rounds=rounds)
        if found.verdict == "infeasible":
            break
        if found.verdict == "solved":
            slack = max(float(answer.point[-1]), 0.0) if variant.least is not None else 0.0
            point = _spread(problem, chosen, fixed, answer.point)
            weights = _cleaned(problem, variant, slack, point)
            if weights is not None:
                return replace(found, weights=weights, slack=slack), program, answer
            found = replace(found, verdict="doubtful")
    return found, program, answer


def _only(problem: Problem, variant: Variant, weights: Floats) -> Outcome:
    """Where nothing can move the one answer is looked at."""
    seen = audit(replace(problem, limits=variant.limits), weights)
    broken = {name: value for name, value in seen.violations.items() if value > _GOOD}
    slack = broken.pop(variant.least, 0.0) if variant.least is not None else 0.0
    if broken:
        return Outcome("infeasible", "nothing can move", None)
    return Outcome("solved", "nothing can move", weights, slack)


def _spread(problem: Problem, chosen: Index, fixed: Floats, point: Floats) -> Floats:
    weights = fixed.copy()
    weights[chosen] = np.clip(point[: len(chosen)], problem.lower[chosen], problem.upper[chosen])
    return weights


def _cleaned(problem: Problem, variant: Variant, slack: float, weights: Floats) -> Floats | None:
    """Without dust, if the limits allow it; None where they do not hold either way."""
    given = {} if variant.least is None else {str(variant.least): slack}
    limited = replace(problem, limits=variant.limits)
    for dust in (*_DUST, 0.0):
        kept = np.where((weights < dust) & (problem.lower <= 0), 0.0, weights)
        made = _summed(problem, kept)
        if audit(limited, made, given).worst <= (5 if dust else 10) * _GOOD:
            return made
    return None


def _summed(problem: Problem, weights: Floats) -> Floats:
    # What is missing goes to those with room, in proportion to their weight.
    gap = 1.0 - weights.sum()
    edge = problem.upper if gap > 0 else problem.lower
    room = np.where(weights > 0, np.abs(edge - weights), 0.0)
    share = np.minimum(weights, room)
    total = float(share.sum())
    if total <= 0 or abs(gap) > total:
        return weights
    return np.asarray(weights + gap * share / total)


def _reduced_cost(
    problem: Problem, program: ConeProgram, answer: Answer, left: Index, scores: Floats
) -> Floats:
    """What a little weight of stocks that were left out would cost, ``(left,)``; below 0: gain."""
    dual = answer.dual
    budget, exposure = dual[0], dual[1 : program.zeros]
    cost = -scores[left] + budget - problem.risk.exposures[np.ix_(left, program.live)] @ exposure
    if program.turnover_row >= 0:
        cost += dual[program.turnover_row]
    if program.floor_row >= 0:
        cost -= np.where(problem.members[left], dual[program.floor_row], 0.0)
    return np.asarray(cost)
