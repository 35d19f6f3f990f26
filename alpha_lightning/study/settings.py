"""What a study is: its data, its networks, its weighting and its evaluation."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from alpha_lightning.artefacts.dated_table import Precision
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid
from alpha_lightning.backtest.grid_settings import GridSettings
from alpha_lightning.panel.bad_rows import Mode
from alpha_lightning.panel.ingest import SideTables
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.variants import integrated_name

INTRADAY = ("mschars", "l2chars")
"""Data sets that are made of minute bars and trades."""
SOURCES = ("panel", "market", "daily", "qlib")
"""What a panel may come from."""
Scheme = Literal["oos_lagged", "in_sample"]
Integration = Literal["v0", "v1", "opt"]


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
    """Further first dates of the group tables, the first that of figures 9 and 15; the last vintage
    when empty."""
    baselines: list[Literal["reversal", "summary"]] = field(
        default_factory=lambda: ["reversal", "summary"]
    )
    """Scores without a network, on the same dates: 5-day reversal; LightGBM on window summaries."""
    dataset_value: bool = True
    """Also weigh some of the data sets without the others, to see what each of them is worth."""
    weightings: list[Literal["linear", "equal"]] = field(
        default_factory=lambda: ["linear", "equal"]
    )
    """Also weigh the factors linearly and equally, to see what the trees are worth."""
    paper: bool = False
    """Show the paper's numbers beside ours: the study is the paper's."""


@dataclass(frozen=True)
class FactorSettings:
    """How factor matrices are kept: at the paper's size they are most of a study."""

    precision: Precision = "float32"
    """``float16`` takes half of the space and keeps three digits."""
    keep: Literal["always", "until_weighed"] = "always"
    """``until_weighed`` drops a matrix when every score that needs it is made; one that is wanted
    again is made from its checkpoint, without training."""


@dataclass(frozen=True)
class TrackingSettings:
    """Who is told how a study goes; no number, and no task that is done, depends on it."""

    wandb: Literal["off", "offline", "online", False] = "off"
    """A W&B run for each network and one for the study: kept in <out>/wandb, or on W&B's server.
    What is done already is not run again to be told of."""
    project: str = "alpha_lightning"
    """W&B project."""
    entity: str | None = None
    """W&B user or team; your own when not given."""
    tags: list[str] = field(default_factory=list)
    """Tags of the W&B runs."""
    artifacts: bool = True
    """Whether W&B is also given the report and its tables."""
    tensorboard: bool = True
    """Curves for TensorBoard in each network's folder: ``tensorboard --logdir <out>/units``."""

    @property
    def mode(self) -> Literal["offline", "online"] | None:
        """How W&B runs, or None; a bare ``off`` of a YAML file arrives as False."""
        return self.wandb if self.wandb in ("offline", "online") else None


@dataclass(frozen=True)
class Expectation:
    """What `study plan` reckons with before there is a panel."""

    first_date: str = ""
    """First trading date."""
    last_date: str = ""
    """Last trading date."""
    stocks: int = 0
    """Stocks on a date."""


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
    schemes: list[Scheme] = field(default_factory=lambda: ["oos_lagged"])
    """How vintages are cut; the first makes the scores, a second is compared with it."""
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Units by the name of a group of models; all units, without a name, when empty."""
    integration: list[Integration] = field(default_factory=lambda: ["v0", "v1"])
    """What is made of each group: v0, one weighting of all factors; v1, the mean of the models'
    scores; opt, their mean with weights R^-1 IC of the past."""
    universe: str = "all"
    """An index whose members are in the panel, or all."""
    fit: dict[str, Any] = field(default_factory=dict)
    """Merged over each unit's YAML: trainer, model, data."""
    factors: FactorSettings = FactorSettings()
    """How factor matrices are kept."""
    weighting: LightGBMSettings = field(default_factory=LightGBMSettings)
    """LightGBM of every score."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """What is measured."""
    portfolios: GridSettings = field(default_factory=GridSettings)
    """TOP-N portfolios of the scores, run through the market; none without portfolios.names."""
    enhanced: EnhancedGrid = field(default_factory=EnhancedGrid)
    """Index-enhanced portfolios of the scores and the risk model they need; none without
    enhanced.indices."""
    threads: int = 1
    """Threads of one training task; results may differ in the last digit between thread counts."""
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    """Who is told how it goes: TensorBoard, W&B."""
    expected: Expectation = Expectation()
    """What `study plan` reckons with before there is a panel."""

    def __post_init__(self) -> None:
        from alpha_lightning.study.contradictions import refuse_contradictions

        refuse_contradictions(self)

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
    def unit_names(self) -> tuple[str, ...]:
        """What the units are called: as their files."""
        return tuple(Path(path).stem for path in self.units)

    @property
    def members(self) -> dict[str, list[str]]:
        """Units by group, none of a single unit alone."""
        if self.groups:
            return self.groups
        return {"": list(self.unit_names)} if len(self.units) > 1 else {}

    @property
    def score_names(self) -> tuple[str, ...]:
        """What the scores that are shown are called: models, integrations, baselines."""
        made = (integrated_name(group, how) for group in self.members for how in self.integration)
        return (*self.unit_names, *made, *self.evaluation.baselines)

    @property
    def held_scores(self) -> tuple[str, ...]:
        """Scores of which TOP-N portfolios are made: those named, or the one that leads."""
        if not self.portfolios.names:
            return ()
        return tuple(self.portfolios.scores) or self.leading_score

    @property
    def enhanced_scores(self) -> tuple[str, ...]:
        """Scores of which index-enhanced portfolios are made: those named, or as of TOP-N."""
        if not self.enhanced.indices:
            return ()
        return tuple(self.enhanced.scores) or self.held_scores or self.leading_score

    @property
    def leading_score(self) -> tuple[str]:
        """V1 of the largest group, or else the first of its integrations, or the first model."""
        if not self.members or not self.integration:
            return (self.unit_names[0],)
        largest = max(self.members, key=lambda group: len(self.members[group]))
        how = "v1" if "v1" in self.integration else self.integration[0]
        return (integrated_name(largest, how),)

    @property
    def sample(self) -> dict[str, Any]:
        """What `fit` says of ``data.sample``, in the study's universe."""
        return {**self.fit.get("data", {}).get("sample", {}), "universe": self.universe}


def training_seed(unit: str, dataset: str, vintage: int, run: int) -> int:
    """Seed of one training run: the same for the same (unit, data set, vintage, run), for ever.

    Example:
        >>> training_seed("gru", "rawbar", 2024, 0)
        1290747224
    """
    digest = hashlib.sha256(f"{unit}/{dataset}/{vintage}/{run}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF
