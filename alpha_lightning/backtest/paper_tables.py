"""Figures 16 and 17 of the paper as tables, and its own numbers of figures 16 to 21."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

import pandas as pd

from alpha_lightning.backtest.grid_points import delta_name
from alpha_lightning.backtest.results import Results, Statistics

Table = Any
"""A pandas DataFrame."""
FIGURES = {100: "fig16_top100", 300: "fig17_top300"}
"""The paper's figure of a portfolio of so many names."""
KEYS = ["side", "delta"]


def figure_table(results: Mapping[float, Results]) -> Table:
    """Portfolios that differ in their turnover limit, absolute and relative, as the paper has them.

    Args:
        results: by delta, of one period.

    Returns:
        A row a side and delta: ``side``, ``delta``, ``avgto``, ``return_annual_pct``,
        ``return_<year>_pct`` (not annualised), ``max_drawdown_annual_pct`` (of the whole time) and
        ``max_drawdown_<year>_pct``; a year outside a portfolio's time is NaN.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), figures 16 and 17.
    """
    years = sorted({year for own in results.values() for year in own.absolute.years})
    rows = [
        {"side": side, "delta": delta_name(delta), "avgto": own.avgto, **_cells(statistics, years)}
        for side in ("absolute", "relative")
        for delta, own in results.items()
        for statistics in (getattr(own, side),)
    ]
    return pd.DataFrame(rows)


def paper_table(figure: str) -> Table:
    """The paper's numbers of a figure of portfolios in our layout.

    Args:
        figure: for example ``fig16_top100``.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), figures 16 to 21.
    """
    file = resources.files("alpha_lightning.backtest") / "paper" / f"{figure}.csv"
    return pd.read_csv(file, dtype={"delta": str})


def paper_twin(figure: str, ours: Table) -> Table | None:
    """The paper's rows and columns that stand in a table of ours, in its order.

    Args:
        figure: for example ``fig16_top100``.
        ours: by `figure_table`.

    Returns:
        None where the paper has none of our deltas.
    """
    theirs = paper_table(figure)
    shown = ours[KEYS].merge(theirs, on=KEYS, how="inner")
    columns = [name for name in ours.columns if name in theirs.columns]
    return shown[columns] if len(shown) else None


def _cells(statistics: Statistics, years: list[int]) -> dict[str, float]:
    nothing = float("nan")
    parts = {year: statistics.years.get(year) for year in years}
    returns = {year: part.total_return if part else nothing for year, part in parts.items()}
    falls = {year: part.max_drawdown if part else nothing for year, part in parts.items()}
    return {
        "return_annual_pct": 100 * statistics.annual_return,
        **{f"return_{year}_pct": 100 * value for year, value in returns.items()},
        "max_drawdown_annual_pct": 100 * statistics.max_drawdown,
        **{f"max_drawdown_{year}_pct": 100 * value for year, value in falls.items()},
    }
