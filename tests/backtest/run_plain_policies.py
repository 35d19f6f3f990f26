"""Policies as plain loops."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from alpha_lightning.portfolio.top_n import TopN


@dataclass
class Seen:
    """What a policy knows at the close of a row; ``shares`` and ``weights`` of what is held."""

    row: int
    scores: list[float]
    universe: list[bool]
    traded: list[bool]
    shares: dict[int, float]
    weights: dict[int, float]
    value: float


@dataclass
class Wanted:
    """Weights by stock in order, stocks left alone, substitutes in order, and the largest number.

    ``weights`` names the stocks left alone too.
    """

    weights: dict[int, float]
    keep: set[int]
    reserves: list[int]
    max_names: int | None = None


class PlainPolicy(Protocol):
    """Answers with what is wanted, or with why nothing is done."""

    def decide(self, seen: Seen) -> Wanted | str: ...


@dataclass
class PlainReplay:
    """Decisions by row."""

    decisions: Mapping[int, Wanted | str]

    def decide(self, seen: Seen) -> Wanted | str:
        return self.decisions.get(seen.row, "no target weights for the date")


@dataclass
class PlainTopN:
    """The best names, so many of them changed at a time."""

    settings: TopN

    def decide(self, seen: Seen) -> Wanted | str:
        rule = self.settings
        stocks = range(len(seen.scores))
        members = [j for j in stocks if seen.universe[j]]
        candidates = [j for j in members if math.isfinite(seen.scores[j])]
        if not candidates:
            return "no scores"
        if len(candidates) < rule.min_coverage * len(members):
            return f"scores for {len(candidates)} of {len(members)} stocks"
        candidates.sort(key=lambda j: (-seen.scores[j], j))
        inside = candidates[: rule.keep_within or rule.names]
        unheld = [j for j in candidates if j not in seen.shares and seen.traded[j]]
        score = {j: seen.scores[j] for j in candidates}
        worst_first = sorted(
            (j for j in seen.shares if j not in inside and seen.traded[j]),
            key=lambda j: (score.get(j, -math.inf), -j),
        )
        leaving = self.leaving(worst_first, unheld, score, len(seen.shares))
        vacancies = max(0, rule.names - len(seen.shares))
        excess = max(0, len(seen.shares) - rule.names)
        number = vacancies + max(0, len(leaving) - excess)
        entrants, others = unheld[:number], unheld[number:]
        staying = [j for j in sorted(seen.shares) if j not in leaving]
        weights, keep = self.weigh(staying, entrants, seen.weights)
        return Wanted(weights, keep, others[: rule.reserves], rule.names)

    def leaving(
        self, worst_first: list[int], unheld: list[int], score: dict[int, float], held: int
    ) -> list[int]:
        rule = self.settings
        limit = math.floor(rule.delta * rule.names + 0.5)
        excess = max(0, held - rule.names)
        leaving = worst_first[:excess]
        partners = unheld[max(0, rule.names - held) :]
        for k, exit_ in enumerate(worst_first[excess:]):
            if k >= limit or k >= len(partners):
                break
            if exit_ in score and not score[partners[k]] > score[exit_]:
                break
            leaving.append(exit_)
        return leaving

    def weigh(
        self, staying: list[int], entrants: list[int], drifted: dict[int, float]
    ) -> tuple[dict[int, float], set[int]]:
        rule = self.settings
        weights = dict.fromkeys([*staying, *entrants], 1 / rule.names)
        if rule.reweight == "always":
            return weights, set()
        if rule.reweight == "band":
            return weights, {j for j in staying if abs(drifted[j] * rule.names - 1) <= rule.band}
        rest = 1 - math.fsum(drifted[j] for j in staying)
        for j in entrants:
            weights[j] = max(0.0, rest) / len(entrants)
        return weights, set(staying)
