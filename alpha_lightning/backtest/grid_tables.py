"""Tables of a grid of portfolios: one row each, their daily values, what the figures show."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from alpha_lightning.backtest.grid_points import GridPoint
from alpha_lightning.backtest.results import Results

Table = Any
"""A pandas DataFrame."""
_FIGURES = ("fig16_", "fig17_")


def summary_table(points: Iterable[GridPoint], found: Mapping[str, Results]) -> Table:
    """One row a portfolio.

    Args:
        points: of the grid.
        found: results by `GridPoint.key`.
    """
    return pd.DataFrame([{**p.columns, **_measures(found[p.key])} for p in points])


def _measures(results: Results) -> dict[str, Any]:
    measures: dict[str, Any] = {"avgto": results.avgto}
    for side in ("absolute", "relative"):
        found = getattr(results, side)
        measures[f"{side}_annual_pct"] = 100 * found.annual_return
        measures[f"{side}_volatility_pct"] = 100 * found.volatility
        measures[f"{side}_max_drawdown_pct"] = 100 * found.max_drawdown
    measures |= {
        "information_ratio": results.information_ratio,
        "cost_pct_a_year": 100 * results.cost_a_year,
        "gross_relative_annual_pct": 100 * results.gross_relative_annual_return,
        "mean_names": results.mean_names,
        "cash_pct": 100 * results.cash_share,
    }
    if results.profile is not None:
        measures |= {
            "coverage_pct": 100 * results.profile.coverage,
            "size_percentile": 100 * results.profile.size,
            "liquidity_percentile": 100 * results.profile.liquidity,
        }
    trading = results.trading
    return measures | {
        "blocked_buys": sum(trading.blocked_buys.values()),
        "blocked_sells": sum(trading.blocked_sells.values()),
        "short": trading.short,
        "held_signals": len(trading.held),
        "largest_residual": results.residual,
    }


def figures(sizes: Sequence[int], scores: Sequence[str]) -> list[dict[str, Any]]:
    """Which table shows which portfolios: table, title, names, score.

    The first two sizes of the first score are figures 16 and 17 of the paper.

    Example:
        >>> [one["table"] for one in figures([100, 300, 50], ["a", "b"])][:4]
        ['fig16_top100', 'fig17_top300', 'top50', 'top100_b']
    """
    made = []
    for score in scores:
        for place, names in enumerate(sizes):
            first = score == scores[0]
            figure = _FIGURES[place] if first and place < len(_FIGURES) else ""
            table = f"{figure}top{names}" + ("" if first else f"_{score}")
            title = f"TOP-{names} of {score} after cost, by turnover limit"
            made.append({"table": table, "title": title, "names": names, "score": score})
    return made


def shared_warnings(told: Mapping[str, Sequence[str]]) -> list[str]:
    """Sentences of several portfolios, each once; what is not said of all is said with their names.

    Args:
        told: sentences by portfolio.

    Example:
        >>> shared_warnings({"TOP-1": ["a", "b"], "TOP-2": ["a"]})
        ['a', 'TOP-1: b']
    """
    by_sentence: dict[str, list[str]] = {}
    for name, sentences in told.items():
        for sentence in dict.fromkeys(sentences):
            by_sentence.setdefault(sentence, []).append(name)
    everybody = [sentence for sentence, names in by_sentence.items() if len(names) == len(told)]
    others = {s: ", ".join(names) for s, names in by_sentence.items() if s not in everybody}
    return [*everybody, *(f"{names}: {sentence}" for sentence, names in others.items())]
