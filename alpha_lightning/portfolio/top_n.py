"""The best N stocks in equal weights, of which only a part is replaced on each signal."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.portfolio.policy import Flags, Floats, Hold, Index, Observation, Target

Reweight = Literal["always", "never", "band"]


@dataclass(frozen=True)
class TopN:
    """The N stocks of the highest score; as settings and as `Policy`.

    The first purchase is of the N best. Later at most ``round(delta * names)`` held stocks that are
    no longer among the best give way, the worst first, each to the best stock not held, if its
    score is higher. A stock without a score or outside the universe gives way before all others. A
    stock that did not trade on the signal date is neither bought nor sold.

    Raises:
        UserError: a setting outside its range.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), TOP-N portfolios.
    """

    names: int = 100
    """Stocks held, N."""
    delta: float = 0.2
    """Turnover limit: the share of the names that one signal may replace."""
    keep_within: int | None = None
    """A held stock stays while it is among so many of the best; the names when null."""
    reweight: Reweight = "always"
    """Give every stock 1/N again on each signal; never: leave the shares of those that stay, the
    rest is for the newcomers; band: leave those whose weight is near 1/N."""
    band: float = 0.25
    """With ``band``: how far from 1/N, relative to it, a weight may drift."""
    reserves: int = 50
    """Next best stocks that stand in for purchases that the market blocks."""
    min_coverage: float = 0.5
    """With scores for a smaller share of the universe the portfolio is left as it is."""

    def __post_init__(self) -> None:
        for name, least in (("names", 1), ("reserves", 0)):
            if getattr(self, name) < least:
                msg = f"policy.{name} is {getattr(self, name)}: it must be {least} or more"
                raise UserError(msg)
        for name in ("delta", "min_coverage"):
            if not 0 <= getattr(self, name) <= 1:
                msg = f"policy.{name} is {getattr(self, name)}: it must lie between 0 and 1"
                raise UserError(msg)
        if self.keep_within is not None and self.keep_within < self.names:
            msg = (
                f"policy.keep_within is {self.keep_within}: it must be at least policy.names,"
                f" {self.names}, or null"
            )
            raise UserError(msg)
        if self.reweight not in ("always", "never", "band"):
            msg = f"policy.reweight is {self.reweight}: choose always, never or band"
            raise UserError(msg)
        if not 0 <= self.band < float("inf"):
            msg = f"policy.band is {self.band}: it must be 0 or more"
            raise UserError(msg)

    def decide(self, seen: Observation) -> Target | Hold:
        """What to hold; nothing changes where too few stocks have a score."""
        candidate = seen.universe & np.isfinite(seen.scores)
        found, asked = int(candidate.sum()), int(seen.universe.sum())
        if not found:
            return Hold("no scores")
        if found < self.min_coverage * asked:
            return Hold(f"scores for {found} of {asked} stocks")
        worth = np.where(candidate, seen.scores, -np.inf)
        held = seen.shares > 0
        count = int(held.sum())
        unheld = _best(worth, candidate & ~held & seen.traded, self.names + self.reserves)
        exits = self._exits(worth, candidate, held & seen.traded)
        leave, enter = self._exchange(exits, unheld, worth, count)
        stays = held.copy()
        stays[leave] = False
        further = unheld[len(enter) : len(enter) + self.reserves]
        return self._target(np.flatnonzero(stays), enter, further, seen.weights)

    def _exits(self, worth: Floats, candidate: Flags, free: Flags) -> Index:
        # Held stocks that may leave, the worst first.
        outside = free.copy()
        outside[_best(worth, candidate, self.keep_within or self.names)] = False
        return _best(worth, outside, len(worth))[::-1]

    def _exchange(
        self, exits: Index, unheld: Index, worth: Floats, held: int
    ) -> tuple[Index, Index]:
        # Vacancies are filled and surplus names sold whatever the turnover limit.
        vacant, surplus = max(self.names - held, 0), max(held - self.names, 0)
        limit = int(np.floor(self.delta * self.names + 0.5))
        rivals = exits[surplus : surplus + limit]
        challengers = unheld[vacant : vacant + len(rivals)]
        # Exits get better and entrants worse, so that the pairs that are worth it come first.
        better = worth[challengers] > worth[rivals[: len(challengers)]]
        swaps = int(better.sum())
        return exits[: surplus + swaps], unheld[: vacant + swaps]

    def _target(self, stay: Index, enter: Index, reserves: Index, weights: Floats) -> Target:
        columns = np.concatenate([stay, enter])
        wanted = np.full(len(columns), 1 / self.names)
        keep = np.zeros(len(columns), dtype=np.bool_)
        drifted = weights[stay]
        if self.reweight == "never":
            keep[: len(stay)] = True
            wanted[len(stay) :] = max(0.0, 1 - float(drifted.sum())) / max(len(enter), 1)
        elif self.reweight == "band":
            keep[: len(stay)] = np.abs(drifted * self.names - 1) <= self.band
        wanted[keep] = weights[columns[keep]]
        return Target(columns, wanted, keep, reserves, self.names)


def _best(worth: Floats, among: Flags, count: int) -> Index:
    # The best first, ties by column. Only what may be among them is sorted.
    columns = np.flatnonzero(among)
    if count < len(columns):
        least = np.partition(worth[columns], -count)[-count]
        columns = columns[worth[columns] >= least]
    return columns[np.argsort(-worth[columns], kind="stable")[:count]]
