"""The portfolio of the largest score that stays near an index."""

from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.side_arrays import index_weights
from alpha_lightning.panel.store import Panel
from alpha_lightning.portfolio.benchmark_weights import Constituents, constituents
from alpha_lightning.portfolio.decision_facts import of_problem, of_solution
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.portfolio.optimise import optimise
from alpha_lightning.portfolio.policy import (
    TOLERANCE,
    Flags,
    Floats,
    Hold,
    Observation,
    Target,
)
from alpha_lightning.portfolio.program import Problem, Solution
from alpha_lightning.portfolio.trade_bounds import trade_bounds
from alpha_lightning.risk.factor_risk import FactorRisk

DUST = 1e-6
"""Weight below which a stock is not held."""
_SAME = 1e-7  # a change of weight that is no trade
_ALIKE = 1e-9  # of the largest score: a deviation that is none


class Risk(Protocol):
    """Where the risk of a date is told."""

    def at(self, row: int) -> FactorRisk | None:
        """Risk as known at the close of a panel row; None before there is one."""
        ...


@dataclass(frozen=True)
class EnhancedPolicy:
    """A `Policy` under the limits of `IndexEnhanced`.

    Scores are standardised over the universe of the date; one without a score counts as average
    and is bought up to its weight in the index at most. What did not trade on the date stays as it
    is, what is at a price limit does not move that way. Weights of an index of which a part is not
    listed are scaled up to 1. All that cannot be decided is a `Hold` that says why.

    Args:
        settings: limits.
        risk: by panel row.
        weights: ``(T, N)`` of the index as known on each date, 0 outside.
        dates: ``(T,)`` of the panel, ascending.
    """

    settings: IndexEnhanced
    risk: Risk
    weights: NDArray[Any]
    dates: NDArray[Any]

    @classmethod
    def of_panel(cls, panel: Panel, settings: IndexEnhanced, risk: Risk) -> Self:
        """The policy on a panel.

        Raises:
            UserError: the panel has no weights of the index.
        """
        return cls(settings, risk, index_weights(panel, settings.index), panel.dates)

    def decide(self, seen: Observation) -> Target | Hold:
        """What to hold, with the facts of the decision."""
        row = int(np.searchsorted(self.dates, seen.date))
        index = constituents(self.weights, row, seen.history("listed", 1)[-1])
        risk = self.risk.at(row)
        reason = self._lacking(seen, index) or ("" if risk else "no risk model yet")
        if reason or risk is None:
            return Hold(reason, {"status": "held", "reason": reason} | _coverage(index))
        held = _whole(seen.weights)
        score, scored = _standardised(seen, index.weights)
        bounds = trade_bounds(seen, held, index.weights, scored)
        problem = Problem(
            score=score,
            benchmark=index.weights,
            held=held,
            risk=risk.filled(),
            members=index.weights > 0,
            lower=bounds.lower,
            upper=bounds.upper,
            limits=self.settings.limits(first=not (seen.shares > 0).any()),
            names=seen.symbols.tolist(),
        )
        solution = self._solved(problem, seen.date)
        meant = (held > 0) | (index.weights > 0)
        facts = {
            **of_problem(problem, index, bounds),
            "uncovered": int((~risk.covered & meant).sum()),
            **of_solution(problem, solution),
        }
        if solution.weights is None:
            return Hold(f"no portfolio: {solution.reason}", facts)
        return _target(solution.weights, held, seen.shares, facts)

    def _solved(self, problem: Problem, date: np.datetime64) -> Solution:
        try:
            return optimise(problem, self.settings.order)
        except UserError as error:
            msg = f"enhanced portfolio of {date.astype('datetime64[D]')}: {error}"
            raise UserError(msg) from error

    def _lacking(self, seen: Observation, index: Constituents) -> str:
        settings = self.settings
        if not index.covered > 0:
            return f"no weights of {settings.index}"
        if index.covered < settings.min_benchmark:
            return (
                f"only {index.covered:.1%} of the weight of {settings.index} is in the panel"
                f" (min_benchmark is {settings.min_benchmark:g})"
            )
        if settings.max_age is not None and index.age > settings.max_age:
            return f"the weights of {settings.index} have not changed for {index.age} trading days"
        found = int((seen.universe & np.isfinite(seen.scores)).sum())
        asked = int(seen.universe.sum())
        if not found:
            return "no scores"
        if found < settings.min_coverage * asked:
            return f"scores for {found} of {asked} stocks"
        return ""


def _coverage(index: Constituents) -> dict[str, Any]:
    return {"covered_benchmark": index.covered, "benchmark_age": index.age}


def _whole(weights: Floats) -> Floats:
    """Drifted weights ``(N,)`` of which cash that is a rounding error, or owed, is no part."""
    total = float(weights.sum())
    return weights / total if total > 1 - TOLERANCE else weights


def _standardised(seen: Observation, benchmark: Floats) -> tuple[Floats, Flags]:
    """Scores in deviations from the universe's mean, 0 where there is none, and where there is."""
    finite = np.isfinite(seen.scores)
    scored = finite & (seen.universe | (benchmark > 0))
    inside = seen.scores[finite & seen.universe]
    mean, spread = float(inside.mean()), float(inside.std())
    # A constant's deviation is a rounding error, and nothing to be ranked by.
    if spread <= _ALIKE * max(float(np.abs(inside).max()), 1e-300):
        return np.zeros(len(seen.scores)), scored
    return np.where(scored, (seen.scores - mean) / spread, 0.0), scored


def _target(weights: Floats, held: Floats, shares: Floats, facts: dict[str, Any]) -> Target:
    kept = (shares > 0) & (np.abs(weights - held) < _SAME)
    columns = np.flatnonzero(kept | (weights >= DUST))
    # A blocked purchase waits in cash for the next signal: nothing stands in for it.
    nobody = np.empty(0, dtype=np.intp)
    return Target(columns, weights[columns], kept[columns], nobody, None, facts)
