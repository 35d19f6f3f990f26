"""Figures 18 to 21 and those like them: hedged and absolute, by turnover limit and year."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from alpha_lightning.backtest.results import describe
from alpha_lightning.backtest.settings import Conventions
from alpha_lightning.reports.portfolio_deltas import FigureRow, FigureTable, Outcome, benchmark_row
from alpha_lightning.reports.styles import days_of
from alpha_lightning.reports.tables import number

Table = Any
"""A pandas DataFrame written by the portfolios."""
SIDES = {"hedged": "hedged: relative to the index, after cost", "absolute": "absolute, after cost"}


def enhanced_table(
    table: Table, shown: float, paper: Table | None = None, nav: Table | None = None
) -> FigureTable:
    """A figure: rows of deltas, columns of the whole, of each year, and the volatility.

    Args:
        table: ``fig18_csi300`` or one like it.
        shown: delta whose row is marked.
        paper: the paper's numbers in the same layout; what was solved for its lost cells stands
            in brackets.
        nav: rows of ``enhanced_nav`` of one portfolio, daily, for the row of the index.
    """
    years = years_of(table)
    printed = {} if paper is None else {_key(row): row for _, row in paper.iterrows()}
    blocks = []
    for side, title in SIDES.items():
        rows = [
            _row(row, side, years, printed.get(_key(row)), shown) for _, row in table.iterrows()
        ]
        rows += [index_row(nav, years)] if nav is not None and side == "absolute" else []
        blocks.append((title, tuple(rows)))
    return FigureTable(("% a year", *years, "volatility"), tuple(blocks))


def years_of(table: Table) -> tuple[str, ...]:
    """Calendar years of a figure's table, in their order."""
    names = (name.removeprefix("hedged_").removesuffix("_pct") for name in table.columns)
    return tuple(name for name in names if name.isdigit())


def has_year_falls(table: Table) -> bool:
    """Whether a figure's table tells the deepest fall of a calendar year."""
    return any(f"hedged_max_drawdown_{year}_pct" in table for year in years_of(table))


def index_row(nav: Table, years: Sequence[str], rule: Conventions | None = None) -> FigureRow:
    """Returns of the index over the days of one portfolio.

    Args:
        nav: rows of ``enhanced_nav`` of one portfolio, daily.
        years: columns after the first.
        rule: how to count; the paper's way by default.
    """
    row = benchmark_row(nav, years, "the index", rule)
    # Years of the figures have a return and no fall.
    cells = [cell if not k else Outcome(cell.value, "") for k, cell in enumerate(row.cells)]
    value = nav["benchmark_nav"].to_numpy(dtype=float)
    moves = value / np.r_[1.0, value[:-1]] - 1
    found = describe(days_of(nav), moves, rule or Conventions())
    volatility = Outcome(number(100 * found.volatility), "")
    return FigureRow(row.name, row.turnover, (*cells, volatility), row.kind)


def printed_text(paper: Any, name: str, digits: int = 1) -> str:
    """A number of the paper; in brackets where it was solved for a cell that its print lost.

    Args:
        paper: a row of the paper's table, or None.
        name: of the column.
        digits: after the point.

    Example:
        >>> printed_text({"hedged_2021_pct": 12.2, "solved": "hedged_2021"}, "hedged_2021_pct")
        '[12.2]'
    """
    if paper is None or name not in paper:
        return ""
    text = number(float(paper[name]), digits)
    if text == "–":
        return ""
    # An empty cell is NaN, which solves nothing.
    solved = str(paper.get("solved", "")).split()
    return f"[{text}]" if name.removesuffix("_pct") in solved else text


def _key(row: Any) -> int:
    return round(1000 * float(row["delta"]))


def _row(row: Any, side: str, years: Sequence[str], paper: Any, shown: float) -> FigureRow:
    cells = [_cell(row, paper, f"{side}_annual_pct", f"{side}_max_drawdown_pct")]
    for year in years:
        fall = f"{side}_max_drawdown_{year}_pct"
        # A fall of the paper beside none of ours would be taken for ours.
        cells.append(_cell(row, paper, f"{side}_{year}_pct", fall if fall in row else ""))
    cells.append(_cell(row, paper, f"{side}_volatility_pct", ""))
    turnover = _own(row, "avgto", 2), printed_text(paper, "avgto", 2)
    delta = float(row["delta"])
    # Both are decimals that were written as text.
    kind = "shown" if abs(delta - shown) < 1e-9 else ""
    return FigureRow(number(delta, 2), turnover, tuple(cells), kind)


def _cell(row: Any, paper: Any, value: str, fall: str) -> Outcome:
    deepest = _own(row, fall) if fall in row else ""
    return Outcome(_own(row, value), deepest, printed_text(paper, value), printed_text(paper, fall))


def _own(row: Any, name: str, digits: int = 1) -> str:
    return number(float(row[name]), digits) if name in row else "–"
