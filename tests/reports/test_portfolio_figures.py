from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.reports.portfolio_figures import (
    absolute_value,
    capacity_lines,
    cost_lines,
    delay_lines,
    portfolio_styles,
    relative_value,
    turnover_lines,
    weekly_falls,
    weekly_rows,
)
from alpha_lightning.reports.portfolio_folder import PortfolioFolder, read_portfolios
from tests.reports.portfolio_folder_numbers import Portfolios, write_portfolios


@pytest.fixture
def folder(tmp_path: Path) -> PortfolioFolder:
    read = read_portfolios(write_portfolios(tmp_path, Portfolios(scores=("_v1", "gru"))))
    assert read is not None
    return read


def test_portfolios_differ_by_colour_and_dash(folder: PortfolioFolder) -> None:
    styles = portfolio_styles(folder.summary)
    assert len({(style.colour, style.dash) for style in styles.values()}) == 4
    assert styles["_v1", 100].colour == styles["gru", 100].colour
    assert styles["gru", 300].name == "TOP-300 of gru"


def test_values_are_drawn_with_their_falls(folder: PortfolioFolder) -> None:
    style = portfolio_styles(folder.summary)["_v1", 100]
    nav = folder.figures[0].rows_of(folder.tables["portfolio_nav"])
    both, alone = absolute_value("fig-16-nav", nav, style), relative_value("fig-16-r", nav, style)
    assert ">benchmark<" in both
    assert ">TOP-100 of _v1<" in both
    assert "benchmark" not in alone
    for svg in (both, alone):
        assert "log scale" in svg
        assert "fall, %" in svg
        assert "var(--bad)" in svg
    assert absolute_value("fig-16-nav", nav, style) == both


@pytest.mark.parametrize("values", [[1.0, 1.001], [1.0, 50.0], [1.0, 1.0], [0.9, 0.2]])
def test_values_of_any_range_can_be_drawn(folder: PortfolioFolder, values: list[float]) -> None:
    style = portfolio_styles(folder.summary)["gru", 100]
    nav = pd.DataFrame({"date": ["2022-01-04", "2022-01-05"], "relative_nav": values})
    assert "<svg" in relative_value("x", nav, style)


def test_a_week_drawn_as_one_point_shows_its_worst_day() -> None:
    value = pd.Series([0.9, 1.0, 1.0, 0.5, 1.0, 1.2, 1.2, 1.2, 0.6, 1.2, 1.2, 1.2])
    rows = weekly_rows(value)
    assert list(rows) == [0, 1, 6, 11]
    # The first day's fall is from the 1 that was invested.
    assert np.allclose(weekly_falls(value, rows), [-0.1, 0.0, -0.5, -0.5])


def test_turnover_has_a_point_for_each_delta_and_the_paper_s(folder: PortfolioFolder) -> None:
    styles = portfolio_styles(folder.summary)
    own = {("_v1", 100): folder.tables["fig16_top100"]}
    plain = turnover_lines(own, styles, {})
    marked = turnover_lines(own, styles, {("_v1", 100): folder.tables["paper_fig16_top100"]})
    assert marked.count("<use") - plain.count("<use") == 7


def test_curves_have_a_line_for_each_portfolio(folder: PortfolioFolder) -> None:
    styles, tables = portfolio_styles(folder.summary), folder.tables
    drawn = {
        "times the cost": cost_lines(tables["cost_curve"], styles),
        "trading days": delay_lines(tables["delay_curve"], styles),
        "traded, % of wanted": capacity_lines(tables["capacity_curve"], styles),
    }
    for words, svg in drawn.items():
        assert words in svg
        assert all(f">{style.name}<" in svg for style in styles.values())
    assert ">10bn<" in drawn["traded, % of wanted"]


def test_a_curve_near_zero_shows_where_it_turns_into_a_loss(folder: PortfolioFolder) -> None:
    styles, table = portfolio_styles(folder.summary), folder.tables["cost_curve"]
    far = cost_lines(table, styles)
    near = cost_lines(table.assign(relative_annual_pct=2 - table["cost_multiple"]), styles)
    assert near.count("stroke: var(--muted)") == far.count("stroke: var(--muted)") + 1
