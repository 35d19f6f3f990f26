"""Tables of the index-enhanced portfolios: what was earned, and which limits were kept, as text."""

from collections.abc import Iterator, Mapping
from typing import Any

from alpha_lightning.reports.enhanced_deltas import printed_text, years_of
from alpha_lightning.reports.enhanced_folder import EnhancedFigure, EnhancedFolder, at_delta
from alpha_lightning.reports.portfolio_tables import aligned
from alpha_lightning.reports.tables import Cell, number

Table = Any
"""A pandas DataFrame written by the portfolios."""
ANSWER = {
    "after cost": (
        ("% a year", "absolute_annual_pct", 1),
        ("volatility", "absolute_volatility_pct", 1),
        ("deepest fall", "absolute_max_drawdown_pct", 1),
    ),
    "hedged with the index": (
        ("% a year", "relative_annual_pct", 1),
        ("before cost", "gross_relative_annual_pct", 1),
        ("deepest fall", "relative_max_drawdown_pct", 1),
        ("inform. ratio", "information_ratio", 2),
    ),
    "tracking error": (
        ("limit", "te_limit_pct", 1),
        ("ex ante", "ex_ante_te_pct", 2),
        ("ex post", "ex_post_te_pct", 2),
    ),
    "trading": (
        ("turn­over", "avgto", 2),
        ("cost, % a year", "cost_pct_a_year", 1),
        ("stocks held", "mean_names", 0),
        ("constit­uents, %", "constituents_pct", 1),
    ),
}
"""Columns of the first table: name, column of ``enhanced_summary``, digits."""


def shown_rows(folder: EnhancedFolder) -> Iterator[tuple[str, Any]]:
    """Name and row of ``enhanced_summary`` of each portfolio at the delta that is drawn."""
    for figure in folder.figures:
        own = at_delta(figure.rows_of(folder.summary), folder.shown_delta)
        if len(own):
            yield folder.name(figure), own.iloc[0]


def answer_columns(folder: EnhancedFolder) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """Columns of the first table that the summary has, by title."""
    known = [
        (title, [column for column in part if column[1] in folder.summary])
        for title, part in ANSWER.items()
    ]
    return [(title, part) for title, part in known if part]


def answer_rows(folder: EnhancedFolder) -> list[tuple[str, list[str]]]:
    """What each portfolio earned, risked and paid at the delta that is drawn."""
    columns = [column for _, part in answer_columns(folder) for column in part]
    return [
        (name, [text(row, column, digits) for _, column, digits in columns])
        for name, row in shown_rows(folder)
    ]


def front_page(folder: EnhancedFolder) -> tuple[list[str], list[tuple[str, list[Cell]]]]:
    """Hedged return by year and as a whole at the delta that is drawn, the paper's beneath.

    Returns:
        Names of the columns, and rows by portfolio.
    """
    own = {figure: folder.tables[figure.table] for figure in folder.figures}
    years = sorted({year for table in own.values() for year in years_of(table)})
    names = {year: f"hedged_{year}_pct" for year in years} | {
        "a year": "hedged_annual_pct",
        "volatility": "hedged_volatility_pct",
        "deepest fall": "hedged_max_drawdown_pct",
    }
    ratios = dict(shown_rows(folder))
    rows = []
    for figure, table in own.items():
        part = at_delta(table, folder.shown_delta)
        if not len(part):
            continue
        paper = paper_row(folder, figure, folder.shown_delta)
        cells = [_cell(part.iloc[0], name, 1, paper) for name in names.values()]
        ratio = text(ratios.get(folder.name(figure), {}), "information_ratio", 2)
        rows.append((folder.name(figure), [*cells, Cell(ratio, "", _paper_ratio(paper))]))
    return [*names, "inform. ratio"], rows


def paper_row(folder: EnhancedFolder, figure: EnhancedFigure, delta: float) -> Any:
    """The paper's numbers of a portfolio and delta, None where it has none."""
    twin = folder.tables.get(f"paper_{figure.table}")
    if twin is None:
        return None
    part = at_delta(twin, delta)
    return part.iloc[0] if len(part) else None


def _paper_ratio(paper: Any) -> str:
    if paper is None:
        return ""
    names = "hedged_annual_pct", "hedged_volatility_pct"
    if any(name not in paper for name in names):
        return ""
    # The paper prints none: by its own convention, return over volatility.
    earned, spread = (float(paper[name]) for name in names)
    told = number(earned / spread, 2) if spread > 0 else "–"
    return "" if told == "–" else told


def _cell(row: Any, name: str, digits: int, paper: Any) -> Cell:
    return Cell(text(row, name, digits), "", printed_text(paper, name, digits))


def tracking_rows(
    folder: EnhancedFolder,
) -> list[tuple[str, list[tuple[str, list[tuple[str, str]]]]]]:
    """Limit, mean ex-ante and ex-post tracking error, and the paper's, by portfolio and delta.

    Returns:
        Title, and rows by delta; empty where neither was measured.
    """
    if not {"ex_ante_te_pct", "ex_post_te_pct"} <= set(folder.summary.columns):
        return []
    blocks = []
    for figure in folder.figures:
        rows = []
        for _, row in figure.rows_of(folder.summary).iterrows():
            ante, post = float(row["ex_ante_te_pct"]), float(row["ex_post_te_pct"])
            theirs = paper_row(folder, figure, float(row["delta"]))
            cells = [
                text(row, "te_limit_pct", 1),
                number(ante, 2),
                number(post, 2),
                number(post / ante if ante > 0 else float("nan"), 2),
                printed_text(theirs, "hedged_volatility_pct") or "–",
            ]
            rows.append((number(float(row["delta"]), 2), [(cell, "") for cell in cells]))
        blocks.append((folder.name(figure), rows))
    return blocks


def exceeding(folder: EnhancedFolder) -> str:
    """How many portfolios vary more than they were allowed to; empty where nobody measured."""
    if not {"te_limit_pct", "ex_post_te_pct"} <= set(folder.summary.columns):
        return ""
    table = folder.summary[["te_limit_pct", "ex_post_te_pct"]].dropna()
    above = int((table["ex_post_te_pct"] > table["te_limit_pct"]).sum())
    if not len(table):
        return ""
    return (
        f"Ex post, {above} of {len(table)} portfolios are above their limit, which binds the"
        " forecast on signal dates alone."
    )


def text(row: Mapping[str, Any], column: str, digits: int) -> str:
    """A number of a row, a dash where it is missing."""
    return number(float(row[column]), digits) if column in row else "–"


def enhanced_text(folder: EnhancedFolder, kept: str) -> str:
    """What the portfolios earned over their index and how far they strayed, for a terminal.

    Args:
        folder: the portfolios.
        kept: a sentence on the limits that gave way; may be empty.
    """
    told = (
        ("hedged (fall)", "relative_annual_pct", 1),
        ("IR", "information_ratio", 2),
        ("TE limit", "te_limit_pct", 1),
        ("ex ante", "ex_ante_te_pct", 2),
        ("ex post", "ex_post_te_pct", 2),
        ("turnover", "avgto", 2),
        ("cost", "cost_pct_a_year", 1),
    )
    grid = [["index-enhanced", *(name for name, *_ in told)]]
    for name, row in shown_rows(folder):
        cells = [text(row, column, digits) for _, column, digits in told]
        cells[0] += f" ({text(row, 'relative_max_drawdown_pct', 1)})"
        grid.append([name, *cells])
    title = f"index-enhanced at delta {folder.shown_delta:.2f} after cost: % a year"
    return "\n".join([title, *aligned(grid), *([kept] if kept else [])])
