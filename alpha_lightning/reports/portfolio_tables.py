"""Tables of the portfolios: what was earned, paid, held and prevented, as text."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from alpha_lightning.reports.portfolio_folder import PortfolioFolder
from alpha_lightning.reports.tables import number

Table = Any
"""A pandas DataFrame written by the portfolios."""
ANSWER = {
    "after cost": (
        ("% a year", "absolute_annual_pct", 1),
        ("volatility", "absolute_volatility_pct", 1),
        ("deepest fall", "absolute_max_drawdown_pct", 1),
    ),
    "relative to the benchmark": (
        ("% a year", "relative_annual_pct", 1),
        ("before cost", "gross_relative_annual_pct", 1),
        ("volatility", "relative_volatility_pct", 1),
        ("deepest fall", "relative_max_drawdown_pct", 1),
        ("inform. ratio", "information_ratio", 2),
    ),
    "trading": (("turn­over", "avgto", 2), ("cost, % a year", "cost_pct_a_year", 1)),
}
"""Columns of the first table: name, column of ``portfolio_summary``, digits."""
_MEASURES = {
    "What was held, on average": (
        ("stocks held", "mean_names", 1),
        ("cash, %", "cash_pct", 2),
        ("universe with a score, %", "coverage_pct", 1),
        ("size percentile", "size_percentile", 0),
        ("liquidity percentile", "liquidity_percentile", 0),
    ),
    "What the market prevented": (
        ("purchases blocked", "blocked_buys", 0),
        ("sales blocked", "blocked_sells", 0),
        ("places left empty", "short", 0),
        ("signals without a trade", "held_signals", 0),
    ),
}

_GAP = "largest_residual"
_GAPS = (_GAP, "largest_violation")
_COUNTS = (
    *("names", "blocked_buys", "blocked_sells", "short", "held_signals"),
    *("signals", "relaxed_dates", "failed_dates"),
)
_DIGITS = dict.fromkeys(("floor", "delta", "avgto", "information_ratio"), 2)


def portfolio_name(names: int, score: str, scores: Sequence[str]) -> str:
    """A portfolio in words; the score is named where there are several.

    Example:
        >>> portfolio_name(100, "gru", ["gru"]), portfolio_name(100, "gru", ["gru", "lstm"])
        ('TOP-100', 'TOP-100 of gru')
    """
    return f"TOP-{names} of {score}" if len(scores) > 1 else f"TOP-{names}"


def at_delta(table: Table, delta: float) -> Table:
    """Rows of one turnover limit."""
    return table[np.isclose(table["delta"].to_numpy(dtype=float), delta)]


def answer_rows(folder: PortfolioFolder) -> list[tuple[str, list[str]]]:
    """What each portfolio earned and paid at the delta whose values are drawn.

    Returns:
        Name, and text of the columns of `ANSWER`.
    """
    columns = [column for part in ANSWER.values() for column in part]
    return [
        (name, [_text(row, column, digits) for _, column, digits in columns])
        for name, row in _shown(folder)
    ]


def measure_blocks(
    folder: PortfolioFolder,
) -> tuple[list[str], list[tuple[str, list[tuple[str, list[tuple[str, str]]]]]]]:
    """What was held and what the market prevented: measures in rows, portfolios in columns.

    Returns:
        Names of the columns, and (title, rows) without the measures that are not known.
    """
    shown = list(_shown(folder))
    blocks = []
    for title, measures in _MEASURES.items():
        rows = [
            (name, [(_text(row, column, digits), "") for _, row in shown])
            for name, column, digits in measures
            if column in folder.summary and any(_known(row[column]) for _, row in shown)
        ]
        blocks.append((title, rows))
    return [name for name, _ in shown], [block for block in blocks if block[1]]


def accounts_text(summary: Table) -> str:
    """How far the accounts of any portfolio are from agreeing; empty where nobody counted.

    Args:
        summary: table ``portfolio_summary``.
    """
    if _GAP not in summary:
        return ""
    worst = float(summary[_GAP].max())
    return f"On every day cash + holdings agree with what was booked, to {worst:.0e} of value."


def _known(value: Any) -> bool:
    return math.isfinite(float(value))


def _shown(folder: PortfolioFolder) -> Iterator[tuple[str, Any]]:
    table = at_delta(folder.summary, folder.shown_delta)
    scores = list(dict.fromkeys(folder.summary["score"]))
    for _, row in table.iterrows():
        yield portfolio_name(int(row["names"]), str(row["score"]), scores), row


def _text(row: Mapping[str, Any], column: str, digits: int) -> str:
    return number(float(row[column]), digits) if column in row else "–"


def all_rows(summary: Table) -> tuple[list[str], list[list[str]]]:
    """Every portfolio as header and rows of text.

    Args:
        summary: table ``portfolio_summary`` or ``enhanced_summary``.
    """
    header = [
        f"{name.removesuffix('_pct').replace('_', ' ')}, %"
        if name.endswith("_pct")
        else name.replace("_pct_", ", % ").replace("_", " ")
        for name in summary.columns
    ]
    rows = [[_any(row, name) for name in summary.columns] for _, row in summary.iterrows()]
    return header, rows


def _any(row: Any, name: str) -> str:
    if isinstance(row[name], str):
        return str(row[name])
    if name in _GAPS:
        return f"{row[name]:.0e}"
    return _text(row, name, _DIGITS.get(name, 0 if name in _COUNTS else 1))


def portfolio_text(folder: PortfolioFolder) -> str:
    """What the portfolios earned after cost, for a terminal.

    Args:
        folder: the portfolios.
    """
    told: tuple[tuple[str, Callable[[Any], str]], ...] = (
        ("absolute (fall)", lambda row: _with_fall(row, "absolute")),
        ("relative (fall)", lambda row: _with_fall(row, "relative")),
        ("IR", lambda row: _text(row, "information_ratio", 2)),
        ("turnover", lambda row: _text(row, "avgto", 2)),
        ("cost", lambda row: _text(row, "cost_pct_a_year", 1)),
    )
    grid = [["portfolio", *(name for name, _ in told)]]
    grid += [[name, *(spell(row) for _, spell in told)] for name, row in _shown(folder)]
    title = f"portfolios at delta {folder.shown_delta:.2f} after cost: % a year"
    return "\n".join([title, *aligned(grid)])


def aligned(grid: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a text table, the first column to the left.

    Example:
        >>> aligned([["a", "b"], ["long", "1"]])
        ['a     b', 'long  1']
    """
    widths = [max(len(line[k]) for line in grid) for k in range(len(grid[0]))]
    return [
        "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
        for line in ([line[0].ljust(widths[0]), *line[1:]] for line in grid)
    ]


def _with_fall(row: Any, side: str) -> str:
    fall = _text(row, f"{side}_max_drawdown_pct", 1)
    return f"{_text(row, f'{side}_annual_pct', 1)} ({fall})"
