import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.reports import enhanced_figures as figures
from alpha_lightning.reports.enhanced_folder import EnhancedFolder, read_enhanced
from tests.reports.enhanced_folder_numbers import (
    INDUSTRIES,
    STYLES,
    Enhanced,
    write_enhanced,
)


@pytest.fixture
def folder(tmp_path: Path) -> EnhancedFolder:
    made = Enhanced(scores=("a", "b"), years=(2021, 2022))
    found = read_enhanced(write_enhanced(tmp_path, made))
    assert found is not None
    return found


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>(.*?)</text>", svg)


def test_kinds_have_a_colour_and_scores_a_dash(folder: EnhancedFolder) -> None:
    styles = figures.enhanced_styles(folder)
    assert len(styles) == 8
    assert styles["a", "000300", 0.0].colour == styles["b", "000300", 0.0].colour
    assert styles["a", "000300", 0.0].dash != styles["b", "000300", 0.0].dash
    assert len({style.colour for style in styles.values()}) == 4
    assert styles["b", "000905", 0.8].name == "CSI500 80 % of b"


def test_tracking_errors_are_drawn_for_each_portfolio(folder: EnhancedFolder) -> None:
    own = folder.part("tracking_error", folder.figures[0])
    assert own is not None
    svg = figures.tracking_lines({"one": own, "two": own, "three": own}, {"one": 4.0})
    told = texts(svg)
    assert {"one", "two", "three", "ex ante", "ex post", "limit"} <= set(told)
    assert svg == figures.tracking_lines({"one": own, "two": own, "three": own}, {"one": 4.0})
    # The panels share an axis that holds the last as well as the first.
    higher = own.assign(ex_post_te_pct=own["ex_post_te_pct"] + 20)
    assert "20" in texts(figures.tracking_lines({"one": own, "two": higher}, {}))
    unknown = own.assign(ex_ante_te_pct=np.nan, ex_post_te_pct=np.nan)
    assert "limit" not in texts(figures.tracking_lines({"one": unknown}, {"one": np.nan}))


@pytest.mark.parametrize("limit", [0.5, None])
def test_exposures_are_drawn_for_each_style(folder: EnhancedFolder, limit: float | None) -> None:
    own = folder.part("active_exposures", folder.figures[0])
    svg = figures.style_lines("styles", own, STYLES, limit)
    assert {*STYLES, "index", "portfolio"} <= set(texts(svg))
    assert len(svg) < 160_000
    assert "one" not in texts(figures.style_lines("one", own, STYLES[:1], limit))


@pytest.mark.parametrize("limit", [0.02, None])
def test_industries_are_drawn_on_one_date(folder: EnhancedFolder, limit: float | None) -> None:
    own = folder.part("active_exposures", folder.figures[0])
    assert own is not None
    end = own[own["date"] == own["date"].max()]
    told = texts(figures.industry_bars("industries", end, INDUSTRIES, limit))
    assert {"bank", "food &amp; drink", "weight, %"} <= set(told)


def test_a_long_table_keeps_its_ends() -> None:
    table = pd.DataFrame({"date": np.arange(1000)})
    kept = figures.thinned(table)
    assert len(kept) == 120
    assert (kept["date"].iloc[0], kept["date"].iloc[-1]) == (0, 999)
    assert figures.thinned(table.head(7)).equals(table.head(7))
