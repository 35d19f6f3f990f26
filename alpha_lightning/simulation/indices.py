"""Capitalisation-weighted indices over the simulated market: members, weights and levels."""

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
    """Which stocks an index holds.

    Args:
        code: as in the vendor tables.
        share: the largest share of the listed stocks, by total capitalisation.
    """

    code: str
    share: float


INDICES = (IndexRule("000985", 1.0), IndexRule("000300", 0.2))
"""The all-share index, and one of the largest fifth in the place of the CSI 300."""


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
            self._members = _largest(day, self.rule.share)
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
                self._members = _largest(before, self.rule.share)
            self._members = self._members & day.status.listed
        self._yesterday = day
        cap = np.where(self._members, day.float_cap, 0.0)
        return IndexDay(cap / cap.sum(), self._level)


def _largest(day: MarketDay, share: float) -> Flags:
    listed = day.status.listed
    count = max(round(share * int(listed.sum())), 1)
    ranked = np.argsort(np.where(listed, -day.total_cap, np.inf), kind="stable")
    members = np.zeros_like(listed)
    members[ranked[:count]] = True
    return members


def _is_review(before: np.datetime64, date: np.datetime64) -> bool:
    month = month_of(date)
    return month in _REVIEWS and month != month_of(before)
