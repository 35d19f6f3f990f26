"""The section on portfolios: what its template is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alpha_lightning.backtest.settings import Conventions, CostSettings
from alpha_lightning.reports import portfolio_deltas as deltas
from alpha_lightning.reports import portfolio_figures as figures
from alpha_lightning.reports import portfolio_tables as tables
from alpha_lightning.reports.portfolio_folder import PortfolioFigure, PortfolioFolder
from alpha_lightning.reports.portfolio_rules import (
    benchmark_name,
    capacity_words,
    cost_words,
    delay_words,
    is_universe,
    ratio_words,
    relative_words,
    rules,
    turnover_words,
    year_words,
)
from alpha_lightning.reports.tables import number

Table = Any
CURVES = ("cost_curve", "capacity_curve", "delay_curve")
"""Tables of what is varied at the shown delta."""
PAPER_PERIOD = "2017 to 1 June 2022"
"""What the paper's portfolios are measured over."""


@dataclass(frozen=True)
class PortfolioPart:
    """One figure of the section.

    Args:
        anchor: id on the page.
        number: in the paper, if it is there.
        title: of the figure.
        name: of the portfolio.
        table: name of the CSV file.
        twin: name of the CSV file with the paper's numbers, empty where there is none.
        figure: its rows.
        absolute: drawing of the values, portfolio and benchmark; empty for a single day.
        relative: drawing of the relative value, likewise.
    """

    anchor: str
    number: int | None
    title: str
    name: str
    table: str
    twin: str
    figure: deltas.FigureTable
    absolute: str
    relative: str


@dataclass(frozen=True)
class Curve:
    """A drawing of what is varied.

    Args:
        anchor: id on the page.
        title: of the drawing.
        table: name of the CSV file.
        words: what is to be seen.
        svg: the drawing.
    """

    anchor: str
    title: str
    table: str
    words: str
    svg: str


@dataclass(frozen=True)
class PortfolioSection:
    """All that the page shows of portfolios.

    Args:
        warnings: to be read first.
        paper_period: what the paper's numbers are of.
        rules: sentences on how they trade and pay.
        shown: delta whose values are drawn, as text.
        benchmark: its name.
        costless: whether the benchmark trades as the portfolios do, free of cost.
        relative: what a day's relative return is, in words.
        turnover: what the mean turnover is of, in words.
        ratio: what the information ratio is, in words.
        years: what a calendar year's return and fall are, in words.
        period: first and last date, if they are told.
        fact: a line for the first screen.
        columns: of the first table, by title.
        answer: rows of the first table.
        measures: columns and blocks of what was held and prevented.
        accounts: how well the accounts agree.
        everything: header and rows of all deltas.
        parts: figures.
        curves: what is varied.
    """

    warnings: Sequence[str]
    paper_period: str
    rules: Sequence[str]
    shown: str
    benchmark: str
    costless: bool
    relative: str
    turnover: str
    ratio: str
    years: str
    period: tuple[str, ...]
    fact: str
    columns: Sequence[tuple[str, Sequence[str]]]
    answer: Sequence[tuple[str, Sequence[str]]]
    measures: tuple[Sequence[str], Sequence[Any]]
    accounts: str
    everything: tuple[Sequence[str], Sequence[Sequence[str]]]
    parts: Sequence[PortfolioPart]
    curves: Sequence[Curve]

    @property
    def numbers(self) -> set[int]:
        """Figures of the paper that are there."""
        return {part.number for part in self.parts if part.number is not None}

    @property
    def foremost(self) -> Sequence[PortfolioPart]:
        """Figures that are shown open: the paper's, or else the first."""
        own = [part for part in self.parts if part.number is not None]
        return own or self.parts[:1]

    @property
    def further(self) -> Sequence[PortfolioPart]:
        """Figures that are folded."""
        return [part for part in self.parts if part not in self.foremost]


def portfolio_section(folder: PortfolioFolder | None) -> PortfolioSection | None:
    """What the section shows, or None where a study has no portfolios.

    Args:
        folder: read back.
    """
    if folder is None:
        return None
    styles = figures.portfolio_styles(folder.summary)
    settings, answer = folder.settings, tables.answer_rows(folder)
    return PortfolioSection(
        warnings=folder.warnings,
        paper_period=PAPER_PERIOD,
        rules=rules(settings, folder.about.get("traded_at")),
        shown=number(folder.shown_delta, 2),
        benchmark=benchmark_name(folder),
        costless=is_universe(settings),
        relative=relative_words(settings),
        turnover=turnover_words(settings),
        ratio=ratio_words(settings),
        years=year_words(settings),
        period=_period(folder.about.get("period")),
        fact=_fact(folder, answer),
        columns=[(title, [name for name, *_ in part]) for title, part in tables.ANSWER.items()],
        answer=answer,
        measures=tables.measure_blocks(folder),
        accounts=tables.accounts_text(folder.summary),
        everything=tables.all_rows(folder.summary),
        parts=[_part(folder, figure, styles) for figure in folder.figures],
        curves=_curves(folder, styles),
    )


def _period(told: Any) -> tuple[str, ...]:
    values = told.values() if isinstance(told, Mapping) else told or ()
    return tuple(str(date) for date in values)


def _fact(folder: PortfolioFolder, answer: Sequence[tuple[str, Sequence[str]]]) -> str:
    first = folder.summary.iloc[0]
    absolute, _, fall, relative, *_ = answer[0][1]
    name = f"TOP-{first['names']} of {first['score']}, δ {number(folder.shown_delta, 2)}"
    return f"{name}, after cost: {absolute} % a year, relative {relative} %, deepest fall {fall} %"


def _part(
    folder: PortfolioFolder, figure: PortfolioFigure, styles: figures.Styles
) -> PortfolioPart:
    table, twin = folder.tables[figure.table], f"paper_{figure.table}"
    paper, style = folder.tables.get(twin), styles[figure.score, figure.names]
    nav = figure.rows_of(tables.at_delta(folder.tables["portfolio_nav"], folder.shown_delta))
    place = folder.figures.index(figure)
    anchor = f"fig-{figure.number}" if figure.number else f"portfolio-{place}"
    rule = Conventions(**(folder.settings.get("conventions") or {}))
    years, drawn = deltas.years_of(table), len(nav) > 1
    own = deltas.benchmark_row(nav, years, "benchmark", rule) if drawn else None
    return PortfolioPart(
        anchor=anchor,
        number=figure.number,
        title=figure.title,
        name=style.name,
        table=figure.table,
        twin=twin if paper is not None else "",
        figure=deltas.figure_table(table, folder.shown_delta, paper, own),
        absolute=figures.absolute_value(f"{anchor}-nav", nav, style) if drawn else "",
        relative=figures.relative_value(f"{anchor}-relative", nav, style) if drawn else "",
    )


def _curves(folder: PortfolioFolder, styles: figures.Styles) -> list[Curve]:
    known = {name: folder.tables[name] for name in CURVES if len(folder.tables.get(name, ()))}
    curves = list(_turnover(folder, styles))
    shown = f", at δ {number(folder.shown_delta, 2)}"
    if (table := known.get("cost_curve")) is not None:
        rates = cost_words(CostSettings(**(folder.settings.get("costs") or {})))
        words = f"Relative return by multiples of the cost, which is {rates}{shown}."
        svg = figures.cost_lines(table, styles)
        curves.append(Curve("portfolio-cost", "Cost", "cost_curve", words, svg))
    if (table := known.get("delay_curve")) is not None:
        words, svg = delay_words(table, shown), figures.delay_lines(table, styles)
        curves.append(Curve("portfolio-delay", "Delay", "delay_curve", words, svg))
    if (table := known.get("capacity_curve")) is not None:
        words, svg = capacity_words(table, shown), figures.capacity_lines(table, styles)
        curves.append(Curve("portfolio-capacity", "Capacity", "capacity_curve", words, svg))
    return curves


def _turnover(folder: PortfolioFolder, styles: figures.Styles) -> Sequence[Curve]:
    own = {(figure.score, figure.names): figure.table for figure in folder.figures}
    limits = {key: folder.tables[name] for key, name in own.items()}
    if not any(table["delta"].nunique() > 1 for table in limits.values()):
        return []
    twins = {key: folder.tables.get(f"paper_{name}") for key, name in own.items()}
    paper = {key: twin for key, twin in twins.items() if twin is not None}
    words = "Relative return after cost against turnover: a point for each δ."
    words += f" Diamonds: the paper, {PAPER_PERIOD}." if paper else ""
    svg = figures.turnover_lines(limits, styles, paper, turnover_words(folder.settings))
    return [Curve("portfolio-turnover", "Turnover", "portfolio_summary", words, svg)]
