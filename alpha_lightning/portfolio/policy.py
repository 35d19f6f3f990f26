"""What a policy may know at the close of a signal date, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Index = NDArray[np.intp]
TOLERANCE = 1e-6
"""By how much the weights of a date may miss a sum of 1."""


@dataclass(frozen=True)
class Observation:
    """What is known at the close of a signal date; nothing in it reaches a later one.

    Args:
        date: the signal date.
        symbols: ``(N,)``.
        scores: ``(N,)``; NaN is missing.
        universe: ``(N,)`` members on the date, as known then.
        traded: ``(N,)`` whether the stock traded on the date; a suspension is known.
        shares: ``(N,)`` held.
        weights: ``(N,)`` of the holdings in the portfolio's value, drifted to the close.
        value: of the portfolio, cash included, in the currency of the prices.
        past: the last so many rows of a market field up to the date: see `history`.
        limits: which stocks were at their upper and at their lower price limit on the date, by the
            rule of the execution: see `at_limits`.
    """

    date: np.datetime64
    symbols: NDArray[np.str_]
    scores: Floats
    universe: Flags
    traded: Flags
    shares: Floats
    weights: Floats
    value: float
    past: Callable[[str, int], NDArray[Any]]
    limits: Callable[[], tuple[Flags, Flags]] | None = None

    def at_limits(self) -> tuple[Flags, Flags]:
        """Stocks at their upper and at their lower price limit on the date, ``(N,)`` each.

        By the rule by which trades are blocked; a stock that did not trade is at neither.
        """
        if self.limits is None:
            nobody = np.zeros(len(self.symbols), dtype=np.bool_)
            return nobody, nobody
        return self.limits()

    def history(self, field: str, days: int) -> NDArray[Any]:
        """A copy of the last ``days`` rows of a market field, the signal date's own last.

        Args:
            field: of the panel's market: ``close``, ``volume``, ``adj_factor``, ...
            days: at most so many; fewer where the panel begins.
        """
        return self.past(field, days)


@dataclass(frozen=True)
class Target:
    """What is to be held; every held stock that it does not name is to be sold.

    Args:
        columns: ``(n,)`` stocks; those not held yet are bought in this order.
        weights: ``(n,)`` of the portfolio's value, 0 or more, of sum 1 or less; the rest is cash.
        keep: ``(n,)`` held stocks whose shares are left as they are; their weight is not read.
        reserves: ``(r,)`` stocks neither held nor in ``columns``, best first: each takes the place
            and the weight of a purchase that the market blocks.
        max_names: stocks that may be held after the trade, those that could not be sold included;
            the last purchases give way. None is without a limit.
        facts: what the policy wants to be remembered of the decision, numbers and words by name;
            nothing is traded by it.
    """

    columns: Index
    weights: Floats
    keep: Flags
    reserves: Index
    max_names: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def fault(self, stocks: int) -> str:
        """What a market of so many stocks cannot trade, in words; empty when nothing is wrong."""
        if not len(self.columns) == len(self.weights) == len(self.keep):
            sizes = f"{len(self.columns)}, {len(self.weights)} and {len(self.keep)}"
            return f"columns, weights and keep are {sizes} long"
        for name, columns in (("columns", self.columns), ("reserves", self.reserves)):
            if len(columns) and not 0 <= columns.min() <= columns.max() < stocks:
                return f"{name} are not all from 0 to {stocks - 1}"
            if len(np.unique(columns)) < len(columns):
                return f"{name} name a stock twice"
        read = self.weights[~self.keep]
        if not (read >= 0).all():
            return "weights are negative or NaN"
        total = float(read.sum())
        return f"weights sum to {total:.8g}, above 1" if total > 1 + TOLERANCE else ""


@dataclass(frozen=True)
class Hold:
    """No trade on this signal.

    Args:
        reason: for the ledger.
        facts: as those of a `Target`.
    """

    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Policy(Protocol):
    """Turns what is known at a signal date into what is wanted; called once a signal, in order.

    A backtest refuses a target that has a `Target.fault`.
    """

    def decide(self, seen: Observation) -> Target | Hold:
        """What to hold from the next trade on."""
        ...
