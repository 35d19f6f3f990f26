"""Tables of the report: numbers rounded to what their errors allow, as text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Table = Any
"""A pandas DataFrame written by the evaluation."""


@dataclass(frozen=True)
class HeadlineRow:
    """One score of the headline table.

    Args:
        score: its name.
        baseline: whether it is a yardstick.
        rank_ic: mean RankIC in per cent by horizon.
        error: Newey-West standard errors in per cent by horizon.
        ic_ir: mean / std by horizon, not annualised.
    """

    score: str
    baseline: bool
    rank_ic: tuple[str, ...]
    error: tuple[str, ...]
    ic_ir: tuple[str, ...]


@dataclass(frozen=True)
class HeatCell:
    """One cell of the correlation table.

    Args:
        text: correlation in per cent.
        strength: 0 to 1, how deep the cell is coloured.
    """

    text: str
    strength: float


def number(value: float, digits: int = 1) -> str:
    """A number with a true minus sign; a dash where it is missing.

    Example:
        >>> number(-3.14159, 2), number(float("nan"))
        ('−3.14', '–')
    """
    if not math.isfinite(value):
        return "–"
    text = f"{value:,.{digits}f}"
    zero = not text.strip("-0.")
    return text.lstrip("-") if zero else text.replace("-", "−")


def headline_rows(
    summary: Table, scores: Sequence[str], baselines: Sequence[str]
) -> tuple[tuple[str, ...], tuple[HeadlineRow, ...]]:
    """RankIC and IC_IR by score and horizon.

    Args:
        summary: table ``rank_ic_summary``.
        scores: names, in the order of the rows.
        baselines: which of them are yardsticks.

    Returns:
        The horizons and the rows.
    """
    horizons = tuple(dict.fromkeys(summary["horizon"]))
    rows = []
    for score in scores:
        own = summary[summary["score"] == score].set_index("horizon").loc[list(horizons)]
        rows.append(
            HeadlineRow(
                score=score,
                baseline=score in baselines,
                rank_ic=tuple(number(value) for value in own["mean_pct"]),
                error=tuple(number(value) for value in own["se_newey_west_pct"]),
                ic_ir=tuple(number(value, 2) for value in own["ic_ir"]),
            )
        )
    return horizons, tuple(rows)


def headline_text(title: str, horizons: Sequence[str], rows: Sequence[HeadlineRow]) -> str:
    """The headline table for a terminal, in columns of spaces.

    Args:
        title: first line.
        horizons: column names.
        rows: the scores.
    """
    blank = [""] * (len(horizons) - 1)
    grid = [
        ["", "RankIC %", *blank, "IC_IR", *blank],
        ["score", *horizons, *horizons],
        *([row.score, *_with_errors(row), *row.ic_ir] for row in rows),
    ]
    # The group titles of the first line may run over the columns beside them.
    widths = [max(len(line[k]) for line in grid[1:]) for k in range(len(grid[0]))]
    head = "".join(
        text.rjust(width + 2) if text else " " * (width + 2)
        for text, width in zip(grid[0][1:], widths[1:], strict=True)
    )
    lines = [" " * widths[0] + head]
    for name, *cells in grid[1:]:
        padded = (cell.rjust(width + 2) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append(name.ljust(widths[0]) + "".join(padded))
    return "\n".join([title, *(line.rstrip() for line in lines)])


def _with_errors(row: HeadlineRow) -> list[str]:
    return [f"{mean} ±{error}" for mean, error in zip(row.rank_ic, row.error, strict=True)]


def group_rows(groups: Table, scores: Sequence[str]) -> list[tuple[str, list[list[str]]]]:
    """Table of groups by period: score, turnover of the top group, then the groups.

    Args:
        groups: table ``fig08_groups``.
        scores: names, in the order of the rows.
    """
    names = [name for name in groups.columns if name.startswith("g") and name.endswith("_pct")]
    periods = []
    for since in dict.fromkeys(groups["since"]):
        part = groups[groups["since"] == since].set_index("score").loc[list(scores)]
        rows = [
            [score, number(row["turnover"], 2), *(number(row[name]) for name in names)]
            for score, row in part.iterrows()
        ]
        periods.append((str(since), rows))
    return periods


def top_group_rows(top: Table, scores: Sequence[str]) -> tuple[list[str], list[list[Any]]]:
    """Hedged return and drawdown of the top group by year.

    Args:
        top: table ``top_group``.
        scores: names, in the order of the rows.

    Returns:
        Years (the last is ``all``), and for each score its name and (return, drawdown) pairs.
    """
    years = list(dict.fromkeys(str(year) for year in top["year"]))
    rows = []
    for score in scores:
        own = top[top["score"] == score]
        pairs = {
            str(year): (number(value), number(fall))
            for year, value, fall in zip(
                own["year"], own["return_pct"], own["max_drawdown_pct"], strict=True
            )
        }
        rows.append([score, *(pairs.get(year, ("–", "–")) for year in years)])
    return years, rows


def heat_rows(correlation: Table, scores: Sequence[str]) -> list[tuple[str, list[HeatCell]]]:
    """Correlations of scores, coloured from 0 (plain) to 100 per cent.

    Args:
        correlation: table ``score_correlation``.
        scores: names, in the order of rows and columns.
    """
    table = correlation.set_index("score")
    rows = []
    for score in scores:
        values = [float(table.loc[score, f"{other}_pct"]) for other in scores]
        cells = [HeatCell(number(v), round(min(abs(v) / 100, 1.0), 3)) for v in values]
        rows.append((score, cells))
    return rows


def timing_rows(timings: Table) -> tuple[list[str], list[list[str]]]:
    """Time by kind of task, which is the first part of a task's name.

    Args:
        timings: ``task`` (such as ``fit/gru/rawbar/v2024/s0``) and ``seconds``.
    """
    kind = timings["task"].str.partition("/")[0]
    rows = []
    for name in dict.fromkeys(kind):
        seconds = timings["seconds"][kind == name]
        times = (seconds.sum(), seconds.mean(), seconds.max())
        rows.append([name, str(len(seconds)), *(number(value) for value in times)])
    return ["task", "number", "seconds in all", "mean", "longest"], rows


def plain_rows(table: Table, digits: int = 1) -> tuple[list[str], list[list[str]]]:
    """Any table as header and rows of text."""
    header = [str(name).removesuffix("_pct").replace("_", " ") for name in table.columns]
    header = [
        f"{label}, %" if str(name).endswith("_pct") else label
        for label, name in zip(header, table.columns, strict=True)
    ]
    rows = [
        [number(cell, digits) if isinstance(cell, float) else str(cell) for cell in row]
        for row in table.itertuples(index=False)
    ]
    return header, rows
