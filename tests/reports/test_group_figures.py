import warnings
from pathlib import Path

import pytest

from alpha_lightning.reports.group_figures import group_bars, group_values
from alpha_lightning.reports.study_folder import StudyFolder, read_study
from alpha_lightning.reports.styles import ScoreStyle, score_styles

GROUPS = [f"g{place:02d}_pct" for place in range(1, 21)]


@pytest.fixture
def paper(paper_study: Path) -> StudyFolder:
    return read_study(paper_study)


@pytest.fixture
def styles(paper: StudyFolder) -> tuple[ScoreStyle, ...]:
    return score_styles(paper.scores, paper.baselines, paper.integrations)


def test_groups_have_a_panel_for_each_score_of_the_first_period(
    paper: StudyFolder, styles: tuple[ScoreStyle, ...]
) -> None:
    svg = group_bars("groups", paper.groups, styles)
    shown = paper.groups[paper.groups["since"] == "2017-01-03"]
    values = shown[GROUPS].to_numpy()
    assert values.shape == (11, 20)
    assert svg.count("var(--good)") == (values >= 0).sum()
    assert svg.count("var(--bad)") == (values < 0).sum()
    assert all(f">{style.name}<" in svg for style in styles)


def test_a_single_score_and_the_paper_s_groups(
    paper: StudyFolder, styles: tuple[ScoreStyle, ...]
) -> None:
    table, twin = paper.tables["fig08_groups"], paper.tables["paper_fig08_groups"]
    plain = group_bars("fig-8", table, styles)
    marked = group_bars("fig-8", table, styles, twin)
    # The paper printed GRU's column twice, so LSTM has none.
    assert set(twin.dropna()["score"]) == {"gru", "agru", "restcn", "transformer"}
    assert marked.count("<use") - plain.count("<use") == 4 * 20
    assert ">gru<" in group_bars("fig-8", table[table["score"] == "gru"], styles)


def test_values_have_a_legend_for_each_panel(
    paper: StudyFolder, styles: tuple[ScoreStyle, ...]
) -> None:
    svg = group_values(paper.tables["group_nav"], [styles[:5], styles[5:]])
    assert all(f">{style.name}<" in svg for style in styles)
    assert "log scale" in svg


def test_a_hidden_or_endless_name_is_in_the_legend_and_leaves_room(
    paper: StudyFolder,
) -> None:
    names = {"gru": "_gru", "agru": "a" * 90}
    nav = paper.tables["group_nav"].replace({"score": names})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = group_values(nav, [score_styles(list(names.values()), [])])
    assert "_gru<" in svg
    assert f">{'a' * 17}…<" in svg
