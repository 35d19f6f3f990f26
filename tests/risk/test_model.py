"""A model opened for reading: what it says of a date, and what is no model."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.model import RiskModel
from alpha_lightning.risk.settings import STYLES
from tests.risk.model_market import ROWS, built, small_market

ROW = 100


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(small_market(), tmp_path_factory.mktemp("model")).path


@pytest.fixture
def path(shared: Path, tmp_path: Path) -> Path:
    """A copy, to be spoilt."""
    return Path(shutil.copytree(shared, tmp_path / "risk"))


def change(path: Path, name: str, place: Any, value: float) -> None:
    array = np.load(path / f"{name}.npy")
    array[place] = value
    np.save(path / f"{name}.npy", array)


def test_a_date_is_told_in_its_factors(shared: Path) -> None:
    model = RiskModel.open(shared)
    risk = model.at(ROW)
    assert risk is not None
    assert model.styles == STYLES == model.factors[:10]
    assert model.industries == ("I0", "I1", "I2", "I3", "unknown industry")
    assert model.factors[-1] == "market"
    codes, covered = model.industry(ROW), model.covered(ROW)
    assert set(codes[covered]) == set(range(5))
    assert risk.exposures.shape == (40, 16)
    for stock in np.flatnonzero(covered):
        own = risk.exposures[stock]
        assert np.array_equal(own[:10], model.exposures[ROW, stock].astype(float))
        assert np.flatnonzero(own[10:15]).tolist() == [codes[stock]]
        assert (own[10 + codes[stock]], own[-1]) == (1.0, 1.0)
    assert np.isnan(risk.exposures[~covered]).all()
    assert np.isnan(model.exposures[ROW][~covered]).all()
    weights = np.where(covered, 1 / covered.sum(), 0.0)
    active = np.nan_to_num(risk.exposures).T @ weights
    by_hand = active @ risk.covariance @ active + weights**2 @ np.nan_to_num(risk.specific)
    assert risk.variance(weights) == pytest.approx(by_hand, rel=1e-12)
    assert 0.03 < np.sqrt(by_hand) < 0.6


def test_what_it_is(shared: Path) -> None:
    model = RiskModel.open(shared)
    assert repr(model) == f"RiskModel({shared}: 16 factors, 2015-01-01 to {model.dates[-1]})"
    assert len(model.dates) == ROWS
    assert any(text.startswith("The industry of some stocks") for text in model.warnings)
    again = RiskModel(shared)
    assert np.array_equal(again.rows, model.rows)


def test_before_it_begins_there_is_none(shared: Path) -> None:
    model = RiskModel.open(shared)
    assert model.at(0) is None
    assert model.at(int(model.rows[0]) - 1) is None
    assert model.at(int(model.rows[0])) is not None


def test_another_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"is not a risk model \(no risk.json\): name the"):
        RiskModel.open(tmp_path)
    with pytest.raises(ArtefactError, match="is not a risk model"):
        RiskModel.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("risk.json", "is damaged"),
        ("exposures.npy", "missing or damaged"),
        ("covariance.npy", "missing or damaged"),
    ],
)
@pytest.mark.parametrize("left", [0, 100])
def test_a_damaged_file_is_named(path: Path, name: str, what: str, left: int) -> None:
    file = path / name
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(ArtefactError, match=f"{name} .*{what}.*: estimate it again"):
        RiskModel.open(path)


def test_a_missing_array_is_named(path: Path) -> None:
    (path / "fits.npy").unlink()
    with pytest.raises(ArtefactError, match=r"fits.npy is missing or damaged"):
        RiskModel.open(path)


@pytest.mark.parametrize("spoilt", [np.zeros((ROWS, 40), "f4"), np.zeros((ROWS, 39), "i2")])
def test_an_array_of_another_model_is_named(path: Path, spoilt: Any) -> None:
    np.save(path / "industry.npy", spoilt)
    with pytest.raises(ArtefactError, match=r"industry.npy holds .*, not \(140, 40\): estimate"):
        RiskModel.open(path)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("format_version", 9, "has risk format 9, this version reads 1: estimate it again"),
        ("factors", None, "is damaged .no 'factors'.: estimate it again"),
    ],
)
def test_a_description_of_another_version(path: Path, key: str, value: Any, told: str) -> None:
    about = json.loads((path / "risk.json").read_text())
    about.pop(key)
    about |= {} if value is None else {key: value}
    (path / "risk.json").write_text(json.dumps(about))
    with pytest.raises(ArtefactError, match=told):
        RiskModel.open(path)
    (path / "risk.json").write_text("[]")
    with pytest.raises(ArtefactError, match="no JSON object"):
        RiskModel.open(path)


@pytest.mark.parametrize(
    ("key", "spoil"),
    [
        ("dates", lambda dates: ["soon", *dates[1:]]),
        ("dates", lambda dates: [None, *dates[1:]]),
        ("dates", lambda dates: dates[::-1]),
        ("symbols", lambda _: None),
        ("symbols", lambda symbols: [1, *symbols[1:]]),
        ("kinds", lambda kinds: kinds[:-1]),
        ("kinds", lambda kinds: ["moon", *kinds[1:]]),
        ("kinds", lambda kinds: kinds[::-1]),
        ("factors", lambda factors: factors[::-1]),
        ("factors", lambda _: 16),
        ("digests", lambda digests: digests[:-1]),
        ("settings", lambda _: []),
        ("warnings", lambda _: "none"),
    ],
)
def test_a_description_that_contradicts_itself(path: Path, key: str, spoil: Any) -> None:
    about = json.loads((path / "risk.json").read_text())
    (path / "risk.json").write_text(json.dumps(about | {key: spoil(about[key])}))
    with pytest.raises(
        ArtefactError, match=rf"risk.json is damaged \(.*{key}.*: estimate it"
    ) as told:
        RiskModel.open(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "place", "value", "told"),
    [
        ("covariance", (ROW, 0, 0), -1.0, "not positive semidefinite"),
        ("covariance", (ROW, 0, 1), 1.0, "not finite and symmetric"),
        ("covariance", (ROW, 2, 2), np.inf, "not finite and symmetric"),
        ("exposures", (ROW, 20, 3), np.nan, "exposures of S020 on .* are not finite"),
        ("exposures", (ROW, 20, 3), np.inf, "exposures of S020 on .* are not finite"),
        ("specific_variance", (ROW, 20), -0.1, "negative or infinite"),
        ("specific_variance", (ROW, 20), np.inf, "negative or infinite"),
    ],
)
def test_a_date_that_is_no_risk(path: Path, name: str, place: Any, value: float, told: str) -> None:
    date = RiskModel.open(path).dates[ROW]
    change(path, name, place, value)
    model = RiskModel.open(path)
    with pytest.raises(ArtefactError, match=told) as refused:
        model.at(ROW)
    assert f"{name}.npy" in str(refused.value)
    assert f"on {date}" in str(refused.value)
    assert str(refused.value).endswith("estimate it again (risk --overwrite true)")
    assert model.at(ROW + 1) is not None


def test_a_model_of_another_panel_is_refused(shared: Path, tmp_path: Path) -> None:
    model, own = RiskModel.open(shared), small_market().write(tmp_path / "own")
    model.refuse_strangers(own)
    longer = small_market().with_newcomer(17, 120).write(tmp_path / "longer")
    with pytest.raises(ArtefactError, match=r"run `risk --panel .*longer --out .*`, which adds"):
        model.refuse_strangers(longer)
    about = json.loads((own.path / "panel.json").read_text())
    (own.path / "panel.json").write_text(json.dumps(about | {"fingerprint": "another"}))
    with pytest.raises(ArtefactError, match="was not estimated on"):
        model.refuse_strangers(Panel.open(own.path))
