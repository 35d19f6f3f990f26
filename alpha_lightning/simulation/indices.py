"""Capitalisation-weighted indices over the simulated market: members, weights and levels."""

import math
from dataclasses import dataclass

import numpy as np

from alpha_lightning.simulation.arrays import Flags, Floats
from alpha_lightning.simulation.market import MarketDay
from alpha_lightning.simulation.settings import SimulationError
from alpha_lightning.simulation.trading_days import month_of

_REVIEWS = (6, 12)
_FIRST_LEVEL = 1000.0


@dataclass(frozen=True)
class IndexRule:
    """Which stocks an index holds, ranked by total capitalisation from the largest.

    Args:
        code: as in the vendor tables.
        above: share of the listed stocks that are too large for it.
        share: share of the listed stocks that it holds.
        most: largest numbers of stocks above and within.
    """

    code: str
    above: float
    share: float
    most: tuple[float, float] = (math.inf, math.inf)


INDICES = (
    IndexRule("000985", 0, 1),
    IndexRule("000300", 0, 1 / 5, (0, 300)),
    IndexRule("000905", 1 / 5, 1 / 3, (300, 500)),
)
"""All stocks; the largest 300, or fifth of a small market; the next 500, or third."""


@dataclass(frozen=True)
class IndexDay:
    """An index at the close of a day.

    Args:
        weights: ``(N,)`` by floating capitalisation, summing to 1; 0 for stocks outside.
        level: of the price index, without dividends.
    """

    weights: Floats
    level: float


class Index:
    """One index, day after day.

    Members are reviewed on the first trading day of June and December, by capitalisations of the
    day before; a delisted stock leaves at once, a new one waits for the review.

    Args:
        rule: which stocks it holds.
    """

    def __init__(self, rule: IndexRule) -> None:
        self.rule = rule
        self._members: Flags = np.zeros(0, dtype=np.bool_)
        self._level = _FIRST_LEVEL
        self._yesterday: MarketDay | None = None

    def step(self, day: MarketDay) -> IndexDay:
        """Take in a day.

        Raises:
            SimulationError: every member has been delisted since the last review.
        """
        before = self._yesterday
        if before is None:
            self._members = _members(day, self.rule)
        else:
            # The portfolio of last night earns the day's price return before anybody is exchanged.
            kept = self._members & day.status.listed
            if not kept.any():
                msg = (
                    f"no member of index {self.rule.code} is left on {day.date}: lower"
                    " market.listings.delisting or raise market.stocks"
                )
                raise SimulationError(msg)
            self._level *= float(day.float_cap[kept].sum() / before.float_cap[kept].sum())
            if _is_review(before.date, day.date):
                self._members = _members(before, self.rule)
            self._members = self._members & day.status.listed
        self._yesterday = day
        cap = np.where(self._members, day.float_cap, 0.0)
        return IndexDay(cap / cap.sum(), self._level)


def _members(day: MarketDay, rule: IndexRule) -> Flags:
    listed = day.status.listed
    number = int(listed.sum())
    above = int(min(round(rule.above * number), rule.most[0]))
    count = int(min(max(round(rule.share * number), 1), rule.most[1]))
    ranked = np.argsort(np.where(listed, -day.total_cap, np.inf), kind="stable")
    members = np.zeros_like(listed)
    members[ranked[above : above + count]] = True
    return members


def _is_review(before: np.datetime64, date: np.datetime64) -> bool:
    month = month_of(date)
    return month in _REVIEWS and month != month_of(before)
