from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from alpha_lightning.reports import styles
from alpha_lightning.reports.styles import score_styles
from alpha_lightning.reports.svg import SERIES, theme


def test_models_have_colours_and_baselines_are_grey() -> None:
    names = [f"m{k}" for k in range(SERIES + 1)] + ["b0", "b1"]
    made = score_styles(names, ["b0", "b1"])
    assert len({(style.colour, style.dash) for style in made}) == len(names)
    assert len({style.colour for style in made[:SERIES]}) == SERIES
    assert {style.colour for style in made[-2:]} == {theme("muted")}


def test_integrations_of_the_paper_are_told_apart_without_colour() -> None:
    models = ["gru", "agru", "lstm", "restcn", "transformer"]
    joined = ["RNNv0", "RNNv1", "RNNopt", "RCTv0", "RCTv1"]
    made = {style.name: style for style in score_styles([*models, *joined], [], joined)}
    assert made["RNNv0"].colour == made["RNNv1"].colour == made["RNNopt"].colour
    assert len({style.colour for style in made.values()}) == 7
    assert len({made[name].hatch for name in joined[:3]}) == 3
    assert len({str(made[name].dash) for name in joined[:3]}) == 3
    assert made["RCTv1"].width > made["gru"].width
    alone = score_styles(["all models"], [], ["all models"])[0]
    assert (alone.hatch, alone.dash) == ("", "-")


def test_panels_hide_what_is_over_and_label_what_is_lowest() -> None:
    figure = Figure()
    shown = styles.panels(figure, 4, 3, sharex=True)
    assert len(shown) == 4
    assert [axes.get_visible() for axes in figure.axes] == [True] * 4 + [False] * 2
    below: list[Any] = [axes.xaxis.get_tick_params()["labelbottom"] for axes in shown]
    assert below == [False, True, True, True]
    assert len(styles.panels(Figure(), 1, 2)) == 1


def test_names_are_cut_and_unknown_errors_have_no_length() -> None:
    assert styles.short("transformer", 6) == "trans…"
    assert styles.short("gru", 6) == "gru"
    assert [styles.legend_name(name) for name in ("gru", "_gru", "x" * 19)] == [
        *("gru", " _gru", "x" * 17 + "…")
    ]
    assert styles.finite([1.0, np.nan, np.inf]).tolist() == [1.0, 0.0, 0.0]
    assert styles.legend_height(5) == 2 * styles.legend_height(4)


@pytest.mark.parametrize("names", [["b", "a"], ["a", "b", "c"]])
def test_styles_keep_their_own_order(names: list[str]) -> None:
    made = score_styles(["a", "b", "x"], [])
    assert [style.name for style in styles.of_names(made, names)] == ["a", "b"]
