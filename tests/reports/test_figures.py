import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_lightning.reports import figures
from alpha_lightning.reports.study_folder import StudyFolder, read_study
from alpha_lightning.reports.styles import ScoreStyle, score_styles, short

NAMES = ["gru", "a score with a very long name", "reversal"]


@pytest.fixture
def styles() -> tuple[ScoreStyle, ...]:
    return score_styles(NAMES, ["reversal"])


@pytest.fixture
def paper(paper_study: Path) -> StudyFolder:
    return read_study(paper_study)


def all_styles(study: StudyFolder) -> tuple[ScoreStyle, ...]:
    return score_styles(study.scores, study.baselines, study.integrations)


def renamed(study: Path, name: str) -> Any:
    """A table of the study with three scores: two copies of the first, one of the second."""
    table = pd.read_csv(study / "evaluation" / "tables" / f"{name}.csv", dtype={"horizon": str})
    one, other = dict.fromkeys(table["score"])
    parts = [table[table["score"] == source].copy() for source in (one, one, other)]
    for part, score in zip(parts, NAMES, strict=True):
        part["score"] = score
    return pd.concat(parts)


def test_a_measure_has_a_panel_for_each_horizon(paper: StudyFolder) -> None:
    table, styles = paper.tables["fig06_rank_ic"], all_styles(paper)
    assert figures.horizons_of(table, "rank_ic") == ["5", "10", "20", "5g", "10g", "20g"]
    svg = figures.measure_bars("fig-6", table, styles, "rank_ic")
    for title in ("5 days", "10 days", "20 days", "5 days, gap", "10 days, gap", "20 days, gap"):
        assert f">{title}<" in svg
    assert ">transformer<" in svg
    assert ">RNNv0<" not in svg
    assert svg.count("var(--series-1)") == 6


def test_the_paper_s_numbers_are_diamonds_where_it_prints_them(paper: StudyFolder) -> None:
    table, styles = paper.tables["fig07_ic_ir"], all_styles(paper)
    plain = figures.measure_bars("fig-7", table, styles, "ic_ir")
    twin = paper.tables["paper_fig07_ic_ir"]

    def marks(svg: str) -> int:
        return svg.count("<use") - plain.count("<use")

    assert marks(figures.measure_bars("fig-7", table, styles, "ic_ir", twin)) == 6 * 5
    # A row that the print lost has none.
    assert marks(figures.measure_bars("fig-7", table, styles, "ic_ir", twin.iloc[:2])) == 6 * 2


def test_running_sums_have_a_panel_and_a_legend_for_each_part(
    study: Path, styles: tuple[ScoreStyle, ...]
) -> None:
    table = renamed(study, "rank_ic_by_date")
    whole = figures.cumulative_rank_ic(table, [styles], "10g")
    parted = figures.cumulative_rank_ic(table, [styles[:1], styles[1:]], "10g")
    for text in (">gru<", ">a score with a ve…<", ">reversal<", "2022"):
        assert text in whole
        assert text in parted
    heights = [int(re.findall(r'viewBox="0 0 \d+ (\d+)', svg)[0]) for svg in (whole, parted)]
    assert heights[1] > 1.5 * heights[0]


def test_years_have_a_panel_for_each_score(study: Path, styles: tuple[ScoreStyle, ...]) -> None:
    svg = figures.rank_ic_by_year(renamed(study, "rank_ic_by_year"), styles, "10g")
    for text in (">gru<", f">{short(NAMES[1], 12)}<", ">reversal<", "2022"):
        assert text in svg


def test_many_years_are_short(paper: StudyFolder) -> None:
    svg = figures.rank_ic_by_year(paper.tables["rank_ic_by_year"], all_styles(paper), "10g")
    assert ">’17<" in svg
    assert ">RCTv1<" in svg
    assert "<pattern" in svg


def test_decay_and_autocorrelation_name_every_score(paper: StudyFolder) -> None:
    styles = all_styles(paper)
    for svg in (
        figures.decay_lines(paper.tables["decay"], styles),
        figures.autocorrelation_lines(paper.tables["autocorrelation"], styles),
    ):
        assert all(f">{style.name}<" in svg for style in styles)
        assert "2.5<" not in svg


def test_few_lines_have_bands(paper: StudyFolder) -> None:
    decay, styles = paper.tables["decay"], all_styles(paper)
    few = decay[decay["score"].isin(["gru", "RCTv1"])]
    assert figures.decay_lines(few, styles).count('<g id="decay-FillBetween') == 2
    assert "decay-FillBetween" not in figures.decay_lines(decay, styles)


def test_every_subset_of_the_data_sets_has_a_bar(study_of_data_sets: Path) -> None:
    value = read_study(study_of_data_sets).tables["dataset_value"]
    svg = figures.dataset_value_bars(value, "v1", "10g")
    places = [svg.index(f">{name}<") for name in ("rawbar", "l2chars", "rawbar + l2chars")]
    assert len(places) == 3
    # All of them in colour, the others grey.
    assert svg.count("var(--series-0)") == 1
