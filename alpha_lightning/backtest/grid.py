"""Portfolios of every score, size and turnover limit, and their curves, in one pass."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import software_versions
from alpha_lightning.backtest.curves import curve_tables
from alpha_lightning.backtest.grid_points import GridPoint
from alpha_lightning.backtest.grid_run import Grid
from alpha_lightning.backtest.grid_settings import GridSettings
from alpha_lightning.backtest.grid_tables import figures, shared_warnings, summary_table
from alpha_lightning.backtest.paper_tables import FIGURES, figure_table, paper_twin
from alpha_lightning.backtest.result_folder import plain
from alpha_lightning.backtest.results import Results

MARKER = "portfolios.json"
Table = Any
"""A pandas DataFrame."""


def run_portfolios(
    panel: str,
    scores: list[str],
    out: str,
    settings: GridSettings,
    *,
    paper: bool = False,
    overwrite: bool = False,
) -> Path:
    """Run TOP-N portfolios of scores through the market, side by side.

    Args:
        panel: folder of the panel.
        scores: score files; a score is called what its file is called.
        out: folder to write: portfolios.json, tables/*.csv and a result of each portfolio in
            <score>/top<N>_d<delta>/.
        settings: the grid.
        paper: write the paper's numbers of the same sizes beside ours.
        overwrite: replace the folder if it is there.

    Returns:
        The folder.

    Raises:
        UserError: scores, panel and period do not fit together, no signal leads to a trade, or an
            adjustment factor of a held stock jumps without a corporate action.
    """
    if not settings.names:
        msg = "portfolios.names is empty: say how many stocks a portfolio holds, for example 100"
        raise UserError(msg)
    with atomic_folder(out, overwrite=overwrite, marker=MARKER) as folder:
        grid = Grid.open(panel, scores, settings)
        found = dict(grid.run(folder))
        written = _tables(grid, found, paper=paper)
        # A score may be called tables.
        (folder / "tables").mkdir(exist_ok=True)
        for name, table in written.items():
            file = folder / "tables" / f"{name}.csv"
            table.to_csv(file, index=False, float_format="%.8g", lineterminator="\n")
        text = json.dumps(plain(_about(grid, found, scores)), indent=2, sort_keys=True)
        (folder / MARKER).write_text(text + "\n", encoding="utf-8")
    return Path(out)


def _tables(grid: Grid, found: Mapping[str, Results], *, paper: bool) -> dict[str, Table]:
    tables = {}
    for figure in figures(grid.settings.names, grid.scores):
        name = figure["table"]
        of_figure = {
            point.delta: found[point.key]
            for point in grid.points
            if (point.names, point.score) == (figure["names"], figure["score"])
        }
        tables[name] = figure_table(of_figure)
        if not paper or FIGURES.get(figure["names"]) != name:
            continue
        if (twin := paper_twin(name, tables[name])) is not None:
            tables[f"paper_{name}"] = twin
    tables["portfolio_summary"] = summary_table(grid.points, found)
    tables["portfolio_nav"] = pd.concat(grid.values, ignore_index=True)
    return tables | curve_tables(grid.curves, found)


def _about(grid: Grid, found: Mapping[str, Results], scores: Sequence[str]) -> dict[str, Any]:
    inputs, dates = grid.inputs, grid.market.dates
    given = zip(grid.scores, scores, inputs.scores, strict=True)
    shown = [point for point in grid.points if point.delta == grid.settings.shown]
    values = grid.values[0]
    told = {_name(grid, p): [*_thin(grid, p), *found[p.key].warnings] for p in shown}
    return {
        "kind": "portfolios",
        "scores": [
            {"name": name, "file": str(path), "fingerprint": score.fingerprint}
            for name, path, score in given
        ],
        "panel": str(inputs.panel.path),
        "panel_fingerprint": inputs.panel.fingerprint,
        "settings": asdict(grid.settings),
        "period": {"first": str(values["date"].min().date()), "last": str(dates[inputs.last])},
        "signals": len(inputs.signals),
        "traded_at": _traded_at(grid),
        "benchmark": next(iter(grid.benchmarks.values())).name,
        "figures": figures(grid.settings.names, grid.scores),
        "warnings": [*_unmoved(grid.settings), *shared_warnings(told)],
        "software": software_versions(),
    }


def _traded_at(grid: Grid) -> str:
    wanted = grid.settings.execution.price
    instead = wanted in grid.market.at_close or wanted not in grid.market.prices
    return "close" if instead else wanted


def _name(grid: Grid, point: GridPoint) -> str:
    return f"TOP-{point.names}" + f" of {point.score}" * (len(grid.scores) > 1)


def _unmoved(settings: GridSettings) -> list[str]:
    own = {
        size: [delta for delta in settings.delta if delta and np.floor(delta * size + 0.5) < 1]
        for size in settings.names
    }
    return [
        f"A delta of {', '.join(f'{delta:g}' for delta in deltas)} exchanges none of"
        f" {'1 name' if size == 1 else f'{size} names'}: round(delta x N) is 0."
        for size, deltas in own.items()
        if deltas
    ]


def _thin(grid: Grid, point: GridPoint) -> list[str]:
    scored = np.isfinite(grid.grid_of(point.score).values) & grid.inputs.universe
    counts = scored.sum(axis=1)
    lacking = int((counts < point.names).sum())
    if not lacking:
        return []
    return [
        f"On {lacking} of {len(counts)} signal dates fewer than {point.names} stocks of the"
        f" universe have a score, {int(counts.min())} at least: the rest of the portfolio is cash."
    ]
