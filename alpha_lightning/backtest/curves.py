"""Tables of what is varied at the shown turnover limit: cost, capital, delay."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from alpha_lightning.backtest.grid_points import CurvePoint
from alpha_lightning.backtest.results import Results

Table = Any
"""A pandas DataFrame."""
_FIRST = ("score", "names", "delta")
_COLUMNS = {
    "cost_curve": ("cost_multiple", "absolute_annual_pct", "relative_annual_pct"),
    "capacity_curve": (
        *("capital", "impact", "participation"),
        *("absolute_annual_pct", "relative_annual_pct", "filled_pct", "impact_pct_a_year"),
        "cash_pct",
    ),
    "delay_curve": ("delay", "absolute_annual_pct", "relative_annual_pct", "held_signals"),
}


def curve_tables(points: Sequence[CurvePoint], found: Mapping[str, Results]) -> dict[str, Table]:
    """The curves as tables: one row a portfolio, in per cent; only those with a row.

    Args:
        points: of all curves.
        found: results by `GridPoint.key`; a point without them has no row.
    """
    tables = {}
    for name, columns in _COLUMNS.items():
        rows = [
            {**one.point.columns, **one.varied, **_measures(found[one.point.key])}
            for one in points
            if one.curve == name and one.point.key in found
        ]
        if rows:
            tables[name] = pd.DataFrame(rows)[[*_FIRST, *columns]]
    return tables


def _measures(results: Results) -> dict[str, float]:
    return {
        "absolute_annual_pct": 100 * results.absolute.annual_return,
        "relative_annual_pct": 100 * results.relative.annual_return,
        "filled_pct": 100 * results.trading.filled_share,
        "impact_pct_a_year": 100 * results.impact_a_year,
        "cash_pct": 100 * results.cash_share,
        "held_signals": len(results.trading.held),
    }
