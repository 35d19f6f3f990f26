"""The index-enhanced portfolios of a study read back, and one table for each figure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.backtest.enhanced_points import portfolio_words
from alpha_lightning.reports.reading import read_mapping, read_table, read_text
from alpha_lightning.reports.task_state import failure

Table = Any
"""A pandas DataFrame."""
NEEDED = ("enhanced_summary", "enhanced_nav")
_AGAIN = "delete the study's folder enhanced and run the study again"
_MISSING = "The index-enhanced portfolios are missing"


@dataclass(frozen=True)
class EnhancedFigure:
    """Which portfolios a table of a figure shows: those that differ in their turnover limit.

    Args:
        table: its name.
        title: of the figure.
        score: the portfolios are made from.
        index: they are held against.
        floor: least weight of constituents, 0 without one.
        number: in the paper; none for portfolios that it does not have.
    """

    table: str
    title: str
    score: str
    index: str
    floor: float = 0.0
    number: int | None = None

    @property
    def key(self) -> tuple[str, str, float]:
        """Score, index and floor."""
        return self.score, self.index, self.floor

    @property
    def name(self) -> str:
        """Of the portfolio, without its score.

        Example:
            >>> EnhancedFigure("fig19_csi300_80", "", "gru", "000300", 0.8).name
            'CSI300 80 %'
        """
        return portfolio_words(self.index, self.floor)

    def rows_of(self, table: Table) -> Table:
        """Rows of these portfolios."""
        floor = table["floor"].fillna(0.0).to_numpy(dtype=float)
        same = (table["score"] == self.score) & (table["index"] == self.index)
        return table[same & np.isclose(floor, self.floor)]


@dataclass(frozen=True)
class EnhancedFolder:
    """Index-enhanced portfolios of a study.

    Args:
        path: the folder.
        about: ``enhanced.json``.
        tables: ``tables/*.csv`` by name.
        figures: in their order.
    """

    path: Path
    about: Mapping[str, Any]
    tables: Mapping[str, Table]
    figures: tuple[EnhancedFigure, ...]

    @property
    def warnings(self) -> list[str]:
        """Sentences a reader must see before the numbers."""
        return [str(sentence) for sentence in self.about.get("warnings") or ()]

    @property
    def settings(self) -> Mapping[str, Any]:
        """What was asked for."""
        return self.about.get("settings") or {}

    @property
    def summary(self) -> Table:
        """One row for each portfolio."""
        return self.tables["enhanced_summary"]

    @property
    def scores(self) -> list[str]:
        """In the order of the figures."""
        return list(dict.fromkeys(figure.score for figure in self.figures))

    @property
    def shown_delta(self) -> float:
        """The turnover limit whose values are drawn."""
        return float(self.tables["enhanced_nav"]["delta"].iloc[0])

    def name(self, figure: EnhancedFigure) -> str:
        """Of a portfolio; its score is named where there are several."""
        return f"{figure.name} of {figure.score}" if len(self.scores) > 1 else figure.name

    def part(self, name: str, figure: EnhancedFigure) -> Table | None:
        """Rows of a portfolio in a table, None where there is no table or no row."""
        table = self.tables.get(name)
        own = None if table is None else figure.rows_of(table)
        return own if own is not None and len(own) else None


def at_delta(table: Table, delta: float) -> Table:
    """Rows of one turnover limit; all rows of a table of a single one."""
    if "delta" not in table:
        return table
    return table[np.isclose(table["delta"].to_numpy(dtype=float), delta)]


def study_enhanced(
    study: Path, config: Mapping[str, Any]
) -> tuple[EnhancedFolder | None, tuple[str, ...]]:
    """Index-enhanced portfolios of a study, or why those that it asks for are missing.

    What lies there of settings that are gone, or from before a run that failed, is not shown.

    Args:
        study: its folder.
        config: ``study.yaml``.

    Raises:
        ArtefactError: the portfolios are damaged, or a table is missing.
    """
    asked = config.get("enhanced")
    if isinstance(asked, Mapping) and not asked.get("indices"):
        return None, ()
    if (told := failure(study, "risk")) is not None:
        return None, (f"{_MISSING}, for want of a risk model: {told}",)
    if (told := failure(study, "enhanced")) is not None:
        return None, (f"{_MISSING}: {told}",)
    found = read_enhanced(study / "enhanced")
    lacking = (f"{_MISSING}: run the study again.",)
    return found, lacking if found is None and asked else ()


def read_enhanced(folder: Path) -> EnhancedFolder | None:
    """Index-enhanced portfolios in a folder, or None where there are none.

    Args:
        folder: ``enhanced`` of a study.

    Raises:
        ArtefactError: they are damaged, or a table is missing.
    """
    file = folder / "enhanced.json"
    if not file.exists():
        return None
    text = read_text(file, _AGAIN)
    about = read_mapping(file, text, json.loads, json.JSONDecodeError)
    try:
        figures = tuple(_figure(one) for one in about["figures"])
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{file} does not tell its figures ({error!r}): {_AGAIN}"
        raise ArtefactError(msg) from error
    paths = {csv.stem: csv for csv in sorted((folder / "tables").glob("*.csv"))}
    needed = {*NEEDED, *(figure.table for figure in figures)}
    if lacking := sorted(needed - set(paths)):
        msg = f"{folder / 'tables'} lacks {', '.join(lacking)}: {_AGAIN}"
        raise ArtefactError(msg)
    tables = {name: read_table(path, _AGAIN) for name, path in paths.items()}
    if empty := [name for name in sorted(needed) if tables[name].empty]:
        msg = f"{paths[empty[0]]} has no row: {_AGAIN}"
        raise ArtefactError(msg)
    return EnhancedFolder(folder, about, tables, figures)


def _figure(one: Mapping[str, Any]) -> EnhancedFigure:
    table, title, score, index = (str(one[name]) for name in ("table", "title", "score", "index"))
    number = None if one.get("number") is None else int(one["number"])
    return EnhancedFigure(table, title, score, index, float(one["floor"] or 0.0), number)
