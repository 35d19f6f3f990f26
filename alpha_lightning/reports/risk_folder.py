"""What a study tells of its risk model: its settings, what was left out, its tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alpha_lightning.reports.enhanced_folder import EnhancedFolder
from alpha_lightning.reports.reading import read_mapping, read_text
from alpha_lightning.reports.task_state import failure

Table = Any
"""A pandas DataFrame."""
_AGAIN = "delete the study's folder risk and run the study again"


@dataclass(frozen=True)
class RiskFolder:
    """The risk model of a study.

    Args:
        about: settings, factors and their kinds, warnings; as the model or the portfolios tell it.
        tables: ``risk_*`` by name; none where the portfolios that write them are missing.
    """

    about: Mapping[str, Any]
    tables: Mapping[str, Table] = field(default_factory=dict)

    @property
    def warnings(self) -> list[str]:
        """Sentences a reader must see before the numbers: what was dropped, and what is told."""
        dropped = self.about.get("dropped") or {}
        told = dropped.values() if isinstance(dropped, Mapping) else dropped
        every = (*told, *(self.about.get("notes") or ()), *(self.about.get("warnings") or ()))
        # The model's warnings tell again, as sentences, what was dropped and noted.
        return list({str(text).rstrip(".").lower(): str(text) for text in every}.values())

    def factors(self, kind: str) -> list[str]:
        """Names of the factors of a kind: ``style``, ``industry`` or ``market``."""
        pairs = zip(self.about.get("factors") or (), self.about.get("kinds") or (), strict=False)
        return [str(name) for name, own in pairs if own == kind]


def study_risk(
    study: Path, config: Mapping[str, Any], enhanced: EnhancedFolder | None
) -> RiskFolder | None:
    """The risk model of a study, or None where it has none.

    Args:
        study: its folder.
        config: ``study.yaml``.
        enhanced: its index-enhanced portfolios, which tell of the model they were run with.

    Raises:
        ArtefactError: ``risk.json`` is damaged.
    """
    if enhanced is not None:
        names = [name for name in enhanced.tables if name.startswith("risk_")]
        about = enhanced.about.get("risk") or {}
        if not about and not names:
            return None
        return RiskFolder(about, {name: enhanced.tables[name] for name in names})
    asked, file = config.get("enhanced"), study / "risk" / "risk.json"
    unasked = isinstance(asked, Mapping) and not asked.get("indices")
    if unasked or failure(study, "risk") is not None or not file.exists():
        return None
    text = read_text(file, _AGAIN)
    return RiskFolder(read_mapping(file, text, json.loads, json.JSONDecodeError))
