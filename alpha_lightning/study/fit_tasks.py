"""The tasks that train a study's networks, one a unit, data set, vintage, seed and scheme."""

import itertools
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.options import merge
from alpha_lightning.study.panel_tasks import STEPS, panel_of, prepared
from alpha_lightning.study.settings import StudySettings, training_seed
from alpha_lightning.study.tasks import Restore, Task

_EXPORT = "alpha_lightning.factors.export.FactorMatrixExport"
_LOGGER = "pytorch_lightning.loggers.CSVLogger"
_WANDB = "pytorch_lightning.loggers.WandbLogger"
_DEFAULT = "oos_lagged"
_ABOUT_THE_WAY = (
    ("data", "batch", "residency"),
    ("data", "batch", "workers"),
    ("checkpoint",),
    ("log",),
)


class Network(NamedTuple):
    """One network of a study.

    Args:
        unit: its name.
        dataset: what it reads.
        vintage: the year it serves.
        run: the seed's number.
        scheme: how the vintage is cut.
    """

    unit: str
    dataset: str
    vintage: int
    run: int
    scheme: str

    @property
    def place(self) -> str:
        """Below ``units/`` and ``tasks/fit/``."""
        return f"{self.unit}/{self.dataset}/v{self.cut}/s{self.run}"

    @property
    def cut(self) -> str:
        """The vintage, and how it is cut where that is not the usual way."""
        return f"{self.vintage}" if self.scheme == _DEFAULT else f"{self.vintage}-{self.scheme}"


def networks_of(study: StudySettings) -> Iterator[Network]:
    """Every network of a study, seed by seed: the factors of a seed are weighed together."""
    axes = (study.schemes, study.seeds, study.unit_names, study.datasets, study.vintages)
    for scheme, run, unit, dataset, vintage in itertools.product(*axes):
        yield Network(unit, dataset, vintage, run, scheme)


def unit_folder(study: StudySettings, network: Network) -> Path:
    """Where one network is trained."""
    return study.folder / "units" / network.place


def fit_name(network: Network) -> str:
    """Name of the task that trains one network."""
    return f"fit/{network.place}"


def fit_tasks(study: StudySettings, units: Mapping[str, dict[str, Any]]) -> Iterator[Task]:
    """The training of every network.

    Args:
        study: settings.
        units: content of each unit's YAML by its name.
    """
    for network in networks_of(study):
        folder = unit_folder(study, network)
        config, way = _without_the_way(resolve(study, units[network.unit], network))
        yield Task(
            fit_name(network),
            f"{STEPS}:fit_step",
            {"config": config, "folder": str(folder), "threads": study.threads},
            (prepared(network.dataset),),
            writes=str(folder / "factors.parquet"),
            aside=_tracking(study, network) | way,
            restore=Restore(f"{STEPS}:export_step", str(folder / "checkpoints" / "best.ckpt")),
            transient=study.factors.keep == "until_weighed",
        )


def resolve(study: StudySettings, config: dict[str, Any], network: Network) -> dict[str, Any]:
    """The configuration of `fit` for one network.

    Args:
        study: settings.
        config: content of the unit's YAML.
        network: which.
    """
    unit, dataset, vintage, run, scheme = network
    for section in ("trainer", "model", "data"):
        if not isinstance(config.get(section) or {}, dict):
            msg = f"unit {unit}: {section} is {config[section]!r}: it should be a mapping"
            raise UserError(msg)
    folder = unit_folder(study, network)
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
    given = (config.get("data") or {}).get("rule") or {}
    if scheme != _DEFAULT or "scheme" in given:
        own["data"]["rule"] = {"scheme": scheme}  # type: ignore[index]
    asked = merge(config, study.fit)
    resolved = merge(asked, own)
    # Replaced whole: settings of another logger must not be left in it.
    resolved["trainer"]["logger"] = _csv(folder)
    resolved["trainer"]["callbacks"] = _callbacks(study, asked, network)
    return resolved


def _without_the_way(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What numbers depend on, and beside it where the panel lives and when the state is kept."""
    config, way = deepcopy(config), dict[str, Any]()
    for path in _ABOUT_THE_WAY:
        nodes: list[Any] = [config]
        for part in path:
            nodes.append(nodes[-1].get(part) if isinstance(nodes[-1], dict) else None)
        if nodes[-1] is None:
            continue
        laid: Any = nodes[-1]
        for part in reversed(path):
            laid = {part: laid}
        way = merge(way, laid)
        # A group that is empty now must not tell that it was given.
        for part, node in zip(reversed(path), reversed(nodes[:-1]), strict=True):
            if not node[part] or node is nodes[-2]:
                del node[part]
    return config, {"way": way} if way else {}


def _csv(folder: Path) -> dict[str, Any]:
    save = {"save_dir": str(folder.parent), "name": "", "version": folder.name}
    return {"class_path": _LOGGER, "init_args": save}


def _tracking(study: StudySettings, network: Network) -> dict[str, Any]:
    """Settings of `fit` for those who watch, nothing where they are the usual ones."""
    tracking = study.tracking
    laid_over: dict[str, Any] = {}
    if not tracking.tensorboard:
        laid_over["log"] = {"tensorboard": False}
    if tracking.mode:
        run = {
            "project": tracking.project,
            "entity": tracking.entity,
            "group": f"{study.name}/{network.unit}/{network.dataset}/{network.cut}",
            "name": f"s{network.run}",
            "tags": tracking.tags,
            "save_dir": str(study.folder),
            "offline": tracking.mode == "offline",
        }
        wandb = {"class_path": _WANDB, "init_args": run}
        # CSV first: it names the folder.
        laid_over["trainer"] = {"logger": [_csv(unit_folder(study, network)), wandb]}
    return {"tracking": laid_over} if laid_over else {}


def _callbacks(study: StudySettings, asked: dict[str, Any], network: Network) -> list[Any]:
    given = (asked.get("trainer") or {}).get("callbacks") or []
    arguments = {"unit": network.unit, "run": network.run, "precision": study.factors.precision}
    own: dict[str, Any] = {"class_path": _EXPORT, "init_args": arguments}
    others = []
    for callback in given if isinstance(given, list) else [given]:
        if isinstance(callback, dict) and callback.get("class_path") == _EXPORT:
            own = merge(callback, own)
        elif callback != _EXPORT:
            others.append(callback)
    return [*others, own]
