from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_lightning.reports import figures
from alpha_lightning.reports.figures import ScoreStyle, score_styles
from alpha_lightning.reports.study_folder import read_study
from alpha_lightning.reports.svg import SERIES, theme

NAMES = ["gru", "a score with a very long name", "reversal"]


@pytest.fixture
def styles() -> tuple[ScoreStyle, ...]:
    return score_styles(NAMES, ["reversal"])


def renamed(study: Path, name: str) -> Any:
    """A table of the study with three scores: two copies of the first, one of the second."""
    table = pd.read_csv(study / "evaluation" / "tables" / f"{name}.csv", dtype={"horizon": str})
    one, other = dict.fromkeys(table["score"])
    parts = [table[table["score"] == source].copy() for source in (one, one, other)]
    for part, score in zip(parts, NAMES, strict=True):
        part["score"] = score
    return pd.concat(parts)


def test_models_have_colours_and_baselines_are_grey() -> None:
    names = [f"m{k}" for k in range(SERIES + 1)] + ["b0", "b1"]
    styles = score_styles(names, ["b0", "b1"])
    lines = {(style.colour, style.dash) for style in styles}
    assert len(lines) == len(names)
    assert len({style.colour for style in styles[:SERIES]}) == SERIES
    assert {style.colour for style in styles[-2:]} == {theme("muted")}


def test_rank_ic_has_a_panel_for_each_horizon(study: Path, styles: tuple[ScoreStyle, ...]) -> None:
    svg = figures.rank_ic_bars(renamed(study, "rank_ic_summary"), styles)
    for title in ("5 days", "10 days", "20 days", "5 days, gap", "10 days, gap", "20 days, gap"):
        assert f">{title}<" in svg
    assert ">a score with…<" in svg
    assert svg.count("var(--series-1)") == 6


def test_running_sums_and_values_have_a_legend(study: Path, styles: tuple[ScoreStyle, ...]) -> None:
    for svg in (
        figures.cumulative_rank_ic(renamed(study, "rank_ic_by_date"), styles, "10g"),
        figures.group_values(renamed(study, "group_nav"), styles),
        figures.rank_ic_by_year(renamed(study, "rank_ic_by_year"), styles, "10g"),
    ):
        for text in (">gru<", ">a score with a ve…<", ">reversal<", "2022"):
            assert text in svg


def test_groups_have_a_panel_for_each_score(study: Path, styles: tuple[ScoreStyle, ...]) -> None:
    groups = renamed(study, "fig08_groups")
    svg = figures.group_bars(groups, styles)
    shown = groups[groups["since"] == groups["since"].iloc[0]]
    values = shown[[f"g{place:02d}_pct" for place in range(1, 21)]].to_numpy()
    assert values.shape == (3, 20)
    assert svg.count("var(--good)") == (values >= 0).sum()
    assert svg.count("var(--bad)") == (values < 0).sum()
    many = score_styles([*NAMES, *NAMES], ["reversal"])
    assert len(figures.group_bars(groups, many)) > len(svg)
    assert "viewBox" in figures.group_bars(groups, styles[:1])


def test_every_subset_of_the_data_sets_has_a_bar(study_of_data_sets: Path) -> None:
    value = read_study(study_of_data_sets).tables["dataset_value"]
    svg = figures.dataset_value_bars(value, "v1", "10g")
    places = [svg.index(f">{name}<") for name in ("rawbar", "l2chars", "rawbar + l2chars")]
    assert len(places) == 3
    # All of them in colour, the others grey.
    assert svg.count("var(--series-0)") == 1
