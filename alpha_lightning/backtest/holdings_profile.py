"""How large and how liquid holdings are among the stocks that they were chosen from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.backtest.ledger import Floats, Index, Ledger
from alpha_lightning.backtest.market import TRAILING, Market
from alpha_lightning.panel.store import Panel

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class UniverseRanks:
    """Where each stock stands in the universe, known at the close of each signal date.

    Args:
        signals: ``(S,)`` panel rows.
        universe: ``(S, N)`` members.
        size: ``(S, N)`` percentile of market value from 0 to 1, the largest near 1; NaN outside
            the universe and where unknown; None where the panel has no market values.
        liquidity: ``(S, N)`` likewise, of the mean daily amount of 20 days.
    """

    signals: Index
    universe: Flags
    size: NDArray[np.float32] | None
    liquidity: NDArray[np.float32]


@dataclass(frozen=True)
class Profile:
    """Means over the trade days, weighted by value on each; NaN where unknown.

    Args:
        size: mean percentile of market value in the universe, from 0 to 1; 0.5 is its middle.
        liquidity: mean percentile of daily amount.
        coverage: share of the universe with a score, mean over the signal dates.
    """

    size: float
    liquidity: float
    coverage: float


def universe_ranks(panel: Panel, market: Market, signals: Index, universe: Flags) -> UniverseRanks:
    """Percentiles of size and liquidity, shared by all portfolios of a market.

    Args:
        panel: market values, ``total_cap`` or else ``float_cap``.
        market: amounts; close times volume where it has none.
        signals: ``(S,)`` panel rows.
        universe: ``(S, N)``.
    """
    field = next((name for name in ("total_cap", "float_cap") if panel.has(name)), None)
    size = None
    if field is not None:
        size = np.empty(universe.shape, dtype=np.float32)
        for place, row in enumerate(signals):
            size[place] = _percentiles(panel.market(field)[row], universe[place])
    liquidity = np.empty(universe.shape, dtype=np.float32)
    for place, row in enumerate(signals):
        liquidity[place] = _percentiles(_mean_amount(market, int(row)), universe[place])
    return UniverseRanks(signals, universe, size, liquidity)


def holdings_profile(ledger: Ledger, ranks: UniverseRanks, scores: Floats | None = None) -> Profile:
    """Profile of a portfolio after each of its trades, by the ranks of the last signal before.

    Args:
        ledger: of the portfolio.
        ranks: of the universe.
        scores: ``(S, N)``; without them coverage is NaN.
    """
    holdings = ledger.holdings
    rows = ledger.rows[~np.isnan(ledger.turnover)]
    kept = np.isin(holdings.row, rows)
    row, column = holdings.row[kept], holdings.column[kept]
    worth = holdings.shares[kept] * holdings.price[kept]
    place = np.maximum(np.searchsorted(ranks.signals, row) - 1, 0)
    return Profile(
        _mean(ranks.size, place, column, row, worth),
        _mean(ranks.liquidity, place, column, row, worth),
        _coverage(ranks.universe, scores),
    )


def _mean(
    ranks: NDArray[np.float32] | None, place: Index, column: Index, row: Index, worth: Floats
) -> float:
    if ranks is None:
        return float("nan")
    own = ranks[place, column].astype(np.float64)
    known = ~np.isnan(own) & (worth > 0)
    if not known.any():
        return float("nan")
    _, day = np.unique(row[known], return_inverse=True)
    total = np.bincount(day, worth[known])
    return float((np.bincount(day, worth[known] * own[known]) / total).mean())


def _coverage(universe: Flags, scores: Floats | None) -> float:
    members = universe.sum(axis=1)
    if scores is None or not members.any():
        return float("nan")
    scored = (universe & np.isfinite(scores)).sum(axis=1)
    return float((scored[members > 0] / members[members > 0]).mean())


def _mean_amount(market: Market, row: int) -> Floats:
    days = slice(max(row - TRAILING + 1, 0), row + 1)
    traded = market.traded[days]
    if market.amount is not None:
        amount = market.amount[days]
    else:
        amount = market.prices["close"][days] * market.volume[days]
    known = traded & ~np.isnan(amount)
    count = known.sum(axis=0)
    total = np.where(known, amount, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _percentiles(values: Floats, member: Flags) -> Floats:
    out = np.full(len(values), np.nan)
    inside = np.flatnonzero(member & ~np.isnan(values))
    if len(inside):
        order = np.argsort(values[inside], kind="stable")
        out[inside[order]] = (np.arange(len(inside)) + 0.5) / len(inside)
    return out
