"""Industries, fundamentals, index weights and levels of a panel."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.side_arrays import (
    fundamental,
    fundamentals,
    index_levels,
    index_weights,
    industry_codes,
    weighted_indices,
)
from alpha_lightning.panel.store import Panel


@pytest.fixture(scope="module")
def panel(panel_path: Path) -> Panel:
    return Panel.open(panel_path)


@pytest.fixture
def own(panel_path: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return shutil.copytree(panel_path, tmp_path / "own")


def test_industries_have_a_code_and_a_name(panel: Panel) -> None:
    found = industry_codes(panel)
    assert found is not None
    codes, names = found
    assert codes.shape == (len(panel.dates), len(panel.symbols))
    assert len(names) == 5
    assert set(np.unique(codes[panel.listed])) == set(range(5))


def test_a_panel_without_industries(own: Path) -> None:
    about = json.loads((own / "panel.json").read_text())
    about["industries"] = []
    (own / "panel.json").write_text(json.dumps(about))
    assert industry_codes(Panel.open(own)) is None


def test_weights_of_indices(panel: Panel) -> None:
    assert set(weighted_indices(panel)) == {"000300", "000905", "000985"}
    weights = index_weights(panel, "000300")
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(weights > 0, panel.members("000300"))


def test_an_index_without_weights(panel: Panel, own: Path) -> None:
    with pytest.raises(PanelError, match="no weights of index 'moon'; it has weights of 000300"):
        index_weights(panel, "moon")
    for file in (own / "weights").glob("*.npy"):
        file.unlink()
    with pytest.raises(PanelError, match="it has weights of none: ingest index_members with"):
        index_weights(Panel.open(own), "000300")


def test_levels_of_indices(panel: Panel) -> None:
    level = index_levels(panel, "000905")
    assert level.shape == (len(panel.dates),)
    assert (level > 0).all()
    with pytest.raises(PanelError, match=r"no level of index 'moon'; it has .*: ingest index_lev"):
        index_levels(panel, "moon")


def test_fundamentals_that_are_not_there(panel: Panel) -> None:
    assert fundamentals(panel) == ()
    with pytest.raises(PanelError, match="no fundamental 'sales_ttm'; it has none: ingest fund"):
        fundamental(panel, "sales_ttm")


def test_fundamentals_that_are(own: Path) -> None:
    shape = (len(Panel.open(own).dates), len(Panel.open(own).symbols))
    (own / "fundamentals").mkdir()
    np.save(own / "fundamentals" / "sales_ttm.npy", np.full(shape, 2.0))
    about = json.loads((own / "panel.json").read_text())
    (own / "panel.json").write_text(json.dumps(about | {"fundamentals": ["sales_ttm"]}))
    panel = Panel.open(own)
    assert fundamentals(panel) == ("sales_ttm",)
    assert (fundamental(panel, "sales_ttm") == 2).all()


def test_a_damaged_array(own: Path) -> None:
    (own / "weights" / "000300.npy").write_bytes(b"not an array")
    with pytest.raises(ArtefactError, match=r"weights/000300.npy is missing or damaged .* again"):
        index_weights(Panel.open(own), "000300")
