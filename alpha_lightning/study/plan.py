"""A study's settings laid out as tasks."""

import itertools
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alpha_lightning.artefacts.provenance import fingerprint_json
from alpha_lightning.study.options import merge
from alpha_lightning.study.panel_tasks import (
    STEPS,
    oracle_of,
    panel_of,
    panel_tasks,
    prepared,
    read_yaml,
    vendor_needs,
)
from alpha_lightning.study.score_tasks import evaluated, fit_name, score_tasks, unit_folder
from alpha_lightning.study.settings import StudySettings, training_seed
from alpha_lightning.study.tasks import Task

__all__ = ["lay_out", "panel_of"]

_EXPORT = "alpha_lightning.factors.export.FactorMatrixExport"
_LOGGER = "pytorch_lightning.loggers.CSVLogger"


def lay_out(study: StudySettings) -> list[Task]:
    """Every task of a study, needs first.

    Raises:
        UserError: a unit's YAML or an input is missing or unreadable.
    """
    return list(_tasks(study))


def _tasks(study: StudySettings) -> Iterator[Task]:
    yield from panel_tasks(study)
    units = {Path(path).stem: read_yaml(path) for path in study.units}
    for name, config in units.items():
        yield from _fit_tasks(study, name, config)
    scores = score_tasks(study, units)
    yield from scores
    yield from _closing_tasks(study, scores)


def _fit_tasks(study: StudySettings, unit: str, config: dict[str, Any]) -> Iterator[Task]:
    for where in itertools.product(study.datasets, study.vintages, study.seeds):
        folder = unit_folder(study, unit, *where)
        resolved = _resolve(study, unit, config, where)
        yield Task(
            fit_name(unit, *where),
            f"{STEPS}:fit_step",
            {"config": resolved, "folder": str(folder), "threads": study.threads},
            (prepared(where[0]),),
            writes=str(folder / "factors.parquet"),
        )


def _closing_tasks(study: StudySettings, scores: list[Task]) -> Iterator[Task]:
    shown, also = evaluated(scores)
    arguments = {
        "panel": panel_of(study),
        "scores": [str(task.writes) for task in shown],
        "also": [str(task.writes) for task in also],
        "oracle": oracle_of(study),
        "out": str(study.folder / "evaluation"),
        "universe": study.universe,
        "frequency": study.evaluation.frequency,
        "since": study.evaluation.since,
        "overwrite": True,
    }
    yield Task(
        "evaluate",
        "alpha_lightning.evaluation.evaluate:evaluate",
        arguments,
        (*(task.name for task in (*shown, *also)), *vendor_needs(study)),
        writes=str(study.folder / "evaluation" / "evaluation.json"),
    )
    yield Task(
        "report",
        "alpha_lightning.reports.report:report",
        {"study": str(study.folder)},
        ("evaluate",),
        {"study.yaml": fingerprint_json(asdict(study))},
        str(study.folder / "report" / "index.html"),
    )


def _resolve(
    study: StudySettings, unit: str, config: dict[str, Any], where: tuple[str, int, int]
) -> dict[str, Any]:
    dataset, vintage, run = where
    folder = unit_folder(study, unit, dataset, vintage, run)
    own = {
        "data": {
            "panel": panel_of(study),
            "dataset": dataset,
            "vintage": vintage,
            "sample": study.sample,
        },
        "trainer": {"enable_progress_bar": False, "devices": 1},
        "seed_everything": training_seed(unit, dataset, vintage, run),
    }
    asked = merge(config, study.fit)
    resolved = merge(asked, own)
    # Replaced whole: settings of another logger must not be left in it.
    save = {"save_dir": str(folder.parent), "name": "", "version": folder.name}
    resolved["trainer"]["logger"] = {"class_path": _LOGGER, "init_args": save}
    resolved["trainer"]["callbacks"] = _callbacks(asked, unit, run)
    return resolved


def _callbacks(asked: dict[str, Any], unit: str, run: int) -> list[Any]:
    given = (asked.get("trainer") or {}).get("callbacks") or []
    own: dict[str, Any] = {"class_path": _EXPORT, "init_args": {"unit": unit, "run": run}}
    others = []
    for callback in given if isinstance(given, list) else [given]:
        if isinstance(callback, dict) and callback.get("class_path") == _EXPORT:
            own = merge(callback, own)
        elif callback != _EXPORT:
            others.append(callback)
    return [*others, own]
