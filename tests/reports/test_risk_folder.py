import json
from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.reports.enhanced_folder import EnhancedFolder, read_enhanced
from alpha_lightning.reports.risk_folder import RiskFolder, study_risk
from tests.reports.enhanced_folder_numbers import STYLES, Enhanced, write_enhanced

ASKED = {"enhanced": {"indices": {"000300": 0.04}}}


@pytest.fixture
def enhanced(tmp_path: Path) -> EnhancedFolder | None:
    made = Enhanced(indices=("000300",), floors=(0.0,), years=(2022, 2022))
    return read_enhanced(write_enhanced(tmp_path, made))


def test_the_portfolios_tell_of_their_model(
    tmp_path: Path, enhanced: EnhancedFolder | None
) -> None:
    read = study_risk(tmp_path, ASKED, enhanced)
    assert read is not None
    assert sorted(read.tables) == [
        *("risk_bias", "risk_factor_paths", "risk_factor_returns", "risk_r_squared"),
        "risk_volatility",
    ]
    assert read.factors("style") == list(STYLES)
    assert read.factors("market") == ["market"]
    # What was dropped comes first, and no sentence twice.
    assert read.warnings == ["soe is dropped: the panel has no field state_share.", "2 thin."]


def test_what_the_model_tells_twice_is_shown_once_as_a_sentence() -> None:
    about = {
        "dropped": {"soe": "style soe is dropped: no state_share"},
        "notes": ["no sizes"],
        "warnings": ["Style soe is dropped: no state_share.", "No sizes.", "2 thin."],
    }
    assert RiskFolder(about).warnings == about["warnings"]


def test_without_portfolios_the_model_tells_of_itself(tmp_path: Path) -> None:
    assert study_risk(tmp_path, ASKED, None) is None
    (tmp_path / "risk").mkdir()
    file = tmp_path / "risk" / "risk.json"
    file.write_text(json.dumps({"settings": {}, "warnings": ["No industries."]}))
    read = study_risk(tmp_path, ASKED, None)
    assert read == RiskFolder({"settings": {}, "warnings": ["No industries."]})
    assert study_risk(tmp_path, {"enhanced": {"indices": {}}}, None) is None
    file.write_text("{")
    with pytest.raises(ArtefactError, match=r"risk\.json is damaged"):
        study_risk(tmp_path, ASKED, None)


def test_a_model_of_before_a_failure_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "risk").mkdir()
    (tmp_path / "risk" / "risk.json").write_text("{}")
    (tmp_path / "tasks" / "risk").mkdir(parents=True)
    assert study_risk(tmp_path, ASKED, None) is None


def test_portfolios_that_tell_of_no_model_have_none(
    tmp_path: Path, enhanced: EnhancedFolder | None
) -> None:
    assert enhanced is not None
    bare = EnhancedFolder(enhanced.path, {}, {}, ())
    assert study_risk(tmp_path, ASKED, bare) is None
