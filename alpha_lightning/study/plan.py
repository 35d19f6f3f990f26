"""A study's settings laid out as tasks."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from alpha_lightning.artefacts.provenance import fingerprint_file
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel
from alpha_lightning.study.settings import StudySettings, training_seed
from alpha_lightning.study.tasks import Task

_EXPORT = "alpha_lightning.factors.export.FactorMatrixExport"
_LOGGER = "pytorch_lightning.loggers.CSVLogger"
_STEPS = "alpha_lightning.study.steps"


def lay_out(study: StudySettings) -> list[Task]:
    """Every task of a study, needs first.

    Raises:
        PanelError: a unit's YAML or an input table is missing or unreadable.
    """
    return list(_tasks(study))


def panel_of(study: StudySettings) -> str:
    """Where the study's panel is, or will be."""
    return study.source.panel or str(study.folder / "panel")


def _tasks(study: StudySettings) -> Iterator[Task]:
    yield from _panel_tasks(study)
    panel = panel_of(study)
    rule = _sample_rule(study)
    yield Task(
        "prepare",
        f"{_STEPS}:prepare_step",
        {"panel": panel, "datasets": study.datasets, "rule": rule},
        *_after_panel(study),
    )
    units = {Path(path).stem: read_yaml(path) for path in study.units}
    for name, config in units.items():
        yield from _fit_tasks(study, name, config)
    yield from _score_tasks(study, list(units))
    yield from _closing_tasks(study, list(units))


def _panel_tasks(study: StudySettings) -> Iterator[Task]:
    source = study.source
    if source.panel:
        return
    needs: tuple[str, ...] = ()
    if source.market:
        vendor = study.folder / "vendor"
        arguments = {"config": read_yaml(source.market), "out": str(vendor)}
        yield Task("simulate", f"{_STEPS}:simulate_step", arguments)
        needs = ("simulate",)
        side = {
            name: str(vendor / f"{name}.parquet")
            for name in ("index_members", "index_levels", "industries")
        }
        inputs: dict[str, Any] = {"daily": str(vendor / "daily.parquet"), "tables": side}
    else:
        tables = asdict(source.tables) if source.tables else None
        inputs = {"daily": source.daily, "qlib": source.qlib, "tables": tables}
    inputs |= {"calendar": source.calendar, "bad_rows": source.bad_rows}
    yield Task(
        "ingest",
        f"{_STEPS}:ingest_step",
        {"arguments": inputs, "out": panel_of(study)},
        needs,
        {} if source.market else _fingerprints(inputs),
    )


def _after_panel(study: StudySettings) -> tuple[tuple[str, ...], dict[str, str]]:
    if study.source.panel:
        return (), {"panel": Panel.open(study.source.panel).fingerprint}
    return ("ingest",), {}


def _fit_tasks(study: StudySettings, unit: str, config: dict[str, Any]) -> Iterator[Task]:
    for dataset in study.datasets:
        for vintage in study.vintages:
            for run in study.seeds:
                folder = _unit_folder(study, unit, dataset, vintage, run)
                resolved = _resolve(study, unit, config, (dataset, vintage, run))
                yield Task(
                    f"fit/{unit}/{dataset}/v{vintage}/s{run}",
                    f"{_STEPS}:fit_step",
                    {"config": resolved, "folder": str(folder), "threads": study.threads},
                    ("prepare",),
                )


def _score_tasks(study: StudySettings, units: list[str]) -> Iterator[Task]:
    settings = asdict(study.weighting)
    panel, scores = panel_of(study), study.folder / "scores"
    for unit in units:
        for run in study.seeds:
            runs = [(d, v) for d in study.datasets for v in study.vintages]
            factors = [
                str(_unit_folder(study, unit, d, v, run) / "factors.parquet") for d, v in runs
            ]
            arguments = {
                "panel": panel,
                "factors": factors,
                "out": str(scores / unit / f"s{run}.parquet"),
                "universe": study.universe,
                "seed": run,
                "name": f"{unit}/s{run}",
            }
            yield Task(
                f"weigh/{unit}/s{run}",
                f"{_STEPS}:weigh_step",
                {"arguments": arguments, "settings": settings},
                tuple(f"fit/{unit}/{d}/v{v}/s{run}" for d, v in runs),
            )
        parts = [str(scores / unit / f"s{run}.parquet") for run in study.seeds]
        yield _combine(study, unit, parts, tuple(f"weigh/{unit}/s{run}" for run in study.seeds))
    if len(units) > 1:
        parts = [str(scores / f"{unit}.parquet") for unit in units]
        yield _combine(study, "v1", parts, tuple(f"combine/{unit}" for unit in units))
    for kind in study.evaluation.baselines:
        arguments = {
            "kind": kind,
            "panel": panel,
            "out": str(scores / f"{kind}.parquet"),
            "years": study.vintages,
            "universe": study.universe,
        }
        yield Task(
            f"baseline/{kind}",
            f"{_STEPS}:baseline_step",
            {"arguments": arguments, "settings": settings},
            ("prepare",),
        )


def _combine(study: StudySettings, name: str, parts: list[str], needs: tuple[str, ...]) -> Task:
    out = str(study.folder / "scores" / f"{name}.parquet")
    arguments = {"scores": parts, "out": out, "name": name}
    return Task(f"combine/{name}", "alpha_lightning.weighting.combine:combine", arguments, needs)


def _closing_tasks(study: StudySettings, units: list[str]) -> Iterator[Task]:
    models = [*units, "v1"] if len(units) > 1 else units
    needs = [f"combine/{name}" for name in models]
    needs += [f"baseline/{kind}" for kind in study.evaluation.baselines]
    arguments = {
        "panel": panel_of(study),
        "scores": [str(study.folder / "scores" / f"{n.partition('/')[2]}.parquet") for n in needs],
        "out": str(study.folder / "evaluation"),
        "universe": study.universe,
        "frequency": study.evaluation.frequency,
        "since": study.evaluation.since,
        "overwrite": True,
    }
    yield Task("evaluate", "alpha_lightning.evaluation.evaluate:evaluate", arguments, tuple(needs))
    yield Task(
        "report",
        "alpha_lightning.reports.report:report",
        {"study": str(study.folder)},
        ("evaluate",),
    )


def _unit_folder(study: StudySettings, unit: str, dataset: str, vintage: int, run: int) -> Path:
    return study.folder / "units" / unit / dataset / f"v{vintage}" / f"s{run}"


def _resolve(
    study: StudySettings, unit: str, config: dict[str, Any], where: tuple[str, int, int]
) -> dict[str, Any]:
    dataset, vintage, run = where
    folder = _unit_folder(study, unit, dataset, vintage, run)
    data = {
        "panel": panel_of(study),
        "dataset": dataset,
        "vintage": vintage,
        "sample": _sample_rule(study),
    }
    logger = {
        "class_path": _LOGGER,
        "init_args": {"save_dir": str(folder.parent), "name": "", "version": folder.name},
    }
    resolved = merge(config, study.fit)
    resolved = merge(resolved, {"data": data, "trainer": {"enable_progress_bar": False}})
    resolved["trainer"]["logger"] = logger
    resolved["seed_everything"] = training_seed(unit, dataset, vintage, run)
    callbacks = resolved["trainer"].get("callbacks", [])
    others = [c for c in callbacks if c.get("class_path") != _EXPORT]
    export = {"class_path": _EXPORT, "init_args": {"unit": unit, "run": run}}
    resolved["trainer"]["callbacks"] = [*others, export]
    return resolved


def _sample_rule(study: StudySettings) -> dict[str, Any]:
    given = study.fit.get("data", {}).get("sample", {})
    return {**given, "universe": study.universe}


def merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with others laid over them; dictionaries merge, everything else replaces.

    Example:
        >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
        {'a': {'b': 1, 'c': 3}}
    """
    merged = dict(lower)
    for key, value in upper.items():
        inner = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(inner, Mapping)
        merged[key] = merge(inner, value) if both else value  # type: ignore[arg-type]
    return merged


def read_yaml(path: str) -> dict[str, Any]:
    """A YAML file as a dictionary.

    Raises:
        PanelError: missing, not YAML, or not a mapping.
    """
    try:
        tree = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        msg = f"{path} cannot be read ({reason}): check the path, seen from the working folder"
        raise PanelError(msg) from error
    if not isinstance(tree, dict):
        msg = f"{path} holds no settings: it should be a YAML mapping"
        raise PanelError(msg)
    return tree


def _fingerprints(inputs: dict[str, Any]) -> dict[str, str]:
    sides = (inputs.get("tables") or {}).values()
    paths = [inputs.get("daily"), inputs.get("qlib"), inputs.get("calendar"), *sides]
    prints: dict[str, str] = {}
    for path in filter(None, paths):
        root = Path(path)
        files = sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else [root]
        if not root.exists():
            msg = f"{path} does not exist: check the study's source"
            raise PanelError(msg)
        prints |= {str(file): fingerprint_file(file) for file in files}
    return prints
