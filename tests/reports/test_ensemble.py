from pathlib import Path

import pandas as pd
import pytest

from alpha_lightning.reports.ensemble import (
    ensemble_lines,
    ensemble_rows,
    optimal_rows,
    runs_at,
)
from alpha_lightning.reports.study_folder import StudyFolder, read_study
from alpha_lightning.reports.styles import score_styles
from alpha_lightning.reports.tables import number


@pytest.fixture
def paper(paper_study: Path) -> StudyFolder:
    return read_study(paper_study)


def test_every_number_of_runs_has_a_point_and_the_identity_a_line(paper: StudyFolder) -> None:
    runs = runs_at(paper.tables["ensemble"], "10g")
    styles = score_styles(paper.scores, paper.baselines, paper.integrations)
    svg = ensemble_lines(runs, styles)
    assert svg.count("<use") >= 10 * 7
    for name in ("gru", "RCTv0", "runs averaged"):
        assert f">{name}<" in svg
    assert ">RCTv1<" not in svg
    few = ensemble_lines(runs[runs["count"] < 3], styles[:1])
    assert ">1<" in few
    assert ">2<" in few


def test_a_model_is_shown_with_all_its_runs(paper: StudyFolder) -> None:
    table = paper.tables["ensemble"]
    rows = dict(ensemble_rows(table, "runs", "10g"))
    assert list(rows) == ["gru", "agru", "lstm", "restcn", "transformer", "RNNv0", "RCTv0"]
    last = table[(table["score"] == "gru") & (table["count"] == 10)].iloc[0]
    cells = rows["gru"]
    assert cells[0].value == "10"
    assert cells[1].value == number(last["single_pct"], 2)
    assert cells[3].value == number(last["predicted_pct"], 2)
    assert (cells[4].value, cells[4].error) == (number(last["measured_pct"], 2), "0.70")
    assert cells[5].error == "0.02"
    assert [name for name, _ in ensemble_rows(table, "models", "10g")] == ["RNNv1", "RCTv1"]
    assert ensemble_rows(table, "models", "5") == []
    old = table.drop(columns="difference_se_pct")
    assert dict(ensemble_rows(old, "runs", "10g"))["gru"][5].error == ""


def test_optimal_weights_say_what_they_predict() -> None:
    table = pd.DataFrame(
        [("v1", "a", 0.75, 10.0, 11.0, 11.5), ("v1", "b", 0.25, 8.0, 11.0, 11.5)],
        columns=[
            *("score", "member", "weight", "ic_pct"),
            *("predicted_equal_pct", "predicted_optimal_pct"),
        ],
    )
    ((title, rows),) = optimal_rows(table)
    assert title == "v1: predicted 11.00 at equal weights, 11.50 at these"
    assert [(name, [cell.value for cell in cells]) for name, cells in rows] == [
        ("a", ["0.750", "10.00"]),
        ("b", ["0.250", "8.00"]),
    ]
