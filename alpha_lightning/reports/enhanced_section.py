"""The section on index-enhanced portfolios: what its template is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alpha_lightning.reports import enhanced_figures as figures
from alpha_lightning.reports import enhanced_limits as limits
from alpha_lightning.reports import enhanced_tables as tables
from alpha_lightning.reports.enhanced_deltas import enhanced_table, has_year_falls
from alpha_lightning.reports.enhanced_folder import EnhancedFigure, EnhancedFolder, at_delta
from alpha_lightning.reports.enhanced_rules import (
    PAPER_DEFECTS,
    benchmark_words,
    enhanced_rules,
    shared_limits,
)
from alpha_lightning.reports.portfolio_deltas import FigureTable
from alpha_lightning.reports.portfolio_figures import absolute_value, relative_value
from alpha_lightning.reports.portfolio_rules import (
    ratio_words,
    relative_words,
    turnover_words,
    year_words,
)
from alpha_lightning.reports.portfolio_tables import all_rows
from alpha_lightning.reports.styles import ScoreStyle
from alpha_lightning.reports.tables import number
from alpha_lightning.risk.settings import MARKET, STYLES

Table = Any
"""A pandas DataFrame."""


@dataclass(frozen=True)
class EnhancedPart:
    """One figure of the section: the portfolios of an index, a floor and a score.

    Args:
        anchor: id on the page.
        number: in the paper, if it is there.
        title: of the figure.
        name: of the portfolio.
        table: name of the CSV file.
        twin: name of the CSV file with the paper's numbers, empty where there is none.
        figure: its rows.
        absolute: drawing of the values, portfolio and index; empty for a single day.
        relative: drawing of the hedged value, likewise.
        styles: drawing of the exposures to styles, empty where nobody told them.
        industries: drawing of the weights of industries at the end, likewise.
        last: date of the latter.
    """

    anchor: str
    number: int | None
    title: str
    name: str
    table: str
    twin: str
    figure: FigureTable
    absolute: str
    relative: str
    styles: str
    industries: str
    last: str


@dataclass(frozen=True)
class Relaxed:
    """Which limits gave way.

    Args:
        sentence: on how many dates; empty where nobody counted.
        counts: header and rows by portfolio and delta.
        rows: the first dates, with what gave way.
        count: of all such dates.
        header: of the rows.
    """

    sentence: str
    counts: tuple[Sequence[str], Sequence[Any]]
    rows: Sequence[Sequence[str]]
    count: int
    header: Sequence[str] = limits.HEADER

    @property
    def failed(self) -> bool:
        """Whether some date had no solution."""
        return any("+" in cell for _, row in self.counts[1] for cell, _ in row)


@dataclass(frozen=True)
class EnhancedSection:
    """All that the page shows of index-enhanced portfolios.

    Args:
        warnings: to be read first.
        rules: sentences on what they may do and how they trade.
        benchmark: what they are held against, in sentences.
        defects: what is wrong with the paper's numbers; empty where none is shown.
        words: of a day's relative return, the turnover, the information ratio, a calendar year.
        period: first and last date, if they are told.
        shown: delta whose values are drawn, as text.
        fact: a line for the first screen.
        front: header and rows of the front page.
        front_table: name of its CSV file.
        columns: of the first table, by title.
        answer: rows of the first table.
        tracking: blocks of ex-ante and ex-post tracking error.
        exceeding: how many are above their limit, in a sentence.
        tracking_lines: drawing of both over time; empty where nobody told them.
        relaxed: which limits gave way.
        violation: how well the others were kept, in a sentence; empty where nobody measured.
        everything: header and rows of all deltas.
        parts: figures.
    """

    warnings: Sequence[str]
    rules: Sequence[str]
    benchmark: str
    defects: str
    words: dict[str, str]
    period: tuple[str, ...]
    shown: str
    fact: str
    front: tuple[Sequence[str], Sequence[Any]]
    front_table: str
    columns: Sequence[tuple[str, Sequence[str]]]
    answer: Sequence[tuple[str, Sequence[str]]]
    tracking: Sequence[Any]
    exceeding: str
    tracking_lines: str
    relaxed: Relaxed
    violation: str
    everything: tuple[Sequence[str], Sequence[Sequence[str]]]
    parts: Sequence[EnhancedPart]

    @property
    def numbers(self) -> set[int]:
        """Figures of the paper that are there."""
        return {part.number for part in self.parts if part.number is not None}

    @property
    def foremost(self) -> Sequence[EnhancedPart]:
        """Figures that are shown open: the paper's, or else the first."""
        return [part for part in self.parts if part.number is not None] or self.parts[:1]

    @property
    def further(self) -> Sequence[EnhancedPart]:
        """Figures that are folded."""
        return [part for part in self.parts if part not in self.foremost]


def enhanced_section(folder: EnhancedFolder | None) -> EnhancedSection | None:
    """What the section shows, or None where a study has no such portfolios.

    Args:
        folder: read back.
    """
    if folder is None:
        return None
    styles = figures.enhanced_styles(folder)
    parts = [_part(folder, figure, styles[figure.key]) for figure in folder.figures]
    columns = tables.answer_columns(folder)
    return EnhancedSection(
        warnings=folder.warnings,
        rules=enhanced_rules(folder),
        benchmark=benchmark_words(folder),
        defects=PAPER_DEFECTS if any(part.twin for part in parts) else "",
        words=_words(folder),
        period=tuple(str(date) for date in (folder.about.get("period") or {}).values()),
        shown=number(folder.shown_delta, 2),
        fact=_fact(folder),
        front=tables.front_page(folder),
        front_table="front_page" if "front_page" in folder.tables else folder.figures[0].table,
        columns=[(title, [name for name, *_ in part]) for title, part in columns],
        answer=tables.answer_rows(folder),
        tracking=tables.tracking_rows(folder),
        exceeding=tables.exceeding(folder),
        tracking_lines=_tracking(folder),
        relaxed=Relaxed(
            limits.kept_text(folder), limits.count_rows(folder), *limits.relaxation_rows(folder)
        ),
        violation=limits.violation_text(folder),
        everything=all_rows(folder.summary),
        parts=parts,
    )


def _words(folder: EnhancedFolder) -> dict[str, str]:
    settings, shown = folder.settings, (folder.tables[one.table] for one in folder.figures)
    return {
        "relative": relative_words(settings),
        "turnover": turnover_words(settings),
        "ratio": ratio_words(settings),
        "years": year_words(settings, falls=any(map(has_year_falls, shown))),
    }


def _fact(folder: EnhancedFolder) -> str:
    told = [
        f"{name} {tables.text(row, 'relative_annual_pct', 1)} %"
        for name, row in tables.shown_rows(folder)
    ]
    more = f" and {len(told) - 4} more" if len(told) > 4 else ""
    return f"hedged, a year, δ {number(folder.shown_delta, 2)}: {', '.join(told[:4])}{more}"


def _part(folder: EnhancedFolder, figure: EnhancedFigure, style: ScoreStyle) -> EnhancedPart:
    twin, place = f"paper_{figure.table}", folder.figures.index(figure)
    paper = folder.tables.get(twin)
    anchor = f"fig-{figure.number}" if figure.number else f"enhanced-{place}"
    nav = folder.part("enhanced_nav", figure)
    nav = None if nav is None else at_delta(nav, folder.shown_delta)
    drawn = nav is not None and len(nav) > 1
    exposures = _exposures(folder, figure, anchor)
    return EnhancedPart(
        anchor=anchor,
        number=figure.number,
        title=figure.title,
        name=style.name,
        table=figure.table,
        twin="" if paper is None else twin,
        figure=enhanced_table(
            folder.tables[figure.table], folder.shown_delta, paper, nav if drawn else None
        ),
        absolute=absolute_value(f"{anchor}-nav", nav, style) if drawn else "",
        relative=relative_value(f"{anchor}-relative", nav, style) if drawn else "",
        **exposures,
    )


def _exposures(folder: EnhancedFolder, figure: EnhancedFigure, anchor: str) -> dict[str, str]:
    table = folder.part("active_exposures", figure)
    table = None if table is None else at_delta(table, folder.shown_delta)
    if table is None or not len(table):
        return dict.fromkeys(("styles", "industries", "last"), "")
    policy = shared_limits(folder.settings)
    factors = list(dict.fromkeys(table["factor"]))
    styles = [name for name in STYLES if name in factors]
    last = str(table["date"].max())
    end = table[table["date"] == last].sort_values("benchmark", ascending=False, kind="stable")
    industries = [name for name in end["factor"] if name not in (*STYLES, MARKET)]
    name = f"{anchor}-styles", f"{anchor}-industries"
    return {
        "styles": figures.style_lines(name[0], table, styles, policy["style"]) if styles else "",
        "industries": figures.industry_bars(name[1], end, industries, policy["industry"])
        if industries
        else "",
        "last": last,
    }


def _tracking(folder: EnhancedFolder) -> str:
    parts = {
        folder.name(figure): at_delta(own, folder.shown_delta)
        for figure in folder.figures
        if (own := folder.part("tracking_error", figure)) is not None
    }
    parts = {name: own for name, own in parts.items() if len(own) > 1}
    if not parts:
        return ""
    bounds = {
        name: float(row["te_limit_pct"])
        for name, row in tables.shown_rows(folder)
        if "te_limit_pct" in row
    }
    return figures.tracking_lines(parts, bounds)
