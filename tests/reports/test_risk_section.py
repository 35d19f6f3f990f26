from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.reports.enhanced_folder import read_enhanced
from alpha_lightning.reports.risk_folder import RiskFolder, study_risk
from alpha_lightning.reports.risk_section import (
    RiskSection,
    fit_text,
    risk_section,
    risk_sentences,
)
from tests.reports.enhanced_folder_numbers import INDUSTRIES, Enhanced, write_enhanced


@pytest.fixture
def folder(tmp_path: Path) -> RiskFolder:
    made = Enhanced(indices=("000300",), floors=(0.0,), years=(2021, 2022))
    found = study_risk(tmp_path, {}, read_enhanced(write_enhanced(tmp_path, made)))
    assert found is not None
    return found


def section_of(folder: RiskFolder) -> RiskSection:
    section = risk_section(folder)
    assert section is not None
    return section


def test_no_model_no_section() -> None:
    assert risk_section(None) is None


def test_the_section_tells_of_fit_factors_and_forecasts(folder: RiskFolder) -> None:
    section = section_of(folder)
    assert section.warnings[0].startswith("soe is dropped")
    for drawn in (section.fit_lines, section.paths, section.marks):
        assert drawn.startswith("<svg")
    assert [name for name, _ in section.factors][-1] == "market"
    assert [name for name, _ in section.industries] == list(INDUSTRIES)
    assert len(section.factor_header) == 1 + len(section.factors[0][1])
    assert len(section.bias_header) == len(section.bias[0])
    assert [row[0] for row in section.bias][-1] == "CSI300 free relative"
    assert section.years[0] == ["2021", "2022"]
    # Of the industries there are 29: their lines would hide the styles'.
    assert "steel" not in section.paths


def test_the_source_s_fit_is_told_as_its_own(folder: RiskFolder) -> None:
    own = folder.tables["risk_r_squared"].assign(adjusted_r_squared_pct=[25.0, np.nan] * 8)
    told = fit_text(own)
    assert told.startswith("Mean adjusted R² here: 25.0 %. The source reports 21.4 %")
    assert "35.4 % within CSI300 and 18.6 % within CSI500, of its own data and years" in told


def test_a_model_alone_tells_of_itself() -> None:
    section = section_of(RiskFolder({}))
    assert section.fit == section.fit_lines == section.paths == section.marks == ""
    assert section.bias == section.factors == []
    assert section.years == ([], [])


def test_words_follow_the_settings() -> None:
    settings = {"kind": "simple", "regression": "wls", "horizon": 5}
    about: dict[str, Any] = {"settings": settings, "factors": ["size", "cubic_size", "market"]}
    about["kinds"] = ["style", "style", "market"]
    told = " ".join(risk_sentences(RiskFolder(about)))
    assert "Model simple: 2 styles (size, cubic size), 0 industries and the market" in told
    assert "by least squares" in told
    assert "skewed" not in told
    assert "next 5 trading days" in told
    assert "Newey-West" in told
    about |= {"factors": ["size", "bank"], "kinds": ["style", "industry"], "settings": {}}
    told = " ".join(risk_sentences(RiskFolder(about)))
    assert "1 style (size), 1 industry and" in told
    assert "where returns are skewed" in told
    assert "GARCH" in told


def test_numbers_that_are_unknown_draw_nothing(folder: RiskFolder) -> None:
    tables = dict(folder.tables)
    tables["risk_r_squared"] = tables["risk_r_squared"].assign(
        r_squared_pct=np.nan, adjusted_r_squared_pct=np.nan
    )
    tables["risk_bias"] = tables["risk_bias"].assign(forecast_pct=np.nan)
    tables["risk_volatility"] = tables["risk_volatility"].head(0)
    section = section_of(RiskFolder(folder.about, tables))
    assert section.fit_lines == section.marks == ""
    assert section.fit.startswith("Mean adjusted R² here: –")
    assert len(section.bias) == 4
    assert section.years == ([], [])
