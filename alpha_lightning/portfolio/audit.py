"""Every constraint of a program, measured again on the weights that came out."""

from collections.abc import Mapping

import numpy as np

from alpha_lightning.portfolio.policy import Floats
from alpha_lightning.portfolio.program import RELAXED_FIRST, Audit, Limits, Problem

_NOTHING: Mapping[str, float] = {}


def audit(problem: Problem, weights: Floats, slacks: Mapping[str, float] = _NOTHING) -> Audit:
    """What weights do, and how far that is beyond what they may.

    Args:
        problem: the program.
        weights: ``(N,)``.
        slacks: by limit, how much it was given.

    Returns:
        Values and violations of ``budget``, ``bounds`` and each limit; a limit that is not set has
        a value and no violation.
    """
    limits, active = problem.limits, weights - problem.benchmark
    exposure = active @ problem.risk.exposures
    outside = np.maximum(problem.lower - weights, weights - problem.upper)
    values = {
        "budget": float(weights.sum()),
        "bounds": float(outside.max(initial=0.0)),
        "turnover": turnover(problem.held, weights),
        "tracking_error": problem.risk.volatility(active),
        "style": _largest(exposure[problem.risk.columns("style")]),
        "industry": _largest(exposure[problem.risk.columns("industry")]),
        "floor": float(weights[problem.members].sum()),
        "active": _largest(active[problem.lower < problem.upper]),
    }
    violations = {"budget": abs(values["budget"] - 1), "bounds": max(values["bounds"], 0.0)}
    for name in RELAXED_FIRST:
        limit = getattr(limits, name)
        if limit is None:
            continue
        slack = slacks.get(name, 0.0)
        if name == "floor":
            beyond = limit - slack - values["floor"]
        elif name == "active":
            beyond = _beyond_active(problem, active, limit + slack)
        else:
            beyond = values[name] - limit - slack
        violations[name] = max(beyond, 0.0)
    return Audit(values, violations)


def turnover(held: Floats, weights: Floats) -> float:
    """One-way: half the sum of absolute changes."""
    return 0.5 * float(np.abs(weights - held).sum())


def tight(limits: Limits, name: str) -> float:
    """A limit, or infinity where none is set."""
    value = getattr(limits, name)
    return float("inf") if value is None else float(value)


def _largest(values: Floats) -> float:
    return float(np.abs(values).max(initial=0.0))


def _beyond_active(problem: Problem, active: Floats, limit: float) -> float:
    # Bounds go before the limit: what cannot be traded may lie beyond it.
    above = active - np.maximum(limit, problem.lower - problem.benchmark)
    below = np.minimum(-limit, problem.upper - problem.benchmark) - active
    return float(np.maximum(above, below).max(initial=0.0))
