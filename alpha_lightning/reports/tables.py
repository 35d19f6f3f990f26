"""Tables of the report: numbers rounded to what their errors allow, as text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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
        paper: what the paper has in its place, empty where there is nothing.
    """

    text: str
    strength: float
    paper: str = ""


class Cell(NamedTuple):
    """One cell of a table.

    Args:
        value: the number as text.
        error: its standard error, empty where there is none.
        paper: what the paper has in its place, empty where there is nothing.
    """

    value: str
    error: str = ""
    paper: str = ""


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


def pair(row: Any, value: str, error: str | None, digits: int, paper: Any = None) -> Cell:
    """A number of a table's row, with its error and the paper's number beside it.

    Args:
        row: of a table.
        value: column of the number.
        error: column of its error, if there is one.
        digits: after the point.
        paper: the same row of the paper's table, if there is one.
    """
    text = number(float(row[value]), digits)
    spread = "" if error is None or text == "–" else number(float(row[error]), digits)
    return Cell(text, "" if spread == "–" else spread, _paper(paper, value, digits))


def _paper(row: Any, value: str, digits: int) -> str:
    # A cell that the paper's print lost is no dash: nothing stands there.
    text = number(float(row[value]), digits) if row is not None and value in row else "–"
    return "" if text == "–" else text


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


def top_text(groups: Table, scores: Sequence[str]) -> str:
    """Return and turnover of the top group by period, for a terminal.

    Args:
        groups: table ``groups``.
        scores: names, in the order of the rows.
    """
    periods = list(dict.fromkeys(groups["since"]))
    own = {(row["score"], row["since"]): row for _, row in groups.iterrows()}
    width = max(len(name) for name in ("score", *scores))
    lines = ["top group: hedged % a year (weekly turnover)"]
    lines.append("score".ljust(width) + "".join(f"{f'since {p}':>20}" for p in periods))
    for score in scores:
        rows = [own.get((score, period)) for period in periods]
        cells = [
            "–" if row is None else f"{number(row['g01_pct'])} ({number(row['turnover'], 2)})"
            for row in rows
        ]
        lines.append(score.ljust(width) + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)


def claims_text(claims: Table) -> str:
    """Verdicts on the paper's claims, for a terminal.

    Args:
        claims: table ``claims``.
    """
    known = claims[claims["verdict"] != "not measured"]
    width = max((len(str(verdict)) for verdict in known["verdict"]), default=0)
    repeated = known["claim"].duplicated(keep=False)
    lines = []
    for (_, row), again in zip(known.iterrows(), repeated, strict=True):
        about = f" ({row['measure']})" if again else ""
        lines.append(f"  {row['verdict']:<{width}}  {row['claim']}{about}")
    if lost := len(claims) - len(known):
        lines.append(f"  {lost} not measured")
    return "\n".join(["claims of the paper here", *lines])


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


def heat_rows(
    correlation: Table, scores: Sequence[str], paper: Table | None = None
) -> list[tuple[str, list[HeatCell]]]:
    """Correlations of scores, coloured from 0 (plain) to 100 per cent.

    Args:
        correlation: table ``score_correlation`` or one like it.
        scores: names, in the order of rows and columns.
        paper: the paper's correlations in the same layout.
    """
    table = correlation.set_index("score")
    twin = None if paper is None else paper.set_index("score")
    rows = []
    for score in scores:
        row = None if twin is None or score not in twin.index else twin.loc[score]
        cells = []
        for other in scores:
            value = float(table.loc[score, f"{other}_pct"])
            strength = min(abs(value) / 100, 1.0) if math.isfinite(value) else 0.0
            printed = _paper(row, f"{other}_pct", 1)
            cells.append(HeatCell(number(value), round(strength, 3), printed))
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
