"""Groups by score: weekly equal-weighted portfolios hedged against all stocks together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from alpha_lightning.backtest.summary import annualised_return, net_value
from alpha_lightning.cross_section.groups import quantile_groups
from alpha_lightning.evaluation.execution import Prices
from alpha_lightning.evaluation.scores import MIN_STOCKS

Matrix = NDArray[np.float64]
GROUPS = 20


@dataclass(frozen=True)
class GroupReturns:
    """Daily returns of the groups, best score first.

    Args:
        rows: ``(D,)`` panel rows, from the first trade day on.
        returns: ``(D, G)``, from close to close (the first day: from the trade to the close).
        benchmark: ``(D,)``, all stocks of all groups in equal weights, rebalanced with them.
        turnover_rows: ``(R,)`` trade days after the initial purchase.
        turnover: ``(R, G)`` one-way turnover, half the sum of ``|target - drifted weight|``.
        missed: signal dates with too few stocks to rebalance; the old book was kept.
    """

    rows: NDArray[np.intp]
    returns: Matrix
    benchmark: NDArray[np.float64]
    turnover_rows: NDArray[np.intp]
    turnover: Matrix
    missed: int

    @property
    def hedged(self) -> Matrix:
        """``r_group - r_benchmark`` by day, ``(D, G)``."""
        return np.asarray(self.returns - self.benchmark[:, None])

    def hedged_value(self) -> Matrix:
        """Product of ``1 + r_group - r_benchmark``, ``(D, G)``."""
        return net_value(self.hedged)

    def annualised(self, since: int) -> Matrix:
        """Annualised hedged return of each group from panel row ``since`` on, ``(G,)``."""
        return np.asarray(annualised_return(self.hedged[self.rows >= since]))

    def mean_turnover(self, since: int) -> Matrix:
        """Mean turnover of each group from panel row ``since`` on, ``(G,)``; NaN if none."""
        kept = self.turnover[self.turnover_rows >= since]
        return kept.mean(axis=0) if len(kept) else np.full(self.turnover.shape[1], np.nan)


def group_labels(
    score: NDArray[Any], mask: NDArray[np.bool_], groups: int = GROUPS
) -> NDArray[np.int64]:
    """Group of each stock, ``(S, N)``: 0 has the highest scores, -1 is outside.

    Groups differ by at most one stock; a date with fewer than ``max(groups, MIN_STOCKS)`` stocks
    is -1 throughout.
    """
    inside = mask & np.isfinite(score)
    inside &= (inside.sum(axis=1) >= max(groups, MIN_STOCKS))[:, None]
    x = torch.from_numpy(np.array(score, dtype=np.float64))
    return np.asarray(quantile_groups(x, groups, torch.from_numpy(inside)).numpy(), dtype=np.int64)


def run_groups(
    labels: NDArray[np.int64], signals: NDArray[np.intp], prices: Prices, last: int
) -> GroupReturns:
    """Hold each group in equal weights, restored after every signal date.

    A signal of row ``t`` is traded on row ``t + 1`` at ``prices.trade`` without cost. Weights drift
    until the next trade; on a trade day the old book earns close-to-trade and the new one
    trade-to-close. A stock that does not trade keeps its last price (return 0), also as a purchase:
    these groups measure the score and know no trading limits.

    Args:
        labels: ``(S, N)`` from `group_labels`.
        signals: ``(S,)`` panel rows of the labels, ascending.
        prices: marks and execution prices, ``(T, N)``.
        last: last panel row of the run.

    Returns:
        Empty arrays when no signal can be traded by ``last``.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), tests of 20 groups.
    """
    groups = int(labels.max(initial=0)) + 1
    filled = (labels >= 0).any(axis=1)
    live = np.flatnonzero(filled & (signals < last))
    missed = int((~filled & (signals < last)).sum())
    stops = np.append(signals[live], last)[1:]
    mark, trade = prices.filled
    value, shares = np.ones((1, groups + 1)), np.zeros((labels.shape[1], groups + 1))
    parts, turnover = [value], []
    for place, stop in zip(live, stops, strict=True):
        day = signals[place] + 1
        target = _equal_weights(labels[place], groups)
        if shares.any():
            held = shares * trade[day][:, None]
            value = held.sum(axis=0, keepdims=True)
            turnover.append(np.abs(target - held / value).sum(axis=0) / 2)
        shares = target * value / trade[day][:, None]
        parts.append(mark[day : stop + 1] @ shares)
    values = np.concatenate(parts)
    returns = values[1:] / values[:-1] - 1
    days = signals[live] + 1
    return GroupReturns(
        rows=np.arange(days[0], last + 1) if len(live) else days,
        returns=returns[:, :-1],
        benchmark=returns[:, -1],
        turnover_rows=days[1:],
        turnover=np.reshape(turnover, (-1, groups + 1))[:, :-1],
        missed=missed,
    )


def groups_check(results: GroupReturns) -> float:
    """Mean over the groups of ``ln(1 + annualised hedged return)``.

    The groups together are the benchmark, so that it is minus half their mean squared tracking
    error a year: a little below zero. Anything else is a mistake of the simulation.
    """
    return mean_log_growth(results.annualised(0))


def mean_log_growth(annualised: NDArray[Any]) -> float:
    """Mean of ``ln(1 + r)`` over annualised returns ``(G,)``, as fractions.

    Example:
        >>> round(mean_log_growth(np.array([0.25, -0.2])), 12)
        0.0
    """
    return float(np.log1p(annualised).mean())


def _equal_weights(labels: NDArray[np.int64], groups: int) -> Matrix:
    # The last column is the benchmark: everything that is in a group.
    member = np.c_[labels[:, None] == np.arange(groups), labels >= 0].astype(np.float64)
    return np.asarray(member / member.sum(axis=0))
