"""Figures 6 to 15 of the paper by their number: ours, and the paper's numbers beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alpha_lightning.reports import tables
from alpha_lightning.reports.figures import horizons_of, measure_bars
from alpha_lightning.reports.group_figures import group_bars
from alpha_lightning.reports.styles import ScoreStyle, of_names
from alpha_lightning.reports.tables import Cell, HeatCell, number, pair

Table = Any
Frames = Mapping[str, Table]
MEASURES = {
    6: ("fig06_rank_ic", "rank_ic"),
    7: ("fig07_ic_ir", "ic_ir"),
    12: ("fig12_rank_ic", "rank_ic"),
    13: ("fig13_ic_ir", "ic_ir"),
}
GROUPS = {8: "fig08_groups", 9: "fig09_groups", 14: "fig14_groups", 15: "fig15_groups"}
MATRICES = {10: "fig10_correlation_single_run", 11: "fig11_correlation_average"}
_TITLES = {
    6: "RankIC of the models, %",
    7: "IC_IR of the models",
    8: "Groups of the models since {since}",
    9: "Groups of the models since {since}",
    10: "Correlation of single runs, %",
    11: "Correlation of models, runs averaged, %",
    12: "RankIC of the integrations, %",
    13: "IC_IR of the integrations",
    14: "Groups of the integrations since {since}",
    15: "Groups of the integrations since {since}",
}


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper.

    Args:
        number: in the paper.
        kind: ``measure``, ``groups`` or ``matrix``.
        title: what is shown.
        table: name of the CSV file.
        twin: name of the CSV file with the paper's numbers, empty where there is none.
        svg: the drawing, empty where the table itself is coloured.
        columns: names of the table's columns.
        rows: its rows.
        heat: rows of a matrix.
    """

    number: int
    kind: str
    title: str
    table: str
    twin: str = ""
    svg: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[tuple[str, Sequence[Cell]]] = ()
    heat: Sequence[tuple[str, Sequence[HeatCell]]] = field(default_factory=tuple)

    @property
    def name(self) -> str:
        """Id on the page."""
        return f"fig-{self.number}"


def paper_figures(frames: Frames, styles: Sequence[ScoreStyle]) -> dict[int, PaperFigure]:
    """Figures 6 to 15 whose tables are there, by number.

    Args:
        frames: the evaluation's tables by name.
        styles: of all scores, in the order in which they are shown.
    """
    found = {}
    for place, (table, measure) in MEASURES.items():
        if table in frames:
            found[place] = _measure(place, table, measure, frames, styles)
    for place, table in GROUPS.items():
        if table in frames:
            found[place] = _groups(place, table, frames, styles)
    for place, table in MATRICES.items():
        if table in frames:
            found[place] = _matrix(place, table, frames, styles)
    return dict(sorted(found.items()))


def _measure(
    place: int, table: str, measure: str, frames: Frames, styles: Sequence[ScoreStyle]
) -> PaperFigure:
    own, twin = frames[table], frames.get(f"paper_{table}")
    horizons = horizons_of(own, measure)
    digits, unit = (1, "_pct") if measure == "rank_ic" else (2, "")
    printed = _by_score(twin)
    rows = []
    for score, row in _ordered(own, styles):
        names = [(f"{measure}_{h}{unit}", f"{measure}_{h}_se{unit}") for h in horizons]
        cells = [
            pair(row, value, error if error in row else None, digits, printed.get(score))
            for value, error in names
        ]
        rows.append((score, cells))
    svg = measure_bars(f"fig-{place}", own, styles, measure, twin)
    return PaperFigure(
        place, "measure", _TITLES[place], table, _twin(twin, table), svg, horizons, rows
    )


def _groups(place: int, table: str, frames: Frames, styles: Sequence[ScoreStyle]) -> PaperFigure:
    own, twin = frames[table], frames.get(f"paper_{table}")
    since = str(own["since"].iloc[0])
    own = own[own["since"] == own["since"].iloc[0]]
    return PaperFigure(
        place,
        "groups",
        _TITLES[place].format(since=since),
        table,
        _twin(twin, table),
        group_bars(f"fig-{place}", own, styles, twin),
        *group_rows(own, styles, twin),
    )


def group_rows(
    groups: Table, styles: Sequence[ScoreStyle], paper: Table | None = None
) -> tuple[list[str], list[tuple[str, list[Cell]]]]:
    """Groups from top to bottom as rows, scores as columns, as the paper prints them.

    Args:
        groups: of one period.
        styles: of the scores, in their order.
        paper: the paper's numbers in the same layout.

    Returns:
        Scores, and rows of turnover and of each group.
    """
    names = [name for name in groups.columns if name.startswith("g") and name.endswith("_pct")]
    own, printed = _ordered(groups, styles), _by_score(paper)
    rows = [("turnover", [pair(r, "turnover", None, 2, printed.get(s)) for s, r in own])]
    for place, name in enumerate(names, 1):
        told = f"{place} top" if place == 1 else f"{place} bottom" if place == len(names) else ""
        cells = [pair(row, name, None, 1, printed.get(score)) for score, row in own]
        rows.append((told or str(place), cells))
    return [score for score, _ in own], rows


def _matrix(place: int, table: str, frames: Frames, styles: Sequence[ScoreStyle]) -> PaperFigure:
    own, twin = frames[table], frames.get(f"paper_{table}")
    scores = [style.name for style in of_names(styles, list(own["score"]))]
    heat = tables.heat_rows(own, scores, twin)
    return PaperFigure(place, "matrix", _TITLES[place], table, _twin(twin, table), heat=heat)


def answer_rows(
    summary: Table, groups: Table, scores: Sequence[str], horizons: Sequence[str]
) -> list[tuple[str, list[Cell]]]:
    """The first screen: RankIC at all horizons, top group's return and turnover, by score.

    Args:
        summary: table ``rank_ic_summary``.
        groups: table ``groups``; its first period is shown.
        scores: in the order of the rows.
        horizons: in the order of the columns.
    """
    whole = groups[groups["since"] == groups["since"].iloc[0]].set_index("score")
    rows = []
    for score in scores:
        own = summary[summary["score"] == score].set_index("horizon")
        cells = [pair(own.loc[h], "mean_pct", "se_newey_west_pct", 1) for h in horizons]
        top = whole.loc[score] if score in whole.index else {"g01_pct": "nan", "turnover": "nan"}
        returns = Cell(number(float(top["g01_pct"])))
        rows.append((score, [*cells, returns, Cell(number(float(top["turnover"]), 2))]))
    return rows


def _ordered(table: Table, styles: Sequence[ScoreStyle]) -> list[tuple[str, Any]]:
    own = table.set_index("score")
    return [(style.name, own.loc[style.name]) for style in of_names(styles, list(own.index))]


def _by_score(table: Table | None) -> dict[str, Any]:
    return {} if table is None else {str(row["score"]): row for _, row in table.iterrows()}


def _twin(twin: Table | None, table: str) -> str:
    return "" if twin is None else f"paper_{table}"
