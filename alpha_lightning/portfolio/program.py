"""The program of an index-enhanced portfolio on one date, and what comes out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.portfolio.policy import Flags, Floats
from alpha_lightning.risk.factor_risk import FactorRisk

Limit = Literal["turnover", "tracking_error", "style", "industry", "floor", "active"]
RELAXED_FIRST: tuple[Limit, ...] = (
    "turnover",
    "tracking_error",
    "style",
    "industry",
    "floor",
    "active",
)
"""Limits that may give way where all together cannot be kept, the first before the others."""
Status = Literal["solved", "relaxed", "failed"]


@dataclass(frozen=True)
class Limits:
    """What a portfolio may do; None is without a limit.

    Args:
        tracking_error: annualised standard deviation against the benchmark.
        turnover: one-way, half the sum of absolute changes from the drifted weights.
        style: absolute active exposure to each style.
        industry: absolute active weight of each industry.
        floor: least weight of constituents.
        active: absolute active weight of each stock, as far as its bounds allow: a frozen stock
            beyond it breaks nothing.

    Raises:
        UserError: a limit is negative or NaN, or the floor above 1.
    """

    tracking_error: float | None = None
    turnover: float | None = None
    style: float | None = None
    industry: float | None = None
    floor: float | None = None
    active: float | None = None

    def __post_init__(self) -> None:
        for name in RELAXED_FIRST:
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                msg = f"limit {name} is {value}: it must be 0 or more, or null for none"
                raise UserError(msg)
        if self.floor is not None and self.floor > 1:
            msg = f"limit floor is {self.floor}: a share of the weight is 1 at most"
            raise UserError(msg)


@dataclass(frozen=True)
class Problem:
    """Maximise ``score @ w`` over long-only weights that sum to 1, within bounds and limits.

    Args:
        score: ``(N,)`` z-scores, finite.
        benchmark: ``(N,)`` weights of sum 1.
        held: ``(N,)`` drifted weights of sum 1 or less; the rest is cash.
        risk: of the date, every stock covered.
        members: ``(N,)`` constituents of the index.
        lower: ``(N,)`` least weights; a frozen stock has its held weight below and above, one that
            cannot be sold below.
        upper: ``(N,)`` largest weights; one that cannot be bought has its held weight.
        limits: see `Limits`.
        names: ``(N,)`` for messages; may be left out.
    """

    score: Floats
    benchmark: Floats
    held: Floats
    risk: FactorRisk
    members: Flags
    lower: Floats
    upper: Floats
    limits: Limits
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Audit:
    """What our own arithmetic says of weights, whatever the solver has said.

    Args:
        values: by constraint: the turnover, tracking error, largest active exposure, ... found.
        violations: by constraint: how far beyond its limit and its slack; 0 when kept.
    """

    values: Mapping[str, float]
    violations: Mapping[str, float]

    @property
    def worst(self) -> float:
        """The largest violation."""
        return max(self.violations.values(), default=0.0)


@dataclass(frozen=True)
class Solution:
    """What came out.

    Args:
        weights: ``(N,)``; None when failed.
        status: ``solved``, all limits kept; ``relaxed``, some by their slack; ``failed``.
        slacks: by limit, how much it had to give way, in its own unit; only those above 0.
        audit: of the weights.
        objective: ``score @ weights``.
        reason: why it failed, or what was relaxed, in words.
        columns: stocks that the solver was shown at last.
        rounds: programs that were solved.
    """

    weights: Floats | None
    status: Status
    slacks: Mapping[str, float] = field(default_factory=dict)
    audit: Audit = field(default_factory=lambda: Audit({}, {}))
    objective: float = float("nan")
    reason: str = ""
    columns: int = 0
    rounds: int = 0
