"""The task that runs a study's portfolios through the market."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import fingerprint_file
from alpha_lightning.backtest.benchmark import UNIVERSE
from alpha_lightning.backtest.grid_settings import GridSettings
from alpha_lightning.panel.periods import row_since
from alpha_lightning.panel.store import DESCRIPTION, Panel
from alpha_lightning.study.horizon import Extent, extent_before
from alpha_lightning.study.panel_tasks import after_panel, panel_of, prepared
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import Task

NAME = "portfolios"


def portfolio_tasks(
    study: StudySettings, scores: Sequence[Task], *, planning: bool = False
) -> Iterator[Task]:
    """The portfolios of a study, one task; none when it asks for none.

    Args:
        study: settings.
        scores: tasks of the scores that are shown.
        planning: inputs that are not there yet are no mistake.

    Raises:
        UserError: more names than stocks, no date, or no table of corporate actions.
    """
    asked = grid_of(study)
    if not asked.names:
        return
    if study.source.panel or study.source.market:
        extent = extent_before(study)
        refuse_larger_than(asked, extent)
        refuse_later_than(asked, extent)
    if study.source.panel and (Path(study.source.panel) / DESCRIPTION).exists():
        refuse_without_index(asked, Panel.open(study.source.panel))
    by_name = {Path(str(task.writes)).stem: task for task in scores}
    held = [by_name[name] for name in study.held_scores]
    out = study.folder / "portfolios"
    arguments = {
        "panel": panel_of(study),
        "scores": [str(task.writes) for task in held],
        "out": str(out),
        "settings": asdict(asked),
        "paper": study.evaluation.paper,
    }
    needs, reads = after_panel(study)
    if asked.execution.price == "twap":
        needs = (*needs, prepared("mschars"))
    yield Task(
        NAME,
        f"{__name__}:portfolios_step",
        arguments,
        (*needs, *(task.name for task in held)),
        reads | actions_read(asked.actions, NAME, planning=planning),
        str(out / "portfolios.json"),
    )


def portfolios_step(
    panel: str, scores: list[str], out: str, settings: dict[str, Any], *, paper: bool
) -> None:
    """Run the portfolios, replacing those of older settings."""
    from alpha_lightning.backtest.grid import run_portfolios
    from alpha_lightning.backtest.grid_settings import grid_settings

    asked = grid_settings(settings)
    run_portfolios(panel, scores, out, asked, paper=paper, overwrite=True)


def grid_of(study: StudySettings) -> GridSettings:
    """What the study asks for, in its universe unless the portfolios name their own."""
    asked = study.portfolios
    if asked.signals.universe != "all":
        return asked
    return replace(asked, signals=replace(asked.signals, universe=study.universe))


def refuse_larger_than(asked: GridSettings, extent: Extent) -> None:
    """Check sizes of portfolios before anything is trained.

    Raises:
        UserError: a portfolio would hold more names than there are stocks.
    """
    larger = [size for size in asked.names if size > extent.stocks]
    if extent.stocks and larger:
        msg = (
            f"portfolios.names is {asked.names}, but {extent.origin} has {extent.stocks} stocks on"
            " a date: choose smaller portfolios, for example with --portfolios.names"
            f" {max(extent.stocks // 10, 1)}"
        )
        raise UserError(msg)


def refuse_later_than(asked: GridSettings, extent: Extent) -> None:
    """Check the period before anything is trained.

    Raises:
        UserError: the first signal would come after the last date.
    """
    if asked.signals.start and len(extent.dates):
        try:
            row_since(extent.dates, asked.signals.start, "portfolios.signals.start")
        except UserError as error:
            msg = f"{error} ({extent.origin})"
            raise UserError(msg) from error


def refuse_without_index(asked: GridSettings, panel: Panel) -> None:
    """Check universe and benchmark before anything is trained.

    Raises:
        UserError: the panel has no members, no level, or no weights, of an index.
    """
    if asked.signals.universe not in ("all", *panel.indices):
        msg = (
            f"portfolios.signals.universe is {asked.signals.universe}, of which the panel"
            f" {panel.path} has no members: it has {', '.join(['all', *panel.indices])}"
        )
        raise UserError(msg)
    name, whole = asked.benchmark.index, asked.benchmark.total_return
    known = [i for i in panel.indices if (panel.path / f"weights/{i}.npy").exists()]
    known = [UNIVERSE, *(known if whole else panel.meta["levels"])]
    if name not in known:
        what = "weights" if whole else "level"
        msg = (
            f"portfolios.benchmark.index is {name}, of which the panel {panel.path} has no {what}:"
            f" it has {', '.join(known)}"
        )
        raise UserError(msg)


def actions_read(actions: str | None, section: str, *, planning: bool) -> dict[str, str]:
    """The table of corporate actions that portfolios read, with its fingerprint.

    Args:
        actions: the file; None reads nothing.
        section: of the study that names it.
        planning: a file that is not there yet is no mistake.

    Raises:
        UserError: no such file.
    """
    if not actions:
        return {}
    if not Path(actions).exists():
        if planning:
            return {}
        msg = f"{actions} does not exist: check {section}.actions"
        raise UserError(msg)
    return {actions: fingerprint_file(actions)}
