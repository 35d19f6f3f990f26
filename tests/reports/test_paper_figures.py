from pathlib import Path

import pytest

from alpha_lightning.reports.paper_figures import answer_rows, group_rows, paper_figures
from alpha_lightning.reports.study_folder import StudyFolder, read_study
from alpha_lightning.reports.styles import score_styles
from alpha_lightning.reports.tables import number


@pytest.fixture
def paper(paper_study: Path) -> StudyFolder:
    return read_study(paper_study)


def test_all_ten_figures_have_their_number_and_the_paper_beside(paper: StudyFolder) -> None:
    styles = score_styles(paper.scores, paper.baselines, paper.integrations)
    found = paper_figures(paper.tables, styles)
    assert list(found) == list(range(6, 16))
    for place, figure in found.items():
        assert figure.name == f"fig-{place}"
        assert figure.table.startswith(f"fig{place:02d}_")
        assert figure.twin == f"paper_{figure.table}"
    models = ["gru", "agru", "lstm", "restcn", "transformer"]
    assert [name for name, _ in found[6].rows] == models
    assert [name for name, _ in found[12].rows] == ["RNNv0", "RNNv1", "RCTv0", "RCTv1"]
    first = found[6].rows[0][1][0]
    row = paper.tables["fig06_rank_ic"].iloc[0]
    assert first.value == number(row["rank_ic_5_pct"])
    assert first.error == number(row["rank_ic_5_se_pct"])
    assert first.paper == "14.5"
    assert found[7].rows[3][1][2].paper == "1.80"
    assert found[9].title == "Groups of the models since 2020-01-01"
    assert [cell.paper for cell in found[10].heat[0][1]] == ["86.3", "82.1", "80.5", "78.4", "78.0"]
    assert found[11].svg == ""


def test_groups_stand_from_top_to_bottom(paper: StudyFolder) -> None:
    styles = score_styles(paper.scores, paper.baselines, paper.integrations)
    table, twin = paper.tables["fig08_groups"], paper.tables["paper_fig08_groups"]
    columns, rows = group_rows(table, styles, twin)
    assert columns == ["gru", "agru", "lstm", "restcn", "transformer"]
    assert [name for name, _ in rows][:3] == ["turnover", "1 top", "2"]
    assert rows[-1][0] == "20 bottom"
    assert rows[0][1][0].paper == "0.58"
    assert [cell.paper for cell in rows[1][1]] == ["43.9", "43.3", "", "43.0", "42.2"]
    assert rows[20][1][4].value == number(table.iloc[4]["g20_pct"])


def test_figures_without_a_table_are_not_there(paper: StudyFolder) -> None:
    styles = score_styles(paper.scores, paper.baselines, paper.integrations)
    kept = {"fig08_groups": paper.groups}
    found = paper_figures(kept, styles)
    # Of several periods in an old table the first is the figure.
    assert list(found) == [8]
    assert found[8].title.endswith("2017-01-03")
    assert found[8].twin == ""
    assert found[8].rows[1][1][0].paper == ""
    assert paper_figures({}, styles) == {}


def test_the_answer_is_rank_ic_and_the_top_group(paper: StudyFolder) -> None:
    summary, groups = paper.tables["rank_ic_summary"], paper.groups
    rows = dict(answer_rows(summary, groups, ["RCTv1", "gru"], ["5", "10g"]))
    own = summary[(summary["score"] == "gru") & (summary["horizon"] == "10g")].iloc[0]
    top = groups[(groups["score"] == "gru") & (groups["since"] == "2017-01-03")].iloc[0]
    assert list(rows) == ["RCTv1", "gru"]
    assert [cell.value for cell in rows["gru"]][1:] == [
        number(own["mean_pct"]),
        number(top["g01_pct"]),
        number(top["turnover"], 2),
    ]
    lone = answer_rows(summary, groups[groups["score"] == "gru"], ["RCTv1"], ["5"])
    assert [cell.value for cell in lone[0][1]][1:] == ["–", "–"]
