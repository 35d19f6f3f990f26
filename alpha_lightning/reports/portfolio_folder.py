"""The portfolios of a study read back: settings, warnings, and one table for each figure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.reports.reading import read_mapping, read_table, read_text
from alpha_lightning.reports.task_state import failure

Table = Any
"""A pandas DataFrame."""
NEEDED = ("portfolio_summary", "portfolio_nav")
_AGAIN = "delete the study's folder portfolios and run the study again"


@dataclass(frozen=True)
class PortfolioFigure:
    """Which portfolios a table of a figure shows.

    Args:
        table: its name.
        title: of the figure.
        names: stocks that are held.
        score: they are chosen by.
    """

    table: str
    title: str
    names: int
    score: str

    @property
    def number(self) -> int | None:
        """In the paper; none for portfolios that it does not have."""
        head = self.table.split("_", 1)[0]
        plain = not self.table.removeprefix(f"{head}_top{self.names}")
        return int(head.removeprefix("fig")) if head in ("fig16", "fig17") and plain else None

    def rows_of(self, table: Table) -> Table:
        """Rows of these portfolios."""
        return table[(table["score"] == self.score) & (table["names"] == self.names)]


@dataclass(frozen=True)
class PortfolioFolder:
    """Portfolios of a study.

    Args:
        path: the folder.
        about: ``portfolios.json``.
        tables: ``tables/*.csv`` by name.
        figures: in their order.
    """

    path: Path
    about: Mapping[str, Any]
    tables: Mapping[str, Table]
    figures: tuple[PortfolioFigure, ...]

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
        return self.tables["portfolio_summary"]

    @property
    def shown_delta(self) -> float:
        """The turnover limit whose values are drawn."""
        return float(self.tables["portfolio_nav"]["delta"].iloc[0])


def study_portfolios(
    study: Path, config: Mapping[str, Any]
) -> tuple[PortfolioFolder | None, tuple[str, ...]]:
    """Portfolios of a study, or why those that it asks for are missing.

    What lies there of settings that are gone, or from before a run that failed, is not shown.

    Args:
        study: its folder.
        config: ``study.yaml``.

    Raises:
        ArtefactError: the portfolios are damaged, or a table is missing.
    """
    asked = config.get("portfolios")
    if isinstance(asked, Mapping) and not asked.get("names"):
        return None, ()
    if (told := failure(study, "portfolios")) is not None:
        return None, (f"The portfolios are missing: {told}",)
    found = read_portfolios(study / "portfolios")
    lacking = ("The portfolios are missing: run the study again.",)
    return found, lacking if found is None and asked else ()


def read_portfolios(folder: Path) -> PortfolioFolder | None:
    """Portfolios in a folder, or None where there are none.

    Args:
        folder: ``portfolios`` of a study.

    Raises:
        ArtefactError: they are damaged, or a table is missing.
    """
    file = folder / "portfolios.json"
    if not file.exists():
        return None
    text = read_text(file, _AGAIN)
    about = read_mapping(file, text, json.loads, json.JSONDecodeError)
    try:
        figures = tuple(
            PortfolioFigure(
                str(one["table"]), str(one["title"]), int(one["names"]), str(one["score"])
            )
            for one in about["figures"]
        )
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
    return PortfolioFolder(folder, about, tables, figures)
