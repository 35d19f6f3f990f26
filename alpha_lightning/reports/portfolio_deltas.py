"""Figures 16 and 17 and those like them: turnover limits by the whole and by year, as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from alpha_lightning.backtest.results import describe
from alpha_lightning.backtest.settings import Conventions
from alpha_lightning.reports.styles import days_of
from alpha_lightning.reports.tables import number

Table = Any
"""A pandas DataFrame written by the portfolios."""
SIDES = {"absolute": "absolute, after cost", "relative": "relative to the benchmark, after cost"}


class Outcome(NamedTuple):
    """Return and deepest fall of a period, ours and the paper's; empty where there is none."""

    value: str
    fall: str
    paper: str = ""
    paper_fall: str = ""


@dataclass(frozen=True)
class FigureRow:
    """A turnover limit of a figure, or the benchmark.

    Args:
        name: of the row.
        turnover: mean one-way turnover of a trade, and the paper's.
        cells: by period.
        kind: ``shown`` where its values are drawn, ``baseline`` for the benchmark, or empty.
    """

    name: str
    turnover: tuple[str, str]
    cells: tuple[Outcome, ...]
    kind: str = ""


@dataclass(frozen=True)
class FigureTable:
    """Figure 16 or 17, or one like them.

    Args:
        periods: names of the columns.
        blocks: title and rows, absolute and relative.
    """

    periods: tuple[str, ...]
    blocks: tuple[tuple[str, tuple[FigureRow, ...]], ...]


def figure_table(
    table: Table, shown: float, paper: Table | None = None, benchmark: FigureRow | None = None
) -> FigureTable:
    """A figure of turnover limits: rows of deltas, columns of the whole and of each year.

    Args:
        table: ``fig16_top100`` or one like it.
        shown: delta whose row is marked.
        paper: the paper's numbers in the same layout.
        benchmark: row below the absolute ones.
    """
    years = years_of(table)
    printed = {} if paper is None else {_key(row): row for _, row in paper.iterrows()}
    blocks = []
    for side, title in SIDES.items():
        rows = [
            _figure_row(row, years, printed.get(_key(row)), shown)
            for _, row in table[table["side"] == side].iterrows()
        ]
        rows += [benchmark] if benchmark is not None and side == "absolute" else []
        blocks.append((title, tuple(rows)))
    return FigureTable(("% a year", *years), tuple(block for block in blocks if block[1]))


def years_of(table: Table) -> tuple[str, ...]:
    """Calendar years of a figure's table, in their order."""
    names = [name.removeprefix("return_").removesuffix("_pct") for name in table.columns]
    return tuple(name for name in names if name.isdigit())


def _key(row: Any) -> tuple[str, int]:
    return str(row["side"]), round(1000 * float(row["delta"]))


def _figure_row(row: Any, years: Sequence[str], paper: Any, shown: float) -> FigureRow:
    cells = []
    for period in ("annual", *years):
        columns = f"return_{period}_pct", f"max_drawdown_{period}_pct"
        own = [number(float(row[name])) for name in columns]
        cells.append(Outcome(*own, *(_printed(paper, name, 1) for name in columns)))
    delta = float(row["delta"])
    turnover = number(float(row["avgto"]), 2), _printed(paper, "avgto", 2)
    # Both are decimals that were written as text.
    kind = "shown" if abs(delta - shown) < 1e-9 else ""
    return FigureRow(number(delta, 2), turnover, tuple(cells), kind)


def _printed(paper: Any, name: str, digits: int) -> str:
    if paper is None or name not in paper:
        return ""
    text = number(float(paper[name]), digits)
    return "" if text == "–" else text


def benchmark_row(
    nav: Table, years: Sequence[str], name: str, rule: Conventions | None = None
) -> FigureRow:
    """Returns of the benchmark over the days of one portfolio.

    Args:
        nav: rows of ``portfolio_nav`` of one portfolio, daily.
        years: columns after the first.
        name: of the row.
        rule: how to count; the paper's way by default.
    """
    value = nav["benchmark_nav"].to_numpy(dtype=float)
    # The first day counts: one was invested before it.
    returns = value / np.r_[1.0, value[:-1]] - 1
    found = describe(days_of(nav), returns, rule or Conventions())
    cells = [_outcome(found.annual_return, found.max_drawdown)]
    for text in years:
        own = found.years.get(int(text))
        cells.append(_outcome(own.total_return, own.max_drawdown) if own else Outcome("–", "–"))
    return FigureRow(name, ("", ""), tuple(cells), "baseline")


def _outcome(value: float, fall: float) -> Outcome:
    return Outcome(number(100 * float(value)), number(100 * float(fall)))
