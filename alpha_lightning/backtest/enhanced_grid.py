"""Index-enhanced portfolios of every score, index, floor and turnover limit, in one pass."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import software_versions
from alpha_lightning.backtest import enhanced_tables as tables
from alpha_lightning.backtest.enhanced_points import EnhancedPoint, enhanced_figures
from alpha_lightning.backtest.enhanced_run import EnhancedRun
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid
from alpha_lightning.backtest.enhanced_tables import Enhanced
from alpha_lightning.backtest.grid_tables import shared_warnings
from alpha_lightning.backtest.result_folder import plain
from alpha_lightning.backtest.risk_tables import risk_tables

MARKER = "enhanced.json"
Table = Any
"""A pandas DataFrame."""


def run_enhanced(
    panel: str,
    risk: str,
    scores: list[str],
    out: str,
    settings: EnhancedGrid,
    *,
    paper: bool = False,
    overwrite: bool = False,
) -> Path:
    """Run index-enhanced portfolios of scores through the market, side by side.

    Args:
        panel: folder of the panel.
        risk: folder of its risk model.
        scores: score files; a score is called what its file is called.
        out: folder to write: enhanced.json, tables/*.csv and a result of each portfolio in
            <score>/<index>[_<floor>]_d<delta>/.
        settings: the grid.
        paper: write the paper's numbers of the same portfolios beside ours.
        overwrite: replace the folder if it is there.

    Returns:
        The folder.

    Raises:
        UserError: scores, panel, risk model and period do not fit together, the panel has no
            weights of an index, or no signal leads to a trade.
    """
    if not settings.indices:
        msg = (
            "enhanced.indices is empty: name an index and its tracking error, for example"
            ' {"000300": 0.04}'
        )
        raise UserError(msg)
    with atomic_folder(out, overwrite=overwrite, marker=MARKER) as folder:
        run = EnhancedRun.open(panel, risk, scores, settings)
        found = {one.point: one for one in run.run(folder)}
        written = _tables(run, found, paper=paper)
        # A score may be called tables.
        (folder / "tables").mkdir(exist_ok=True)
        for name, table in written.items():
            file = folder / "tables" / f"{name}.csv"
            table.to_csv(file, index=False, float_format="%.8g", lineterminator="\n")
        text = json.dumps(plain(_about(run, found, scores)), indent=2, sort_keys=True)
        (folder / MARKER).write_text(text + "\n", encoding="utf-8")
    return Path(out)


def _tables(
    run: EnhancedRun, found: Mapping[EnhancedPoint, Enhanced], *, paper: bool
) -> dict[str, Table]:
    settings, dates = run.settings, run.inputs.panel.dates
    made: dict[str, Table] = {}
    for figure in enhanced_figures(settings, run.scores):
        name, key = figure["table"], (figure["score"], figure["index"], figure["floor"])
        of_figure = {
            point.delta: own
            for point, own in found.items()
            if (point.score, point.index, point.floor) == key
        }
        made[name] = tables.figure_table(of_figure)
        if not paper or figure["number"] is None:
            continue
        index, floor = figure["index"], figure["floor"]
        twin = tables.paper_figure(index, floor, settings.indices[index], made[name])
        if twin is not None:
            made[f"paper_{name}"] = twin
    every = list(found.values())
    shown = [own for own in every if own.point.delta == settings.shown]
    year, delay = settings.conventions.year, settings.execution.delay
    return made | {
        "enhanced_summary": tables.summary_table(every),
        "front_page": tables.front_page_table(shown, paper=paper),
        "enhanced_nav": pd.concat(run.values, ignore_index=True),
        "relaxations": tables.relaxation_table(every, dates),
        "tracking_error": tables.tracking_error_table(every, dates, year),
        "active_exposures": tables.exposure_table(shown, dates),
        **risk_tables(run.risk, run.inputs.panel, shown, delay=delay, year=year),
    }


def _about(
    run: EnhancedRun, found: Mapping[EnhancedPoint, Enhanced], scores: Sequence[str]
) -> dict[str, Any]:
    inputs, dates, settings = run.inputs, run.market.dates, run.settings
    given = zip(run.scores, scores, inputs.scores, strict=True)
    first = min(int(own.rows[0]) for own in found.values())
    told = {
        point.words + f" of {point.score}" * (len(run.scores) > 1): own.results.warnings
        for point, own in found.items()
        if point.delta == settings.shown
    }
    return {
        "kind": "enhanced",
        "scores": [
            {"name": name, "file": str(path), "fingerprint": score.fingerprint}
            for name, path, score in given
        ],
        "panel": str(inputs.panel.path),
        "panel_fingerprint": inputs.panel.fingerprint,
        "settings": asdict(settings),
        "period": {"first": str(dates[first]), "last": str(dates[inputs.last])},
        "signals": len(inputs.signals),
        "traded_at": _traded_at(run),
        "benchmarks": {index: _benchmark(run, index) for index in settings.indices},
        "figures": enhanced_figures(settings, run.scores),
        "risk": _risk(run),
        "warnings": [*_limits(found.values()), *shared_warnings(told)],
        "software": software_versions(),
    }


def _traded_at(run: EnhancedRun) -> str:
    wanted = run.settings.execution.price
    instead = wanted in run.market.at_close or wanted not in run.market.prices
    return "close" if instead else wanted


def _benchmark(run: EnhancedRun, index: str) -> dict[str, Any]:
    own = next(made for key, made in run.benchmarks.items() if key[0] == index)
    whole = run.against(index)[0].total_return
    return {"name": own.name, "total_return": whole}


def _risk(run: EnhancedRun) -> dict[str, Any]:
    meta = run.risk.meta
    kept = ("settings", "factors", "kinds", "dropped", "notes", "warnings", "panel_fingerprint")
    return {"path": str(run.risk.path), **{name: meta.get(name) for name in kept}}


def _limits(portfolios: Any) -> list[str]:
    every = [status for own in portfolios for status in own.statuses]
    sentences = []
    for status, what in (
        ("relaxed", "a limit gave way"),
        ("failed", "no portfolio was found and the holdings were kept"),
    ):
        if count := every.count(status):
            sentences.append(
                f"On {count:,} of {len(every):,} signals of all index-enhanced portfolios {what}:"
                " see the table of relaxations."
            )
    return sentences
