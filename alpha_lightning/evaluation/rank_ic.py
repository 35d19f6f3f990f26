"""RankIC: how well a score orders the returns that follow."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from alpha_lightning.cross_section.correlation import pearson, spearman
from alpha_lightning.evaluation.scores import MIN_STOCKS
from alpha_lightning.evaluation.standard_errors import (
    block_bootstrap,
    newey_west_error,
    overlap,
    plain_error,
)
from alpha_lightning.panel.returns import Horizon

_CELLS_PER_BLOCK = 1 << 21
"""Dates x stocks correlated at once: bounds the memory and keeps a block in the cache."""


@dataclass(frozen=True)
class RankIC:
    """RankIC of one score at one horizon.

    Args:
        horizon: the forward return.
        series: ``(S,)`` by signal date; NaN where skipped or where the return is not known yet.
        mean: over the dates that count, a fraction.
        std: over the same dates, ``n - 1`` in the denominator.
        ic_ir: mean / std, not annualised.
        dates: signal dates that count.
        skipped: signal dates with fewer than `MIN_STOCKS` stocks, or with a constant score.
        unknown: signal dates whose return ends after the last date.
        lag: signal steps over which two returns overlap.
        block: length of the bootstrap's blocks, in signal steps.
        errors: standard errors: ``plain``, ``newey_west`` and ``bootstrap`` of the mean, and
            ``ic_ir`` of the ratio (bootstrap).
    """

    horizon: Horizon
    series: NDArray[np.float64]
    mean: float
    std: float
    ic_ir: float
    dates: int
    skipped: int
    unknown: int
    lag: int
    block: int
    errors: dict[str, float]


def rank_ic(score: NDArray[Any], returns: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    """Spearman correlation of score and return on each date, ``(S,)``.

    Args:
        score: ``(S, N)``.
        returns: ``(S, N)`` forward returns; NaN where a price is missing.
        mask: ``(S, N)`` stocks that count.

    Returns:
        NaN for a date with fewer than `MIN_STOCKS` stocks that have both, or with a constant input.
    """
    both = mask & np.isfinite(score) & np.isfinite(returns)
    result = correlate_dates(spearman, score, returns, both)
    return np.where(both.sum(axis=1) >= MIN_STOCKS, result, np.nan)


def correlate_dates(
    correlation: Any, x: NDArray[Any], y: NDArray[Any], mask: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Apply a cross-sectional correlation by blocks of dates, ``(S,)``.

    Args:
        correlation: a function of two ``(B, N)`` tensors and a mask.
        x: ``(S, N)``.
        y: ``(S, N)``.
        mask: ``(S, N)`` stocks that count.
    """
    size = max(_CELLS_PER_BLOCK // x.shape[1], 1)
    result = np.full(len(x), np.nan)
    for start in range(0, len(x), size):
        block = slice(start, start + size)
        parts = (torch.from_numpy(np.array(part[block], dtype=np.float64)) for part in (x, y))
        result[block] = correlation(*parts, torch.from_numpy(mask[block].copy())).numpy()
    return result


def pearson_by_date(x: NDArray[Any], y: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    """Pearson correlation of two scores on each date, ``(S,)``; NaN below `MIN_STOCKS` stocks."""
    both = mask & np.isfinite(x) & np.isfinite(y)
    result = correlate_dates(pearson, x, y, both)
    return np.where(both.sum(axis=1) >= MIN_STOCKS, result, np.nan)


def summarise_rank_ic(
    series: NDArray[np.float64],
    known: NDArray[np.bool_],
    horizon: Horizon,
    step: int,
    seed: int = 0,
) -> RankIC:
    """Mean, IC_IR and standard errors of a RankIC series.

    Args:
        series: ``(S,)`` by signal date.
        known: ``(S,)`` whether the return ended by the last date.
        horizon: the forward return.
        step: trading days between signal dates.
        seed: of the bootstrap.
    """
    seen = series[np.isfinite(series)]
    lag = overlap(horizon.days, step)
    mean = float(np.mean(seen)) if len(seen) else math.nan
    std = float(np.std(seen, ddof=1)) if len(seen) > 1 else math.nan
    bootstrap = block_bootstrap(series[known], lag, seed)
    errors = {
        "plain": plain_error(series),
        "newey_west": newey_west_error(series[known], lag),
        "bootstrap": bootstrap.mean,
        "ic_ir": bootstrap.ratio,
    }
    return RankIC(
        horizon=horizon,
        series=series,
        mean=mean,
        std=std,
        ic_ir=mean / std if std else math.nan,
        dates=len(seen),
        skipped=int(known.sum()) - len(seen),
        unknown=int((~known).sum()),
        lag=lag,
        block=bootstrap.block,
        errors=errors,
    )
