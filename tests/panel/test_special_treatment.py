from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.special_treatment import special_treatment
from alpha_lightning.panel.store import Panel


def test_a_view_of_the_flags(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    flags = special_treatment(panel)
    assert flags is not None
    assert flags.dtype == np.bool_
    assert flags.shape == (len(panel.dates), len(panel.symbols))
    assert 0 < flags.sum() < flags.size / 4
    assert not flags.flags.writeable


def test_a_panel_without_them(market: Callable[..., Any], tmp_path: Path) -> None:
    assert special_treatment(market(12, 5).write(tmp_path)) is None


def test_a_lost_file(market: Callable[..., Any], tmp_path: Path) -> None:
    panel = market(12, 5).write(tmp_path)
    panel.meta["flags"].append("st")
    with pytest.raises(ArtefactError, match=r"st\.npy is missing or damaged .*: ingest the panel"):
        special_treatment(panel)
