from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.reports.diagrams import Flow
from alpha_lightning.reports.framework import framework, parts_of
from alpha_lightning.reports.study_folder import read_study


def words(flow: Flow) -> list[str]:
    return [f"{box.title} {box.detail}".strip() for row in flow.rows for box in row]


@pytest.fixture
def scores(paper_study: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_study(paper_study).about["scores"]
    return found


def test_the_parts_are_read_off_the_scores(scores: list[dict[str, Any]]) -> None:
    parts = parts_of(scores)
    assert parts.datasets == ("rawbar", "mschars", "l2chars")
    assert parts.proxies == ("l2chars",)
    assert parts.units == ("gru", "agru", "lstm", "restcn", "transformer")
    assert parts.integrations["RNNv1"] == ("gru", "agru", "lstm")
    assert (len(parts.seeds), parts.vintages[0], parts.vintages[-1]) == (10, 2017, 2022)
    # PAPER: 5 models, 3 data sets, 10 runs, 6 vintages.
    assert parts.networks == 900


def test_the_framework_names_everything(scores: list[dict[str, Any]]) -> None:
    text = words(framework(parts_of(scores), {"rawbar": 6, "l2chars": 95}, 30))
    assert "rawbar 6 features a day" in text
    assert "mschars" in text
    assert "l2chars 95 features a day (proxy)" in text
    assert "RNNv0 one LightGBM on the factors of gru agru lstm" in text
    assert "RCTv1 equal mean of all models" in text
    assert any("10 runs × 6 vintages = 900 networks" in line for line in text)
    assert any(line.startswith("30 factors of each unit") for line in text)


def test_the_window_and_the_weighting_are_the_study_s(scores: list[dict[str, Any]]) -> None:
    text = words(framework(parts_of(scores), {}, 30, 40))
    assert any(line.startswith("windows of 40 days ") for line in text)
    assert any(line.startswith("LightGBM, a model and run at a time") for line in text)
    for score in scores:
        score["metadata"]["weighting"] = "linear"
    text = words(framework(parts_of(scores), {}, None))
    assert any(line.startswith("windows of days ") for line in text)
    assert any(line.startswith("linear model, a model and run at a time") for line in text)
    assert "RNNv0 one linear model on the factors of gru agru lstm" in text
    assert not any("LightGBM" in line for line in text)


def test_a_study_of_one_network_has_its_framework_too() -> None:
    metadata = {"units": ["gru"], "datasets": ["rawbar"], "seeds": [0], "vintages": [2024]}
    parts = parts_of([{"name": "gru", "baseline": False, "metadata": metadata}])
    text = words(framework(parts, {}, None))
    assert any("1 unit × 1 data set × 1 run × 1 vintage = 1 network" in line for line in text)
    assert any(line.startswith("Its factors of each unit") for line in text)
    nothing = words(framework(parts_of([]), {}, None))
    assert "units" in nothing
    metadata = {"units": ["gru", "lstm"]}
    parts = parts_of([{"name": "RNNopt", "baseline": False, "metadata": metadata}])
    assert "RNNopt weighted mean of all models" in words(framework(parts, {}, None))
