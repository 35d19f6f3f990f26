"""What a study is: its data, its networks, its weighting and its evaluation."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from alpha_lightning.panel.bad_rows import Mode
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.ingest import SideTables
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings

INTRADAY = ("mschars", "l2chars")
"""Data sets that are made of minute bars and trades."""
_SCORES = ("v1", "reversal", "summary")
_SECTIONS = ("trainer", "model", "data")
# What a study says itself, and where: said twice, one of the two would be lost without a word.
_OWN = {
    "data.panel": "source",
    "data.dataset": "datasets",
    "data.vintage": "vintages",
    "data.seed": "seeds",
    "data.sample.universe": "universe",
    "trainer.logger": "out",
    "trainer.devices": "--jobs",
}


@dataclass(frozen=True)
class SourceSettings:
    """Where the panel comes from: exactly one of panel, market, daily and qlib."""

    panel: str | None = None
    """A panel that `ingest` wrote before."""
    market: str | None = None
    """A YAML of `simulate`: a simulated market is made and ingested."""
    daily: str | None = None
    """A daily table to ingest."""
    qlib: str | None = None
    """A Qlib data folder to ingest."""
    tables: SideTables | None = None
    """Tables beside the daily one."""
    minute: str | None = None
    """Minute bars, of which mschars is made; a simulated market writes its own."""
    trades: str | None = None
    """Trades, of which l2chars is made; without them minute bars stand in, as a proxy."""
    exchange: str | None = None
    """YAML of the exchange's hours; configs/market/cn.yaml for a simulated market."""
    calendar: str | None = None
    """Trading dates, one ISO date a line."""
    bad_rows: Mode = "refuse"
    """What to do with rows that cannot be true: refuse, drop or mask."""


@dataclass(frozen=True)
class EvaluationSettings:
    """What is measured."""

    frequency: Literal["weekly", "daily"] = "weekly"
    """Signal dates of RankIC."""
    since: list[str] = field(default_factory=list)
    """Further first dates of the group table."""
    baselines: list[Literal["reversal", "summary"]] = field(
        default_factory=lambda: ["reversal", "summary"]
    )
    """Scores without a network, on the same dates: 5-day reversal; LightGBM on window summaries."""
    dataset_value: bool = True
    """Also weigh some of the data sets without the others, to see what each of them is worth."""


@dataclass(frozen=True)
class StudySettings:
    """A study: every unit on every data set, vintage and seed, weighted, averaged, evaluated."""

    name: str
    """Title of the study."""
    units: list[str]
    """Unit YAMLs; a unit is called what its file is called."""
    vintages: list[int]
    """Years to serve."""
    out: str = ""
    """Folder of the study; runs/<name> when empty."""
    source: SourceSettings = SourceSettings()
    """Where the panel comes from."""
    datasets: list[str] = field(default_factory=lambda: ["rawbar"])
    """Data sets each unit is trained on; their factors meet in one weighting."""
    seeds: list[int] = field(default_factory=lambda: [0])
    """Independent runs."""
    universe: str = "all"
    """An index whose members are in the panel, or all."""
    fit: dict[str, Any] = field(default_factory=dict)
    """Merged over each unit's YAML: trainer, model, data."""
    weighting: LightGBMSettings = field(default_factory=LightGBMSettings)
    """LightGBM of every score."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """What is measured."""
    threads: int = 1
    """Threads of one training task; results may differ in the last digit between thread counts."""

    def __post_init__(self) -> None:
        baselines = self.evaluation.baselines
        lists = {what: getattr(self, what) for what in ("units", "vintages", "datasets", "seeds")}
        for what, values in (lists | {"evaluation.baselines": baselines}).items():
            if (what in lists and not values) or len(set(values)) < len(values):
                msg = f"study {self.name}: {what} is {values}: name at least one, and each once"
                raise PanelError(msg)
        given = [k for k in ("panel", "market", "daily", "qlib") if getattr(self.source, k)]
        if len(given) != 1:
            msg = (
                f"study {self.name}: source names {given or 'nothing'}: give exactly one of panel,"
                " market, daily, qlib (for your own bars: --source.daily FILE)"
            )
            raise PanelError(msg)
        if self.threads < 1:
            msg = f"study {self.name}: threads is {self.threads}: it must be at least 1"
            raise PanelError(msg)
        _check_intraday(self)
        _check_units(self.name, self.units)
        _check_fit(self.name, self.fit)

    @property
    def folder(self) -> Path:
        """Where everything goes."""
        return Path(self.out or f"runs/{self.name}")

    @property
    def characterised(self) -> tuple[str, ...]:
        """Data sets that the study makes of minute bars and trades, none in a ready panel."""
        wanted = () if self.source.panel else INTRADAY
        return tuple(name for name in wanted if name in self.datasets)

    @property
    def sample(self) -> dict[str, Any]:
        """What `fit` says of ``data.sample``, in the study's universe."""
        return {**self.fit.get("data", {}).get("sample", {}), "universe": self.universe}


def _check_intraday(study: StudySettings) -> None:
    source = study.source
    given = [k for k in ("minute", "trades", "exchange") if getattr(source, k)]
    if source.panel and given:
        msg = (
            f"study {study.name}: source.{given[0]} has no use beside a ready panel: add data sets"
            " to it with `alpha-lightning characterise` first"
        )
        raise PanelError(msg)
    if source.market:
        if source.minute or source.trades:
            msg = (
                f"study {study.name}: source.{given[0]} has no use beside source.market, which"
                " writes minute bars and trades of its own"
            )
            raise PanelError(msg)
        return
    for name in study.characterised:
        lacking = [] if source.exchange else ["source.exchange (a YAML of its hours)"]
        if not source.minute and (name == "mschars" or not source.trades):
            lacking.append("source.minute (minute bars)")
        if lacking:
            msg = f"study {study.name}: {name} cannot be made: give {' and '.join(lacking)}"
            raise PanelError(msg)


def _check_units(study: str, paths: list[str]) -> None:
    names = [Path(path).stem for path in paths]
    for name, path in zip(names, paths, strict=True):
        if names.count(name) > 1 or name in _SCORES:
            taken = "two units" if names.count(name) > 1 else "a score of every study"
            msg = f"study {study}: {taken} would be called {name}: give {path} another file name"
            raise PanelError(msg)


def _check_fit(study: str, fit: dict[str, Any]) -> None:
    strange = sorted(set(fit) - set(_SECTIONS))
    if strange:
        known = ", ".join(_SECTIONS)
        msg = f"study {study}: fit has no {', '.join(strange)}: it may hold {known}"
        raise PanelError(msg)
    for path in (*_SECTIONS, "data.sample"):
        value = _at(fit, path, {})
        if not isinstance(value, dict):
            msg = f"study {study}: fit.{path} is {value!r}: it should be a mapping"
            raise PanelError(msg)
    for path, instead in _OWN.items():
        if _at(fit, path, None) is not None:
            msg = f"study {study}: fit.{path} is the study's own to say: use {instead} instead"
            raise PanelError(msg)


def _at(tree: Any, path: str, absent: Any) -> Any:
    for key in path.split("."):
        if not isinstance(tree, dict) or key not in tree:
            return absent
        tree = tree[key]
    return tree


def training_seed(unit: str, dataset: str, vintage: int, run: int) -> int:
    """Seed of one training run: the same for the same (unit, data set, vintage, run), for ever.

    Example:
        >>> training_seed("gru", "rawbar", 2024, 0)
        1290747224
    """
    digest = hashlib.sha256(f"{unit}/{dataset}/{vintage}/{run}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF
