"""Optimal weights of scores month by month, from what was known of them before each month."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.cross_section.correlation import pearson
from alpha_lightning.panel.returns import LABEL, Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.vintages import purge_before
from alpha_lightning.weighting.optimal_weights import optimal_weights, score_correlation
from alpha_lightning.windows.sample import SampleRule, take_sample

Array = NDArray[Any]


@dataclass(frozen=True)
class TrailingRule:
    """What optimal weights are estimated from.

    Args:
        universe: ``all``, or an index; on whom scores are measured.
        label: forward return that they are measured against.
        shrink: share by which correlations and ICs are pulled towards their means: 0 takes them as
            they are, 1 gives equal weights. Differences between the ICs of scores that are much
            alike are mostly noise, and the inverse magnifies them.
        window: dates looked back on.
        min_dates: dates with a known label that weights need; a month with fewer has equal ones.

    Raises:
        UserError: a value outside its range.
    """

    universe: str = "all"
    label: Horizon = field(default_factory=lambda: Horizon(*LABEL))
    shrink: float = 0.5
    window: int = 243
    min_dates: int = 60

    def __post_init__(self) -> None:
        if not 0 <= self.shrink <= 1:
            msg = f"shrink is {self.shrink}: it must lie from 0 (none) to 1 (equal weights)"
            raise UserError(msg)
        if not 1 <= self.min_dates <= self.window:
            msg = f"min_dates is {self.min_dates}: it must be at least 1 and at most {self.window}"
            raise UserError(msg)


@dataclass(frozen=True)
class MonthWeights:
    """Weights of one month.

    Args:
        rows: ``(D,)`` places of the month's dates among those of the scores.
        weights: ``(M,)`` with the sum 1, to six decimals; equal ones where there is a reason.
        dates: number of dates they are estimated from.
        ic: ``(M,)`` mean correlation with the label on these dates; empty without any.
        reason: why the weights are equal; empty when they are optimal.
    """

    rows: Array
    weights: NDArray[np.float64]
    dates: int
    ic: NDArray[np.float64]
    reason: str


def trailing_weights(
    scores: NDArray[np.float64], dates: Array, symbols: Array, panel: Panel, rule: TrailingRule
) -> list[MonthWeights]:
    """Weights ``R^-1 IC`` of each month's dates.

    R and IC are means over the last ``rule.window`` dates, among those whose label ends before the
    month's first date, on which every score has a correlation with the label.

    Args:
        scores: ``(M, T, N)``; NaN is missing.
        dates: ``(T,)`` of the scores, all in the panel.
        symbols: ``(N,)`` of the scores, all in the panel.
        panel: where prices are.
        rule: what is estimated, on whom.

    Returns:
        A month after another; together they hold every date once.

    Raises:
        UserError: a date or symbol that the panel lacks, or an unknown universe.
    """
    sample = take_sample(
        panel,
        SampleRule(universe=rule.universe, horizon=rule.label.days, gap=rule.label.gap),
    )
    rows, _ = panel.locate(dates, np.repeat(panel.symbols[:1], len(dates)))
    _, columns = panel.locate(np.repeat(panel.dates[:1], len(symbols)), symbols)
    label = torch.from_numpy(sample.label[rows][:, columns].astype(np.float64))
    ic = np.stack([pearson(torch.from_numpy(score), label).numpy() for score in scores])
    measured = np.flatnonzero(np.isfinite(ic).all(axis=0))
    months = dates.astype("datetime64[M]")
    result = []
    for month in np.unique(months):
        served = np.flatnonzero(months == month)
        until = purge_before(int(rows[served[0]]), rule.label.span)
        known = measured[rows[measured] < until][-rule.window :]
        result.append(_of_month(served, scores[:, known], ic[:, known], rule))
    return result


def describe_weights(
    months: list[MonthWeights], dates: Array, rule: TrailingRule
) -> dict[str, Any]:
    """What the metadata of a weighted mean says; weights and ICs in the order of its parts."""
    return {
        "weights": "optimal",
        "weights_rule": asdict(rule),
        "weights_by_month": [
            {
                "date": str(dates[month.rows[0]]),
                "dates": month.dates,
                "weights": month.weights.round(6).tolist(),
                "ic": month.ic.round(6).tolist(),
                **({"equal_because": month.reason} if month.reason else {}),
            }
            for month in months
        ],
    }


def _of_month(
    served: Array, scores: Array, ic: NDArray[np.float64], rule: TrailingRule
) -> MonthWeights:
    members, dates = ic.shape
    equal = np.full(members, 1 / members)
    if dates < rule.min_dates:
        reason = f"{dates} dates with a known label, min_dates is {rule.min_dates}"
        return MonthWeights(served, equal, dates, np.empty(0), reason)
    mean = ic.mean(axis=1)
    weights = optimal_weights(mean, score_correlation(scores), rule.shrink)
    if np.isnan(weights).any():
        reason = "the scores' ICs and correlations give weights with no sum above 0"
        return MonthWeights(served, equal, dates, mean, reason)
    # Whole millionths: a stock listed later moves the last bit of a correlation, not the weights.
    return MonthWeights(served, weights.round(6), dates, mean, "")
