"""The tasks of a study's risk model and of its index-enhanced portfolios."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.enhanced_points import refuse_same_files
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid
from alpha_lightning.panel.periods import row_since
from alpha_lightning.panel.side_arrays import weighted_indices
from alpha_lightning.panel.store import DESCRIPTION, Panel
from alpha_lightning.simulation.indices import INDICES
from alpha_lightning.study.horizon import Extent, extent_before
from alpha_lightning.study.panel_tasks import after_panel, panel_of, prepared
from alpha_lightning.study.portfolio_tasks import actions_read
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import Task

NAME = "enhanced"
RISK = "risk"


def risk_tasks(study: StudySettings) -> Iterator[Task]:
    """The risk model of the study's panel; none when no index is asked for.

    It needs nothing but the panel: it is estimated beside the networks, and no score makes it old.

    Raises:
        UserError: an index without weights, two that would be called the same, too few dates, or no
            date where one should be.
    """
    asked = enhanced_of(study)
    if not asked.indices:
        return
    _refuse(study, asked)
    needs, reads = after_panel(study)
    out = _model(study)
    arguments = {"panel": panel_of(study), "out": str(out), "settings": asdict(asked.risk)}
    function = f"{__name__}:risk_step"
    yield Task(RISK, function, arguments, needs, reads, writes=str(out / "risk.json"))


def enhanced_tasks(
    study: StudySettings, scores: Sequence[Task], *, planning: bool = False
) -> Iterator[Task]:
    """The index-enhanced portfolios of a study, one task; none when no index is asked for.

    Args:
        study: settings.
        scores: tasks of the scores that are shown.
        planning: inputs that are not there yet are no mistake.

    Raises:
        UserError: no table of corporate actions.
    """
    asked = enhanced_of(study)
    if not asked.indices:
        return
    by_name = {Path(str(task.writes)).stem: task for task in scores}
    held = [by_name[name] for name in study.enhanced_scores]
    out = study.folder / "enhanced"
    # The model's settings are in its own identity.
    settings = {name: value for name, value in asdict(asked).items() if name != "risk"}
    arguments = {
        "panel": panel_of(study),
        "risk": str(_model(study)),
        "scores": [str(task.writes) for task in held],
        "out": str(out),
        "settings": settings,
        "paper": study.evaluation.paper,
    }
    needs, reads = after_panel(study)
    if asked.execution.price == "twap":
        needs = (*needs, prepared("mschars"))
    yield Task(
        NAME,
        f"{__name__}:enhanced_step",
        arguments,
        (*needs, RISK, *(task.name for task in held)),
        reads | actions_read(asked.actions, NAME, planning=planning),
        str(out / "enhanced.json"),
    )


def risk_step(panel: str, out: str, settings: dict[str, Any]) -> None:
    """Estimate the risk model, or add to the one that is there what is new."""
    from alpha_lightning.panel.store import Panel
    from alpha_lightning.risk.build import build_risk_model
    from alpha_lightning.risk.settings import RiskSettings

    build_risk_model(Panel.open(panel), out, RiskSettings(**settings), overwrite=True, say=print)


def enhanced_step(
    panel: str, risk: str, scores: list[str], out: str, settings: dict[str, Any], *, paper: bool
) -> None:
    """Run the index-enhanced portfolios, replacing those of older settings."""
    from alpha_lightning.backtest.enhanced_grid import run_enhanced
    from alpha_lightning.backtest.enhanced_settings import enhanced_grid
    from alpha_lightning.risk.model import RiskModel

    whole = settings | {"risk": RiskModel.open(risk).meta["settings"]}
    run_enhanced(panel, risk, scores, out, enhanced_grid(whole), paper=paper, overwrite=True)


def enhanced_of(study: StudySettings) -> EnhancedGrid:
    """What the study asks for, in its universe unless the portfolios name their own."""
    asked = study.enhanced
    if asked.signals.universe != "all":
        return asked
    return replace(asked, signals=replace(asked.signals, universe=study.universe))


def _model(study: StudySettings) -> Path:
    return study.folder / "risk"


def _refuse(study: StudySettings, asked: EnhancedGrid) -> None:
    refuse_same_files(asked, study.enhanced_scores)
    if study.source.panel or study.source.market:
        refuse_short(asked, extent_before(study))
    members = study.source.tables.index_members if study.source.tables else None
    if members and Path(members).exists():
        _refuse_without_weights(asked, _weighted(members), f"the table {members}")
    if study.source.market:
        known = [rule.code for rule in INDICES]
        _refuse_without_weights(asked, known, f"the market {study.source.market}")
    if study.source.panel and (Path(study.source.panel) / DESCRIPTION).exists():
        panel = Panel.open(study.source.panel)
        _refuse_without_weights(asked, weighted_indices(panel), f"the panel {panel.path}")
        universe = asked.signals.universe
        if universe not in ("all", *panel.indices):
            msg = (
                f"enhanced.signals.universe is {universe}, of which the panel {panel.path} has no"
                f" members: it has {', '.join(['all', *panel.indices])}"
            )
            raise UserError(msg)


def refuse_short(asked: EnhancedGrid, extent: Extent) -> None:
    """Check the period before anything is trained.

    Raises:
        UserError: there are too few dates for a risk model, or the first signal would come after
            the last.
    """
    if not len(extent.dates):
        return
    if len(extent.dates) <= asked.risk.min_days:
        msg = (
            f"enhanced.risk.min_days is {asked.risk.min_days}, but {extent.origin} has"
            f" {len(extent.dates)} dates: lower it, or name no index (--enhanced.indices {{}})"
        )
        raise UserError(msg)
    if asked.signals.start:
        try:
            row_since(extent.dates, asked.signals.start, "enhanced.signals.start")
        except UserError as error:
            msg = f"{error} ({extent.origin})"
            raise UserError(msg) from error


def _weighted(members: str) -> list[str]:
    """Indices of which a vendor's table has weights."""
    from alpha_lightning.panel.vendor import INDEX_MEMBERS, read_vendor_table

    frame = read_vendor_table(members, INDEX_MEMBERS).frame
    if "weight" not in frame.columns:
        return []
    return sorted(frame.drop_nulls("weight")["index"].unique().to_list())


def _refuse_without_weights(asked: EnhancedGrid, known: Sequence[str], origin: str) -> None:
    for index in asked.indices:
        if index not in known:
            msg = (
                f"enhanced.indices names {index}, of which {origin} has no weights: it has weights"
                f" of {', '.join(known) or 'no index'}; ingest index_members with weights"
            )
            raise UserError(msg)
