import numpy as np
import pandas as pd
import pytest

from alpha_lightning.backtest.paper_tables import paper_table
from alpha_lightning.reports.enhanced_deltas import (
    enhanced_table,
    has_year_falls,
    index_row,
    printed_text,
    years_of,
)
from alpha_lightning.reports.portfolio_deltas import Outcome


def test_the_paper_s_own_figure_is_read_as_the_paper_prints_it() -> None:
    theirs = paper_table("fig18_csi300")
    figure = enhanced_table(theirs, 0.2, theirs)
    assert figure.periods == (
        *("% a year", "2017", "2018", "2019", "2020", "2021", "2022", "volatility"),
    )
    (_, hedged), (_, absolute) = figure.blocks
    assert [row.name for row in hedged] == ["0.10", "0.20", "0.30", "0.50"]
    assert [row.kind for row in hedged] == ["", "shown", "", ""]
    assert hedged[0].turnover == ("0.11", "0.11")
    assert hedged[1].cells[0] == Outcome("10.7", "−6.0", "10.7", "−6.0")
    assert hedged[1].cells[-1] == Outcome("5.0", "", "5.0", "")
    # Figure 18 lost a cell of each row: solved from the others.
    assert hedged[1].cells[5] == Outcome("12.5", "", "[12.5]", "")
    assert hedged[2].cells[5] == Outcome("9.9", "", "9.9", "")
    assert absolute[1].cells[6] == Outcome("−13.7", "", "[−13.7]", "")


def test_falls_of_years_are_told_where_ours_are() -> None:
    theirs = paper_table("fig19_csi300_80")
    ours = theirs[[name for name in theirs if "max_drawdown_2" not in name]]
    assert enhanced_table(theirs, 0.2).blocks[0][1][0].cells[1].fall == "−2.0"
    assert has_year_falls(theirs)
    assert not has_year_falls(ours)
    beside = enhanced_table(ours, 0.2, theirs).blocks[0][1][0].cells[1]
    assert beside == Outcome("13.0", "", "13.0", "")


def test_a_delta_that_the_paper_lacks_has_nothing_beneath() -> None:
    theirs = paper_table("fig18_csi300")
    ours = theirs.head(1).assign(delta="0.15", hedged_2017_pct=np.nan)
    (row,) = enhanced_table(ours, 0.2, theirs).blocks[0][1]
    assert row.turnover == ("0.11", "")
    assert {cell.paper for cell in row.cells} == {""}
    assert row.cells[1].value == "–"


def test_a_column_that_is_absent_is_a_dash_and_years_are_those_of_the_table() -> None:
    table = pd.DataFrame({"delta": [0.2], "avgto": [0.2], "hedged_2021_pct": [1.0]})
    assert years_of(table) == ("2021",)
    figure = enhanced_table(table, 0.2)
    assert [cell.value for cell in figure.blocks[0][1][0].cells] == ["–", "1.0", "–"]


def test_the_index_stands_below_the_absolute_returns() -> None:
    moves = np.array([0.01, -0.02, 0.03, 0.0])
    days = ["2021-12-30", "2021-12-31", "2022-01-04", "2022-01-05"]
    nav = pd.DataFrame({"date": days, "benchmark_nav": np.cumprod(1 + moves)})
    row = index_row(nav, ("2021", "2022"))
    assert row.kind == "baseline"
    assert row.cells[1:3] == (Outcome("−1.0", ""), Outcome("3.0", ""))
    volatility = 100 * moves.std(ddof=1) * np.sqrt(243)
    assert float(row.cells[-1].value) == pytest.approx(volatility, abs=0.06)
    table = pd.DataFrame({"delta": [0.2], "hedged_2021_pct": [1.0], "hedged_2022_pct": [1.0]})
    blocks = enhanced_table(table, 0.2, nav=nav).blocks
    assert [len(rows) for _, rows in blocks] == [1, 2]


@pytest.mark.parametrize(
    ("paper", "text"),
    [
        (None, ""),
        ({}, ""),
        ({"a_pct": float("nan"), "solved": "a"}, ""),
        ({"a_pct": 1.0, "solved": float("nan")}, "1.0"),
        ({"a_pct": -1.0, "solved": "b a"}, "[−1.0]"),
        ({"a_pct": 1.0, "solved": "ba"}, "1.0"),
    ],
)
def test_only_what_was_solved_stands_in_brackets(paper: object, text: str) -> None:
    assert printed_text(paper, "a_pct") == text
