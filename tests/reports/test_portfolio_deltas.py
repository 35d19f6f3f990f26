import numpy as np
import pandas as pd
import pytest

from alpha_lightning.backtest.settings import Conventions
from alpha_lightning.reports.portfolio_deltas import (
    Outcome,
    benchmark_row,
    figure_table,
    years_of,
)

OURS = pd.DataFrame(
    {
        "side": ["absolute", "absolute", "relative"],
        "delta": [0.1, 0.2, 0.2],
        "avgto": [0.114, 0.223, 0.223],
        "return_annual_pct": [20.04, -3.16, 8.0],
        "return_2021_pct": [1.0, 2.0, 3.0],
        "return_2022_pct": [4.0, np.nan, 6.0],
        "max_drawdown_annual_pct": [-9.0, -8.0, -7.0],
        "max_drawdown_2021_pct": [-1.0, -2.0, -3.0],
        "max_drawdown_2022_pct": [-4.0, np.nan, -6.0],
    }
)


def test_rows_are_deltas_and_columns_the_whole_and_the_years() -> None:
    table = figure_table(OURS, 0.2)
    assert table.periods == ("% a year", "2021", "2022")
    (absolute, rows), (relative, others) = table.blocks
    assert absolute.startswith("absolute")
    assert relative.startswith("relative")
    assert [row.name for row in rows] == ["0.10", "0.20"]
    assert [row.kind for row in rows] == ["", "shown"]
    assert rows[1].turnover == ("0.22", "")
    assert rows[1].cells == (Outcome("−3.2", "−8.0"), Outcome("2.0", "−2.0"), Outcome("–", "–"))
    assert len(others) == 1


def test_the_paper_stands_beside_the_same_side_delta_and_year() -> None:
    twin = OURS[["side", "delta", "avgto", "return_annual_pct", "return_2021_pct"]].iloc[1:].copy()
    twin["return_annual_pct"] += 1
    # A table written as text has the same deltas.
    twin["delta"] = "0.20"
    (_, rows), (_, others) = figure_table(OURS, 0.2, twin).blocks
    assert rows[0].cells[0] == Outcome("20.0", "−9.0")
    assert rows[1].cells[:2] == (Outcome("−3.2", "−8.0", "−2.2"), Outcome("2.0", "−2.0", "2.0"))
    assert rows[1].turnover == ("0.22", "0.22")
    assert others[0].cells[0].paper == "9.0"


def test_the_benchmark_stands_below_the_absolute_rows_only() -> None:
    nav = pd.DataFrame({"date": ["2021-12-31", "2022-01-04"], "benchmark_nav": [1.1, 0.99]})
    row = benchmark_row(nav, years_of(OURS), "benchmark", Conventions(year=2))
    (_, rows), (_, others) = figure_table(OURS, 0.2, None, row).blocks
    assert rows[-1] == row
    assert row not in others


def test_the_benchmark_s_years_are_worked_out_from_its_values() -> None:
    dates = ["2021-12-30", "2021-12-31", "2022-01-04", "2022-01-05"]
    nav = pd.DataFrame({"date": dates, "benchmark_nav": [1.1, 0.99, 1.089, 1.21]})
    row = benchmark_row(nav, ("2021", "2022", "2023"), "all", Conventions(year=2))
    # 1.21 in four days are 1.1 in two; the first day counts from 1 on.
    assert row.cells[0] == Outcome("10.0", "−10.0")
    assert row.cells[1:] == (Outcome("−1.0", "−10.0"), Outcome("22.2", "0.0"), Outcome("–", "–"))
    assert row.kind == "baseline"


@pytest.mark.parametrize("side", ["absolute", "relative"])
def test_a_side_that_is_absent_has_no_title(side: str) -> None:
    ((title, _),) = figure_table(OURS[OURS["side"] == side], 0.2).blocks
    assert title.startswith(side)
