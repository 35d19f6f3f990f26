from pathlib import Path

import pytest

from alpha_lightning.reports import weighting_tables
from alpha_lightning.reports.study_folder import StudyFolder, read_study


@pytest.fixture
def paper(paper_study: Path) -> StudyFolder:
    return read_study(paper_study)


def test_weightings_are_compared_score_by_score(paper: StudyFolder) -> None:
    blocks = weighting_tables.weighting_blocks(paper.tables["weighting_value"], "10g")
    assert [title for title, _ in blocks] == ["gru", "RCTv0"]
    rows = dict(blocks[0][1])
    assert list(rows) == ["lightgbm", "linear", "equal"]
    assert (rows["linear"][2].value, rows["linear"][2].error) == ("−0.62", "0.20")
    assert rows["lightgbm"][2].value == "–", "it is held against itself"
    assert weighting_tables.weighting_blocks(paper.tables["weighting_value"], "5") == []


def test_the_gap_of_stacking_holds_what_was_promised(paper: StudyFolder) -> None:
    rows = dict(weighting_tables.gap_rows(paper.tables["stacking_gap"], "10g"))
    assert [cell.value for cell in rows["gru"]] == ["14.10", "13.20", "−0.90", "14.80", "31.40"]
    assert [cell.error for cell in rows["gru"]] == ["", "", "0.30", "", ""]


def test_importance_is_a_share_of_the_whole(paper: StudyFolder) -> None:
    table, factors = paper.tables["importance"], paper.tables["importance_factors"]
    first, second = weighting_tables.importances(table, factors, ["RCTv0"])
    assert (first.score, second.score) == ("RCTv0", "gru")
    assert first.datasets == ["rawbar", "mschars", "l2chars"]
    assert [unit for unit, _ in first.gain] == ["gru", "agru", "lstm", "restcn", "transformer"]
    assert sum(float(cells[-1].text) for _, cells in first.gain) == pytest.approx(100, abs=0.3)
    own = table[(table["score"] == "RCTv0") & (table["unit"] == "lstm")]
    assert float(first.gain[2][1][0].text) == pytest.approx(own["gain_pct"].iloc[0], abs=0.051)
    assert len(first.factors) == 20
    gains = [float(row[3]) for row in first.factors]
    assert gains == sorted(gains, reverse=True)
    assert first.months == "64"


def test_importance_without_factors_or_with_one_data_set(paper: StudyFolder) -> None:
    table = paper.tables["importance"]
    lone = table[(table["score"] == "gru") & (table["dataset"] == "rawbar")]
    (made,) = weighting_tables.importances(lone, None, ["gru"])
    assert [cell.text for cell in made.gain[0][1]] == ["100.0"]
    assert (made.factors, made.months) == ([], "")


def test_claims_that_were_not_measured_stand_apart(paper: StudyFolder) -> None:
    rows = weighting_tables.claim_rows(paper.tables["claims"])
    assert [row[1] for row in rows] == ["undecided", "holds", "does not hold"]
    assert {row[1] for row in rows} <= set(weighting_tables.VERDICTS)
    assert (rows[1][3].value, rows[1][3].error, rows[1][4]) == ("0.50", "0.10", "%")
    lost = weighting_tables.unmeasured_claims(paper.tables["claims"])
    assert lost == ["RCTv1 is better since 2020"]
    blank = paper.tables["claims"].tail(1).assign(verdict="undecided")
    assert weighting_tables.claim_rows(blank)[0][2:] == ("", ("–", "", ""), "")
