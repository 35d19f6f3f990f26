"""RankIC: how well a score orders the returns that follow."""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from alpha_lightning.cross_section.correlation import pearson
from alpha_lightning.evaluation.rank_ic_orders import Order, Ranks, order_dates
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

_DATES_PER_BLOCK = 16
"""Dates ranked at once by a thread: few enough for its cache, enough to be worth a call."""


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
    result = np.empty(len(score))

    def measure(block: slice) -> None:
        valid = mask[block] & np.isfinite(score[block])
        given = returns[block]
        ordered = order_dates(given, np.isfinite(given))
        ranks = _ranks_by_stock(ordered, valid & ordered.present)
        result[block] = _correlate_ranks(order_dates(score[block], valid), ranks)

    _by_blocks(measure, len(score), None)
    return result


def rank_ics(
    scores: Sequence[NDArray[Any]],
    masks: Sequence[NDArray[np.bool_]],
    close: NDArray[np.float64],
    rows: NDArray[np.intp],
    horizons: Sequence[Horizon],
    threads: int | None = None,
) -> NDArray[np.float64]:
    """`rank_ic` of several scores at several horizons, ``(K, H, S)``, the sorting shared.

    A return is sorted once for all scores, and on consecutive signal dates once for all gaps: with
    a gap it is the return without one of a later date. A score is sorted once for all horizons.

    Args:
        scores: K of ``(S, N)``.
        masks: for each of them ``(S, N)``, the stocks that count.
        close: ``(T, N)`` adjusted prices up to the last date that may be used; NaN without a trade.
        rows: ``(S,)`` signal dates as rows of ``close``, ascending.
        horizons: H forward returns.
        threads: torch's number when not given; the result is the same with any number.

    Returns:
        NaN as in `rank_ic`, and where the return ends after the last row.
    """
    result = np.empty((len(scores), len(horizons), len(rows)))

    def measure(block: slice) -> None:
        valid = [mask[block] & np.isfinite(x[block]) for x, mask in zip(scores, masks, strict=True)]
        # A small universe is sorted without the rest of the market.
        stocks = np.flatnonzero(np.any([each.any(axis=0) for each in valid], axis=0))
        if not len(stocks):
            result[..., block] = np.nan
            return
        valid = [_columns(each, stocks) for each in valid]
        ordered = [
            order_dates(_columns(x[block], stocks), each)
            for x, each in zip(scores, valid, strict=True)
        ]
        # Scores of the same stocks share the ranks of the returns, too.
        again = [False, *(np.array_equal(*pair) for pair in pairwise(valid))]
        returns = _ordered_returns(close, stocks, rows[block], horizons)
        for horizon, by_return in enumerate(returns):
            for score, by_score in enumerate(ordered):
                if not again[score]:
                    ranks = _ranks_by_stock(by_return, valid[score] & by_return.present)
                result[score, horizon, block] = _correlate_ranks(by_score, ranks)

    _by_blocks(measure, len(rows), threads)
    return result


def _by_blocks(measure: Callable[[slice], None], dates: int, threads: int | None) -> None:
    blocks = [slice(k, k + _DATES_PER_BLOCK) for k in range(0, dates, _DATES_PER_BLOCK)]
    with ThreadPoolExecutor(threads or torch.get_num_threads()) as pool:
        list(pool.map(measure, blocks))


def _ordered_returns(
    close: NDArray[np.float64],
    stocks: NDArray[np.intp],
    rows: NDArray[np.intp],
    horizons: Sequence[Horizon],
) -> Iterator[Order]:
    """Returns of a block of signal dates in order, by horizon."""
    shared = int(rows[-1] - rows[0]) + 1 == len(rows)
    widest = max(horizon.gap for horizon in horizons)
    seen: dict[tuple[int, int], Order] = {}
    for horizon in horizons:
        start = horizon.gap if shared else 0
        key = horizon.days, horizon.gap - start
        if key not in seen:
            begin = np.arange(rows[0], rows[-1] + widest + 1) if shared else rows + horizon.gap
            known = begin[begin + horizon.days < len(close)]
            bought, sold = (_columns(close[known + days], stocks) for days in (0, horizon.days))
            returns = np.full((len(begin), len(stocks)), np.nan)
            np.divide(sold, bought, out=returns[: len(known)])
            returns -= 1
            seen[key] = order_dates(returns, np.isfinite(returns))
        yield seen[key].part(start, len(rows))


def _columns(matrix: NDArray[Any], stocks: NDArray[np.intp]) -> NDArray[Any]:
    return matrix if len(stocks) == matrix.shape[1] else matrix.take(stocks, axis=1)


def _ranks_by_stock(order: Order, counted: NDArray[np.bool_]) -> Ranks:
    """Ranks of the counted stocks among themselves, not sorted, 0 for the others."""
    chosen = counted.ravel().take(order.places)
    ranks = order.ranks(chosen)
    values = np.empty(counted.shape)
    values.ravel()[order.places] = ranks.values * chosen
    return ranks._replace(values=values)


def _correlate_ranks(order: Order, ranks: Ranks) -> NDArray[np.float64]:
    """Spearman correlation ``(B,)`` of what was ordered with ranks of stocks that it has.

    Sums of halves and quarters below 2**51 are exact: neither threads nor blocks change a bit.
    """
    other = ranks.values.ravel().take(order.places)
    own = order.ranks(other > 0)
    count = ranks.number
    together = np.vecdot(own.values, other) - count * (count + 1) ** 2 / 4
    defined = (count >= MIN_STOCKS) & (own.squares > 0) & (ranks.squares > 0)
    squares = (np.where(defined, each.squares, 1) for each in (own, ranks))
    scale = np.sqrt(next(squares)) * np.sqrt(next(squares))
    return np.where(defined, np.clip(together / scale, -1, 1), np.nan)


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
