"""A program as rows of a cone program: ``A x + s = b`` with ``s`` in a product of cones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from alpha_lightning.portfolio.audit import tight
from alpha_lightning.portfolio.policy import Floats, Index
from alpha_lightning.portfolio.program import Limit, Limits, Problem

Entries = tuple[Index, Index, Floats]
"""Rows, columns and values of a block that is mostly zeros."""
_NO_BOUND = 1.0


@dataclass(frozen=True)
class Variant:
    """What is asked of a problem.

    Args:
        limits: in force; None is without.
        least: the limit whose slack is made least; None maximises the score.
    """

    limits: Limits
    least: Limit | None = None


@dataclass(frozen=True)
class ConeProgram:
    """Data of a cone program, and where to find what in it.

    Variables are the weights of the chosen stocks, the purchases of those of them that are held,
    the active exposures, and the slack if one is made least. Rows are zero, non-negative and
    second-order cones, in this order.

    Args:
        matrix: ``(R, V)`` sparse, by columns.
        right: ``(R,)``.
        cost: ``(V,)``, to be made least.
        zeros: rows of the zero cone.
        positives: rows of the non-negative cone.
        cone: rows of the second-order cone, 0 without one.
        chosen: stocks that may move, in the order of the first variables.
        live: factors whose active exposure can differ from 0.
        turnover_row: of the non-negative rows; -1 without.
        floor_row: likewise.
    """

    matrix: Any
    right: Floats
    cost: Floats
    zeros: int
    positives: int
    cone: int
    chosen: Index
    live: Index
    turnover_row: int
    floor_row: int


class Rows:
    """The rows of a problem over some of its stocks; the others keep their bounds' one value.

    With the budget kept, half the sum of absolute changes is the purchases less half of the cash
    before, and a stock that is not held buys its whole weight: only held stocks need a variable of
    their own for purchases. A factor to which all are exposed alike has no active exposure.

    Args:
        problem: the program.
        variant: limits and aim.
        chosen: stocks whose bounds differ.
        fixed: ``(N,)`` weights of all others; 0 for the chosen.
        scores: ``(N,)`` as the solver is to see them.
    """

    def __init__(
        self, problem: Problem, variant: Variant, chosen: Index, fixed: Floats, scores: Floats
    ) -> None:
        self.problem, self.variant, self.chosen, self.fixed = problem, variant, chosen, fixed
        exposures = problem.risk.exposures
        self.live = np.flatnonzero(np.ptp(exposures, axis=0) > 0)
        self.exposures = exposures[np.ix_(chosen, self.live)]
        self.limited = variant.limits.turnover is not None
        held = np.flatnonzero(problem.held[chosen] > 0)
        self.held = held if self.limited else held[:0]
        self.sizes = (len(chosen), len(self.held), len(self.live), int(variant.least is not None))
        self.scores = scores
        self._entries: list[Entries] = []
        self._right: list[Floats] = []
        self._counts = [0]
        self._rows = 0

    def made(self) -> ConeProgram:
        """The program."""
        self._equalities()
        zeros = self._close()
        self._bounds()
        turnover_row = self._turnover() if self.limited else -1
        self._exposure_limits()
        floor_row = self._floor() if self.variant.limits.floor is not None else -1
        self._active()
        positives = self._close()
        if self.variant.limits.tracking_error is not None:
            self._cone()
        cone = self._close()
        rows, columns, values = (np.concatenate(each) for each in zip(*self._entries, strict=True))
        shape = (self._rows, sum(self.sizes))
        matrix = sparse.csc_matrix((values, (rows, columns)), shape)
        right = np.concatenate(self._right)
        return ConeProgram(
            matrix,
            right,
            self._cost(),
            zeros,
            positives,
            cone,
            self.chosen,
            self.live,
            turnover_row,
            floor_row,
        )

    def _cost(self) -> Floats:
        cost = np.zeros(sum(self.sizes))
        if self.variant.least is None:
            cost[: len(self.chosen)] = -self.scores[self.chosen]
        else:
            cost[-1] = 1.0
        return cost

    def _add(self, right: Floats, **parts: Entries) -> int:
        """Append rows; the parts are blocks of weights, buys, exposures and slack."""
        names = ("weights", "buys", "exposures", "slack")
        starts = dict(zip(names, np.cumsum((0, *self.sizes[:-1])), strict=True))
        first = self._rows
        for name, (rows, columns, values) in parts.items():
            self._entries.append((rows + first, columns + starts[name], values))
        self._right.append(np.asarray(right, dtype=np.float64))
        self._rows += len(right)
        return first

    def _close(self) -> int:
        """Rows since the last call."""
        self._counts.append(self._rows)
        return self._counts[-1] - self._counts[-2]

    def _slack(self, limit: Limit, rows: int) -> dict[str, Entries]:
        return {"slack": _dense(np.full((rows, 1), -1.0))} if self.variant.least == limit else {}

    def _equalities(self) -> None:
        problem = self.problem
        ones = _dense(np.ones((1, len(self.chosen))))
        self._add(np.array([1.0 - self.fixed.sum()]), weights=ones)
        # y - B'w = -B'b: active exposures, those of the fixed stocks included.
        rest = (self.fixed - problem.benchmark) @ problem.risk.exposures[:, self.live]
        mixed = _dense(-self.exposures.T)
        self._add(rest, weights=mixed, exposures=_pick(np.arange(len(self.live))))

    def _bounds(self) -> None:
        problem, chosen = self.problem, self.chosen
        self._add(-problem.lower[chosen], weights=_pick(np.arange(len(chosen)), -1.0))
        near = np.flatnonzero(problem.upper[chosen] < _NO_BOUND)
        self._add(problem.upper[chosen][near], weights=_pick(near))
        # What is bought is at least the rise, and never negative.
        held = self.held
        self._add(
            problem.held[chosen][held],
            weights=_pick(held),
            buys=_pick(np.arange(len(held)), -1.0),
        )
        self._add(np.zeros(len(held)), buys=_pick(np.arange(len(held)), -1.0))
        if self.variant.least is not None:
            self._add(np.zeros(1), slack=_dense(np.array([[-1.0]])))

    def _turnover(self) -> int:
        problem = self.problem
        still = np.ones(len(problem.held), dtype=np.bool_)
        still[self.chosen] = False
        bought = np.maximum(self.fixed - problem.held, 0.0)[still].sum()
        cash = 1.0 - problem.held.sum()
        room = tight(self.variant.limits, "turnover") + cash / 2 - bought
        new = np.ones((1, len(self.chosen)))
        new[0, self.held] = 0.0
        return self._add(
            np.array([room]),
            weights=_dense(new),
            buys=_dense(np.ones((1, len(self.held)))),
            **self._slack("turnover", 1),
        )

    def _exposure_limits(self) -> None:
        limits: dict[Limit, Any] = {
            "style": self.problem.risk.columns("style"),
            "industry": self.problem.risk.columns("industry"),
        }
        for name, columns in limits.items():
            limit = tight(self.variant.limits, name)
            own = np.flatnonzero(np.isin(self.live, columns))
            if not np.isfinite(limit) or not len(own):
                continue
            for sign in (1.0, -1.0):
                slack = self._slack(name, len(own))
                self._add(np.full(len(own), limit), exposures=_pick(own, sign), **slack)

    def _floor(self) -> int:
        members = self.problem.members
        need = tight(self.variant.limits, "floor") - self.fixed[members].sum()
        own = -members[self.chosen].astype(float)[None, :]
        slack = self._slack("floor", 1)
        return self._add(np.array([-need]), weights=_dense(own), **slack)

    def _active(self) -> None:
        limit = tight(self.variant.limits, "active")
        if not np.isfinite(limit):
            return
        problem, chosen = self.problem, self.chosen
        above = problem.benchmark[chosen] + limit
        below = problem.benchmark[chosen] - limit
        least, most = problem.lower[chosen], problem.upper[chosen]
        # A stock with a bound beyond the limit may stay there: that takes no slack.
        for sign, edge, beyond in ((1.0, above, least > above), (-1.0, -below, most < below)):
            edge[beyond] = (least if sign > 0 else -most)[beyond]
            rows = np.flatnonzero(edge < (_NO_BOUND if sign > 0 else 0.0))
            slack = self._slack("active", len(rows))
            if slack:
                slack["slack"] = _dense(-(~beyond[rows]).astype(float)[:, None])
            self._add(edge[rows], weights=_pick(rows, sign), **slack)

    def _cone(self) -> None:
        problem, chosen = self.problem, self.chosen
        slack = self._slack("tracking_error", 1)
        self._add(np.array([tight(self.variant.limits, "tracking_error")]), **slack)
        # Where nobody is exposed differently nothing is active: those rows of the root are left.
        root = problem.risk.root[self.live]
        self._add(np.zeros(root.shape[1]), exposures=_dense(-root.T))
        own = np.sqrt(problem.risk.specific)
        self._add(
            -own[chosen] * problem.benchmark[chosen],
            weights=_pick(np.arange(len(chosen)), -own[chosen]),
        )
        still = own * (self.fixed - problem.benchmark)
        still[chosen] = 0.0
        self._add(np.array([np.linalg.norm(still)]))


def _pick(places: Index, value: float | Floats = 1.0) -> Entries:
    """One place a row."""
    return np.arange(len(places)), places, np.full(len(places), value)


def _dense(block: Floats) -> Entries:
    rows, columns = np.nonzero(block)
    return rows, columns, block[rows, columns]
