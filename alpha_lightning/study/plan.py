"""A study's settings laid out as tasks."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from alpha_lightning.artefacts.provenance import fingerprint_json
from alpha_lightning.study.enhanced_tasks import enhanced_tasks, risk_tasks
from alpha_lightning.study.fit_tasks import (
    Network,
    fit_tasks,
    networks_of,
    resolve,
    unit_folder,
)
from alpha_lightning.study.panel_tasks import (
    oracle_of,
    panel_of,
    panel_tasks,
    prepared,
    read_yaml,
    vendor_needs,
)
from alpha_lightning.study.portfolio_tasks import portfolio_tasks
from alpha_lightning.study.score_tasks import ScoreTasks, score_tasks
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import Task

__all__ = ["lay_out", "panel_of"]


def lay_out(study: StudySettings, *, planning: bool = False) -> list[Task]:
    """Every task of a study, needs first.

    Args:
        study: settings.
        planning: inputs that are not there yet are no mistake.

    Raises:
        UserError: a unit's YAML or an input is missing or unreadable.
    """
    return list(_tasks(study, planning))


def _tasks(study: StudySettings, planning: bool) -> Iterator[Task]:
    yield from panel_tasks(study, planning=planning)
    yield from risk_tasks(study)
    units = dict(zip(study.unit_names, map(read_yaml, study.units), strict=True))
    yield from fit_tasks(study, units)
    scores = score_tasks(study, units)
    yield from scores.every
    cards = [_card(study, unit, config) for unit, config in units.items()]
    yield from cards
    portfolios = list(portfolio_tasks(study, scores.shown, planning=planning))
    portfolios += enhanced_tasks(study, scores.shown, planning=planning)
    yield from portfolios
    yield _evaluation(study, scores)
    yield Task(
        "report",
        "alpha_lightning.reports.report:report",
        {"study": str(study.folder)},
        ("evaluate", *(task.name for task in cards)),
        {"study.yaml": fingerprint_json(_told(study))},
        str(study.folder / "report" / "index.html"),
        # A page without them is worth more than none.
        after=tuple(task.name for task in portfolios),
    )
    if study.tracking.mode:
        yield _wandb(study, scores, planning=planning)


def _told(study: StudySettings) -> dict[str, Any]:
    """What a report tells of the settings: who watched is none of it."""
    return {name: value for name, value in asdict(study).items() if name != "tracking"}


def _wandb(study: StudySettings, scores: ScoreTasks, *, planning: bool) -> Task:
    if study.tracking.mode == "online" and not planning:
        # Here, and not when the first network has been trained.
        from alpha_lightning.factors.wandb_runs import goes_online, refuse_without_key

        if goes_online(None):
            refuse_without_key()
    networks = [
        [n.unit, n.dataset, n.vintage, n.scheme, n.run, str(unit_folder(study, n))]
        for n in networks_of(study)
    ]
    read = {
        "panel": panel_of(study),
        "runs": [str(task.writes) for task in scores.runs],
        "universe": study.universe,
        "frequency": study.evaluation.frequency,
    }
    arguments = {
        "study": str(study.folder),
        "name": study.name,
        "networks": networks,
        "scores": read,
        "tracking": asdict(study.tracking),
    }
    needs = ("report", *(task.name for task in scores.runs))
    return Task("wandb", "alpha_lightning.study.wandb_summary:summarise", arguments, needs)


def _card(study: StudySettings, unit: str, config: dict[str, Any]) -> Task:
    network = Network(unit, study.datasets[0], study.vintages[0], study.seeds[0], study.schemes[0])
    out = str(study.folder / "units" / unit / "card.json")
    arguments = {
        "panel": panel_of(study),
        "config": resolve(study, config, network),
        "datasets": study.datasets,
        "out": out,
    }
    needs = tuple(prepared(dataset) for dataset in study.datasets)
    function = "alpha_lightning.factors.card:write_card"
    return Task(f"card/{unit}", function, arguments, needs, writes=out)


def _evaluation(study: StudySettings, scores: ScoreTasks) -> Task:
    runs = [str(task.writes) for task in scores.runs]
    since = study.evaluation.since
    if not since and len(study.vintages) > 1:
        since = [f"{max(study.vintages)}-01-01"]
    arguments = {
        "panel": panel_of(study),
        "scores": [str(task.writes) for task in scores.shown],
        "also": [str(task.writes) for task in scores.also],
        "runs": runs,
        "importance": runs,
        "oracle": oracle_of(study),
        "out": str(study.folder / "evaluation"),
        "universe": study.universe,
        "frequency": study.evaluation.frequency,
        "since": since,
        "paper": study.evaluation.paper,
        "overwrite": True,
    }
    read = (*scores.shown, *scores.also, *scores.runs)
    return Task(
        "evaluate",
        "alpha_lightning.evaluation.evaluate:evaluate",
        arguments,
        (*(task.name for task in read), *vendor_needs(study)),
        writes=str(study.folder / "evaluation" / "evaluation.json"),
    )
