"""Figures 6 to 15 of the paper as tables: ours, and the paper's own numbers beside them."""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import pandas as pd

from alpha_lightning.backtest import paper_tables
from alpha_lightning.evaluation.groups import GroupReturns
from alpha_lightning.evaluation.rank_ic import RankIC
from alpha_lightning.evaluation.scores import Level, Score, level_of
from alpha_lightning.evaluation.tables import groups_table, ic_ir_table, rank_ic_table

RankICs = Mapping[str, Sequence[RankIC]]
Groups = Mapping[str, GroupReturns]
Table = Any
"""A pandas DataFrame."""
MEASURES: tuple[tuple[Level, tuple[str, str, str, str]], ...] = (
    ("model", ("fig06_rank_ic", "fig07_ic_ir", "fig08_groups", "fig09_groups")),
    ("ensemble", ("fig12_rank_ic", "fig13_ic_ir", "fig14_groups", "fig15_groups")),
)
"""Tables of RankIC, IC_IR, groups over the whole and groups since a later date, by level."""


def names_of_level(level: Level, shown: Sequence[Score], scores: Sequence[Score]) -> list[str]:
    """Names of the shown scores that stand at a level, in their order.

    Args:
        level: models or ensembles.
        shown: scores of the figures.
        scores: all that are compared, which tell the levels.
    """
    return [score.name for score in shown if level_of(score, scores) == level]


def measure_tables(
    names: Mapping[Level, Sequence[str]],
    rank_ics: RankICs,
    groups: Groups,
    since: Mapping[str, int],
) -> dict[str, Table]:
    """RankIC, IC_IR and groups of models (figures 6-9) and integrations (figures 12-15).

    Args:
        names: of the scores, by level.
        rank_ics: by score.
        groups: by score.
        since: panel row of each first date, by its text; the first is the whole period and the
            second, where there is one, that of the later figure of groups.

    Returns:
        By name; without the figures of a level that has no score.
    """
    periods = list(since.items())
    found = {}
    for level, (rank_ic, ic_ir, whole, later) in MEASURES:
        if own := names.get(level):
            results = {name: rank_ics[name] for name in own}
            found[rank_ic], found[ic_ir] = rank_ic_table(results), ic_ir_table(results)
            books = {name: groups[name] for name in own}
            for figure, period in zip((whole, later), periods, strict=False):
                found[figure] = groups_table(books, dict([period]))
    return found


def paper_table(figure: str) -> Table:
    """The paper's numbers of a figure in our layout; empty where its print is known to be wrong.

    Those of figures 16 to 21 are kept with the portfolios.

    Args:
        figure: for example ``fig06_rank_ic``.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), figures 6 to 21.
    """
    file = resources.files("alpha_lightning.evaluation") / "paper" / f"{figure}.csv"
    return pd.read_csv(file) if file.is_file() else paper_tables.paper_table(figure)


def paper_twins(tables: Mapping[str, Table]) -> dict[str, Table]:
    """The paper's rows of the same scores beside each figure of ours, as ``paper_<figure>``.

    Args:
        tables: ours, by name; those of no figure are passed over.

    Returns:
        Without the figures of which the paper has none of our scores.
    """
    found = {}
    folder = resources.files("alpha_lightning.evaluation") / "paper"
    printed = {file.name.removesuffix(".csv") for file in folder.iterdir()}
    for name in printed.intersection(tables):
        theirs = paper_table(name)
        shown = theirs["score"].isin(tables[name]["score"])
        # A matrix has a column for each score besides a row.
        absent = [f"{score}_pct" for score in theirs["score"][~shown]]
        if shown.any():
            found[f"paper_{name}"] = theirs[shown].drop(columns=absent, errors="ignore")
    return dict(sorted(found.items()))
