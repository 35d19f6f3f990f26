"""What is remembered of an enhanced portfolio's decision: plain numbers and words by name."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from alpha_lightning.portfolio.benchmark_weights import Constituents
from alpha_lightning.portfolio.policy import Floats
from alpha_lightning.portfolio.program import RELAXED_FIRST, Problem, Solution
from alpha_lightning.portfolio.trade_bounds import TradeBounds

NUMBERS = (
    *("ex_ante_te", "turnover", "style", "industry", "constituents", "active"),
    *(f"slack_{name}" for name in RELAXED_FIRST),
    *("violation", "objective", "columns", "rounds"),
    *("names", "covered_benchmark", "benchmark_age", "uncovered", "frozen", "no_buy", "no_sell"),
)
"""Facts that are numbers; None where there are none."""
EXPOSURES = ("exposure", "benchmark_exposure")
"""Facts that are numbers by factor."""
_AUDITED = {
    "ex_ante_te": "tracking_error",
    "turnover": "turnover",
    "style": "style",
    "industry": "industry",
    "constituents": "floor",
    "active": "active",
}


def of_problem(problem: Problem, index: Constituents, bounds: TradeBounds) -> dict[str, Any]:
    """Facts that are there before a program is solved.

    ``frozen``, ``no_buy`` and ``no_sell`` count stocks that are held or constituents.
    """
    meant = (problem.held > 0) | (problem.benchmark > 0)
    return {
        "covered_benchmark": index.covered,
        "benchmark_age": index.age,
        "frozen": int((bounds.frozen & meant).sum()),
        "no_buy": int((bounds.no_buy & meant).sum()),
        "no_sell": int((bounds.no_sell & meant).sum()),
    }


def of_solution(problem: Problem, solution: Solution) -> dict[str, Any]:
    """Facts of what came out, exposures included; of a failure the status and the reason."""
    told: dict[str, Any] = {
        "status": solution.status,
        "reason": solution.reason,
        "columns": int(solution.columns),
        "rounds": int(solution.rounds),
        **{f"slack_{name}": float(solution.slacks.get(name, 0.0)) for name in RELAXED_FIRST},
    }
    weights = solution.weights
    if weights is None:
        return told
    values = solution.audit.values
    risk = problem.risk
    return told | {
        **{name: float(values[own]) for name, own in _AUDITED.items()},
        "violation": float(solution.audit.worst),
        "objective": float(solution.objective),
        "names": int((weights > 0).sum()),
        "exposure": _by_factor(risk.factors, risk.exposure(weights)),
        "benchmark_exposure": _by_factor(risk.factors, risk.exposure(problem.benchmark)),
    }


def _by_factor(factors: tuple[str, ...], exposure: Floats) -> Mapping[str, float]:
    return dict(zip(factors, np.asarray(exposure).tolist(), strict=True))
