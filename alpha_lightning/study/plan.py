"""A study's settings laid out as tasks."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alpha_lightning.artefacts.provenance import fingerprint_file, fingerprint_json
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.returns import LABEL
from alpha_lightning.panel.store import Panel
from alpha_lightning.study.options import merge, parse_yaml
from alpha_lightning.study.settings import StudySettings, training_seed
from alpha_lightning.study.tasks import Task

_EXPORT = "alpha_lightning.factors.export.FactorMatrixExport"
_LOGGER = "pytorch_lightning.loggers.CSVLogger"
_STEPS = "alpha_lightning.study.steps"


def lay_out(study: StudySettings) -> list[Task]:
    """Every task of a study, needs first.

    Raises:
        UserError: a unit's YAML or an input is missing or unreadable.
    """
    return list(_tasks(study))


def panel_of(study: StudySettings) -> str:
    """Where the study's panel is, or will be."""
    return study.source.panel or str(study.folder / "panel")


def _tasks(study: StudySettings) -> Iterator[Task]:
    yield from _panel_tasks(study)
    panel = panel_of(study)
    yield Task(
        "prepare",
        f"{_STEPS}:prepare_step",
        {"panel": panel, "datasets": study.datasets, "rule": study.sample},
        *_after_panel(study),
    )
    units = {Path(path).stem: read_yaml(path) for path in study.units}
    for name, config in units.items():
        yield from _fit_tasks(study, name, config)
    yield from _score_tasks(study, units)
    yield from _closing_tasks(study, list(units))


def _panel_tasks(study: StudySettings) -> Iterator[Task]:
    source = study.source
    if source.panel:
        return
    needs: tuple[str, ...] = ()
    if source.market:
        vendor = study.folder / "vendor"
        arguments = {"config": read_yaml(source.market), "out": str(vendor)}
        writes = str(vendor / "market.json")
        yield Task("simulate", f"{_STEPS}:simulate_step", arguments, writes=writes)
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
        str(Path(panel_of(study)) / "panel.json"),
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
                    writes=str(folder / "factors.parquet"),
                )


def _score_tasks(study: StudySettings, units: dict[str, dict[str, Any]]) -> Iterator[Task]:
    scores = study.folder / "scores"
    for unit, config in units.items():
        for run in study.seeds:
            yield _weigh(study, unit, config, run)
        parts = [str(scores / unit / f"s{run}.parquet") for run in study.seeds]
        yield _combine(study, unit, parts, tuple(f"weigh/{unit}/s{run}" for run in study.seeds))
    if len(units) > 1:
        parts = [str(scores / f"{unit}.parquet") for unit in units]
        yield _combine(study, "v1", parts, tuple(f"combine/{unit}" for unit in units))
    for kind in study.evaluation.baselines:
        out = str(scores / f"{kind}.parquet")
        about = {"kind": kind, "years": study.vintages, "label": _label(study.sample)}
        arguments = {"panel": panel_of(study), "out": out, "universe": study.universe, **about}
        inputs = {"arguments": arguments, "settings": asdict(study.weighting)}
        name = f"baseline/{kind}"
        yield Task(name, f"{_STEPS}:baseline_step", inputs, ("prepare",), writes=out)


def _weigh(study: StudySettings, unit: str, config: dict[str, Any], run: int) -> Task:
    runs = [(d, v) for d in study.datasets for v in study.vintages]
    folders = [_unit_folder(study, unit, d, v, run) for d, v in runs]
    out = str(study.folder / "scores" / unit / f"s{run}.parquet")
    arguments = {
        "panel": panel_of(study),
        "factors": [str(folder / "factors.parquet") for folder in folders],
        "out": out,
        "universe": study.universe,
        "label": _label(merge(config, study.fit).get("data", {}).get("sample", {})),
        "seed": run,
        "name": f"{unit}/s{run}",
    }
    inputs = {"arguments": arguments, "settings": asdict(study.weighting)}
    needs = tuple(f"fit/{unit}/{d}/v{v}/s{run}" for d, v in runs)
    return Task(f"weigh/{unit}/s{run}", f"{_STEPS}:weigh_step", inputs, needs, writes=out)


def _label(sample: Mapping[str, Any]) -> dict[str, int]:
    # The weighting model learns the return that the networks learn.
    return {"days": sample.get("horizon", LABEL[0]), "gap": sample.get("gap", LABEL[1])}


def _combine(study: StudySettings, name: str, parts: list[str], needs: tuple[str, ...]) -> Task:
    out = str(study.folder / "scores" / f"{name}.parquet")
    arguments = {"scores": parts, "out": out, "name": name}
    function = "alpha_lightning.weighting.combine:combine"
    return Task(f"combine/{name}", function, arguments, needs, writes=out)


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
    yield Task(
        "evaluate",
        "alpha_lightning.evaluation.evaluate:evaluate",
        arguments,
        tuple(needs),
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


def _unit_folder(study: StudySettings, unit: str, dataset: str, vintage: int, run: int) -> Path:
    return study.folder / "units" / unit / dataset / f"v{vintage}" / f"s{run}"


def _resolve(
    study: StudySettings, unit: str, config: dict[str, Any], where: tuple[str, int, int]
) -> dict[str, Any]:
    dataset, vintage, run = where
    folder = _unit_folder(study, unit, dataset, vintage, run)
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


def read_yaml(path: str) -> dict[str, Any]:
    """A YAML file as a dictionary.

    Raises:
        UserError: missing, not YAML, or not a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read ({error}): check the path, seen from the working folder"
        raise PanelError(msg) from error
    tree = parse_yaml(text, path)
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
