"""A study folder read back: what was asked for, what came out, what the data lacked."""

import contextlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.evaluation.portfolio_claims import with_portfolios
from alpha_lightning.panel.store import Panel
from alpha_lightning.reports.cards import Card, read_cards
from alpha_lightning.reports.enhanced_folder import EnhancedFolder, study_enhanced
from alpha_lightning.reports.portfolio_folder import PortfolioFolder, study_portfolios
from alpha_lightning.reports.reading import read_mapping, read_table, read_text
from alpha_lightning.reports.risk_folder import RiskFolder, study_risk
from alpha_lightning.weighting.subsets import in_order

Table = Any
"""A pandas DataFrame."""
NEEDED = (
    "rank_ic_summary",
    "rank_ic_by_date",
    "rank_ic_by_year",
    "group_nav",
    "top_group",
    "score_correlation",
    "coverage",
)
_OLD_GROUPS = "fig08_groups"
_AGAIN = "run `evaluate` again"


@dataclass(frozen=True)
class StudyFolder:
    """A finished study.

    Args:
        path: the folder.
        config_text: ``study.yaml`` as it is.
        config: the same, parsed.
        about: ``evaluation/evaluation.json``.
        tables: ``evaluation/tables/*.csv`` by name.
        timings: ``timings.csv``, when it is there.
        panel: the panel, when it still lies where the evaluation found it or in the study.
        cards: of the networks, by unit.
        portfolios: when they are there.
        enhanced: index-enhanced portfolios, when they are there.
        risk: what is told of their risk model, when it is there.
        missing: why portfolios that were asked for are not there.
    """

    path: Path
    config_text: str
    config: dict[str, Any]
    about: dict[str, Any]
    tables: dict[str, Table]
    timings: Table | None
    panel: Panel | None
    cards: dict[str, Card]
    portfolios: PortfolioFolder | None = None
    enhanced: EnhancedFolder | None = None
    risk: RiskFolder | None = None
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the study, or else of its folder."""
        return str(self.config.get("name") or self.path.resolve().name)

    @property
    def baselines(self) -> list[str]:
        """Names of the scores that are yardsticks and not models of the study."""
        return [score["name"] for score in self.about["scores"] if score["baseline"]]

    @property
    def integrations(self) -> list[str]:
        """Names of the scores that are made of several models."""
        return [
            score["name"]
            for score in self.about["scores"]
            if not score["baseline"] and len(score["metadata"].get("units") or ()) > 1
        ]

    @property
    def scores(self) -> list[str]:
        """Names of the scores: models, integrations, baselines, each as they were evaluated."""
        names = [score["name"] for score in self.about["scores"]]
        return sorted(names, key=lambda n: 2 * (n in self.baselines) + (n in self.integrations))

    @property
    def groups(self) -> Table:
        """Groups of all scores since all dates."""
        return self.tables.get("groups", self.tables.get(_OLD_GROUPS))

    @property
    def simulated(self) -> bool:
        """Whether the market is simulated."""
        source = self.config.get("source") or {}
        # Only a simulated market has an oracle, wherever its panel came from.
        return bool(source.get("market") or self.about.get("oracle"))

    @property
    def datasets(self) -> tuple[str, ...]:
        """Data sets that the scores are made of, from coarse to fine."""
        made_of = [score["metadata"].get("datasets", ()) for score in self.about["scores"]]
        return in_order(name for names in made_of for name in names)

    @property
    def warnings(self) -> list[str]:
        """Sentences a reader must see before the numbers."""
        return [*self.cautions, *self.lacking]

    @property
    def cautions(self) -> list[str]:
        """What is special about these numbers."""
        sentences = []
        if self.simulated:
            sentences.append(
                "Simulated market: a signal was planted in these prices. The numbers show that the"
                " chain works and say nothing of real markets."
            )
        sentences += [*self.missing, *self.about["warnings"]]
        if self.panel is None:
            sentences.append(
                f"The panel {self.about['panel']} is no longer there: what its vendor tables"
                " lacked cannot be listed."
            )
        elif self.panel.fingerprint != self.about["panel_fingerprint"]:
            sentences.append(
                f"The panel {self.panel.path} has changed since this evaluation: run it again."
            )
        return sentences

    @property
    def lacking(self) -> list[str]:
        """What the data lacked, and what is switched off for it."""
        panel = self.panel
        if panel is None or panel.fingerprint != self.about["panel_fingerprint"]:
            return []
        return [*self._lacking(panel), *panel.switched_off]

    def _lacking(self, panel: Panel) -> list[str]:
        known = [name for name in self.datasets if name in panel.datasets]
        told = [(n, text) for n in known for text in panel.meta["datasets"][n].get("lacking", [])]
        return [text if text.startswith(name) else f"{name}: {text}" for name, text in told]


def read_study(path: str | Path) -> StudyFolder:
    """Read what a report needs from a study folder.

    Raises:
        ArtefactError: the folder, ``study.yaml`` or the evaluation is missing or damaged.
    """
    folder = Path(path)
    text = read_text(folder / "study.yaml", "name the folder that `study run` wrote")
    config = read_mapping(folder / "study.yaml", text, yaml.safe_load, yaml.YAMLError)
    file = folder / "evaluation" / "evaluation.json"
    written = read_text(file, "run `evaluate` into the study's folder evaluation first")
    about = read_mapping(file, written, json.loads, json.JSONDecodeError)
    names = {csv.stem for csv in (file.parent / "tables").glob("*.csv")}
    lacking = sorted(set(NEEDED) - names)
    lacking += [] if names & {"groups", _OLD_GROUPS} else ["groups"]
    if lacking:
        msg = f"{file.parent / 'tables'} lacks {', '.join(lacking)}: run `evaluate` again"
        raise ArtefactError(msg)
    folder_of = file.parent / "tables"
    tables = {name: read_table(folder_of / f"{name}.csv", _AGAIN) for name in sorted(names)}
    timings = folder / "timings.csv"
    portfolios, missing = study_portfolios(folder, config)
    enhanced, also_missing = study_enhanced(folder, config)
    if "claims" in tables:
        ran = [None if part is None else part.path for part in (portfolios, enhanced)]
        tables["claims"] = with_portfolios(tables["claims"], *ran)
    return StudyFolder(
        path=folder,
        config_text=text,
        config=config,
        about=about,
        tables=tables,
        timings=read_table(timings, _AGAIN) if timings.exists() else None,
        panel=_panel(Path(about["panel"]), folder / "panel"),
        cards=read_cards(folder),
        portfolios=portfolios,
        enhanced=enhanced,
        risk=study_risk(folder, config, enhanced),
        missing=(*missing, *also_missing),
    )


def copy_tables(study: StudyFolder, folder: Path) -> None:
    """Copy the tables of evaluation and portfolios byte by byte into an existing folder.

    But for the claims, which are told of portfolios here: the evaluation knows of scores alone.
    """
    parts = {"evaluation": study.tables}
    if study.portfolios is not None:
        parts["portfolios"] = dict(study.portfolios.tables)
    if study.enhanced is not None:
        parts["enhanced"] = dict(study.enhanced.tables)
    for part, tables in parts.items():
        for name in tables:
            shutil.copyfile(study.path / part / "tables" / f"{name}.csv", folder / f"{name}.csv")
    if (claims := study.tables.get("claims")) is not None:
        file = folder / "claims.csv"
        claims.to_csv(file, index=False, float_format="%.8g", lineterminator="\n")


def _panel(*places: Path) -> Panel | None:
    for place in places:
        with contextlib.suppress(ArtefactError):
            return Panel.open(place)
    return None
