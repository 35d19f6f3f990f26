"""Weights of an index-enhanced portfolio: the best score within limits, or the least relaxation."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.portfolio.audit import audit
from alpha_lightning.portfolio.cone_rows import Variant
from alpha_lightning.portfolio.policy import TOLERANCE, Floats
from alpha_lightning.portfolio.program import RELAXED_FIRST, Limit, Limits, Problem, Solution
from alpha_lightning.portfolio.stock_selection import Outcome, best, least

_ROOMS = (1e-8, 1e-7, 1e-6)
"""Beyond the least slack, so that the program after it has an inside; more where that fails."""
_ALIKE = 1e-9
_KEPT = 1e-7
"""Largest violation of a solution."""


def optimise(problem: Problem, order: Sequence[Limit] = RELAXED_FIRST) -> Solution:
    """Solve the program; where its limits contradict each other, give up the least of them.

    First with all limits. If no weights keep them, the shortest beginning of the order is sought
    without which the others can be kept; the slacks of its limits are made as small as they can
    be, that of the last first, and with these slacks the score is maximised. Budget and bounds
    never give way. If the stocks that may move have all the same score, the tracking error is made
    least instead.

    Args:
        problem: the program.
        order: limits that may be relaxed, the first before the others; one that is not named is
            kept.

    Returns:
        Weights that keep every constraint, up to its slack, to 1e-7 by our own count, or the
        reason why there are none.

    Raises:
        UserError: an input is not finite, of another length or contradicts itself.
        ArtefactError: the covariance is not positive semidefinite.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), enhanced portfolios.
    """
    refuse(problem, order)
    problem = _summing(problem)
    found = _sought(problem, problem.limits)
    if found.weights is None:
        return _relaxed(problem, order, found)
    return _solution(problem, found, {})


def refuse(problem: Problem, order: Sequence[Limit]) -> None:
    """Check a problem before anything is solved.

    Raises:
        UserError: an input is not finite, of another length or contradicts itself.
        ArtefactError: the covariance is not positive semidefinite.
    """
    count = len(problem.score)
    fault = _misfit(problem, count) or _not_finite(problem) or _contradiction(problem)
    unknown = [name for name in order if name not in RELAXED_FIRST]
    if unknown or len(set(order)) < len(order):
        fault = f"the order of relaxation is {', '.join(order)}: name each limit once at most"
    if fault:
        msg = f"optimisation: {fault}"
        raise UserError(msg)
    _ = problem.risk.root


def _summing(problem: Problem) -> Problem:
    # Sums that are 1 but for rounding are 1: where a limit is 0 nothing else would keep it.
    held = problem.held.sum()
    whole = problem.held / held if abs(held - 1) <= TOLERANCE else problem.held
    return replace(problem, benchmark=problem.benchmark / problem.benchmark.sum(), held=whole)


def _sought(problem: Problem, limits: Limits) -> Outcome:
    free = problem.lower < problem.upper
    scores = problem.score[free]
    spread = float(np.ptp(scores)) if len(scores) else 0.0
    if spread > _ALIKE * max(1.0, float(np.abs(scores).max(initial=0.0))):
        return best(problem, Variant(limits))
    # Nothing to gain: the benchmark itself is the answer that a limit on tracking error is about.
    closest = least(problem, Variant(replace(limits, tracking_error=0.0), "tracking_error"))
    allowed = limits.tracking_error
    if closest.verdict == "solved" and allowed is not None and closest.slack > allowed + _ROOMS[0]:
        return replace(closest, verdict="infeasible", weights=None)
    return closest


def _relaxed(problem: Problem, order: Sequence[Limit], found: Outcome) -> Solution:
    limits, relaxed, rounds = problem.limits, list[Limit](), found.rounds
    for name in order:
        if getattr(problem.limits, name) is None:
            continue
        relaxed.append(name)
        found = least(problem, Variant(limits, name))
        rounds += found.rounds
        # Where it is doubtful the next one gives way too, by nothing if that was not needed.
        if found.verdict == "solved":
            break
        limits = replace(limits, **{name: None})
    if found.verdict == "infeasible":
        kept = ", ".join(relaxed) or "no limit"
        reason = f"no weights keep the budget and what may be traded, with {kept} relaxed"
        return Solution(None, "failed", reason=reason, rounds=rounds)
    for room in _ROOMS:
        solution = _giving_way(problem, limits, relaxed, found, room)
        rounds += solution.rounds
        if solution.weights is not None:
            break
    return replace(solution, rounds=rounds)


def _giving_way(
    problem: Problem, limits: Limits, relaxed: Sequence[Limit], last: Outcome, room: float
) -> Solution:
    slacks: dict[str, float] = {}
    found, rounds = last, 0
    for name in reversed(relaxed):
        if name != relaxed[-1]:
            found = least(problem, Variant(replace(limits, **_given(problem, name)), name))
            rounds += found.rounds
        if found.verdict != "solved":
            return Solution(None, "failed", reason=_doubt(found), rounds=rounds)
        slacks[name] = found.slack + room if found.slack > _ROOMS[0] else 0.0
        limits = replace(limits, **_given(problem, name, slacks[name] + _ROOMS[0]))
    found = _sought(problem, limits)
    given = {name: slack + _ROOMS[0] for name, slack in slacks.items() if slack > 0}
    solution = _solution(problem, found, given)
    return replace(solution, rounds=rounds + found.rounds)


def _given(problem: Problem, name: str, slack: float = 0.0) -> dict[str, float]:
    limit = float(getattr(problem.limits, name))
    return {name: max(limit - slack, 0.0) if name == "floor" else limit + slack}


def _solution(problem: Problem, found: Outcome, slacks: dict[str, float]) -> Solution:
    if found.weights is None:
        return Solution(None, "failed", slacks, reason=_doubt(found), rounds=found.rounds)
    checked = audit(problem, found.weights, slacks)
    worst = max(checked.violations, key=lambda name: checked.violations[name])
    if checked.worst > _KEPT:
        reason = f"{_doubt(found)}; {worst} is broken by {checked.worst:.2g}"
        return Solution(None, "failed", slacks, checked, reason=reason, rounds=found.rounds)
    told = ", ".join(f"{name} by {slack:.4g}" for name, slack in slacks.items())
    return Solution(
        found.weights,
        "relaxed" if slacks else "solved",
        slacks,
        checked,
        float(problem.score @ found.weights),
        f"relaxed: {told}" if told else "",
        found.columns,
        found.rounds,
    )


def _doubt(found: Outcome) -> str:
    return f"the solver stopped with {found.status}"


def _misfit(problem: Problem, count: int) -> str:
    vectors = ("score", "benchmark", "held", "members", "lower", "upper")
    wrong = [name for name in vectors if np.shape(getattr(problem, name)) != (count,)]
    risk = problem.risk
    if wrong:
        return f"{wrong[0]} is not of length {count}, as the scores are"
    factors = len(risk.factors)
    shapes = (risk.exposures.shape, risk.covariance.shape, risk.specific.shape)
    if shapes != ((count, factors), (factors, factors), (count,)) or len(risk.kinds) != factors:
        return f"the risk is not of {count} stocks and {factors} factors"
    return "" if count else "there is no stock"


def _not_finite(problem: Problem) -> str:
    numbers: dict[str, Floats] = {
        "score": problem.score,
        "benchmark": problem.benchmark,
        "held": problem.held,
        "lower": problem.lower,
        "upper": problem.upper,
        "specific variance": problem.risk.specific,
        "exposures": problem.risk.exposures.sum(axis=1),
    }
    for name, values in numbers.items():
        wrong = ~np.isfinite(values)
        if wrong.any():
            return f"{name} of {_name(problem, int(np.argmax(wrong)))} is not a finite number"
    if problem.risk.specific.min(initial=0.0) < 0:
        where = _name(problem, int(np.argmin(problem.risk.specific)))
        return f"specific variance of {where} is negative"
    return ""


def _contradiction(problem: Problem) -> str:
    total, held = float(problem.benchmark.sum()), float(problem.held.sum())
    if abs(total - 1) > TOLERANCE or problem.benchmark.min() < 0:
        return f"benchmark weights sum to {total:.8g}, or one is negative: renormalise them"
    if held > 1 + TOLERANCE or problem.held.min() < 0:
        return f"held weights sum to {held:.8g}, above 1, or one is negative"
    crossed = (problem.lower > problem.upper) | (problem.lower < 0)
    if crossed.any():
        return f"lower and upper weight of {_name(problem, int(np.argmax(crossed)))} contradict"
    return ""


def _name(problem: Problem, place: int) -> str:
    return str(problem.names[place]) if len(problem.names) else f"stock {place}"
