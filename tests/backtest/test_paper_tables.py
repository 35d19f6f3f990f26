from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.backtest.paper_tables import FIGURES, figure_table, paper_table, paper_twin
from alpha_lightning.backtest.results import Results, measure
from tests.backtest.results_ledgers import small_benchmark, small_ledger, small_market


def results(turnover: float = 0.2) -> Results:
    traded = np.array([0.5, np.nan, turnover, np.nan])
    return measure(small_ledger(turnover=traded), small_market(), small_benchmark())


def test_our_table_has_the_papers_layout() -> None:
    ours = figure_table({0.05: results(0.06), 0.2: results(0.21)})
    theirs = paper_table("fig16_top100")
    assert ours["side"].tolist() == ["absolute", "absolute", "relative", "relative"]
    assert ours["delta"].tolist() == ["0.05", "0.20"] * 2
    assert ours["avgto"].tolist() == pytest.approx([0.06, 0.21] * 2)
    plain = [name for name in theirs.columns if "_20" not in name or "2017" in name]
    own = [name.replace("2020", "2017") for name in ours.columns if "2021" not in name]
    assert own == plain
    first, last = ours.iloc[0], ours.iloc[3]
    assert first["return_2020_pct"] == pytest.approx(8.9)
    assert first["return_2021_pct"] == pytest.approx(-1)
    assert first["max_drawdown_annual_pct"] == pytest.approx(-10)
    assert first["max_drawdown_2020_pct"] == pytest.approx(-1)
    assert first["return_annual_pct"] == pytest.approx(100 * (1.07811 ** (243 / 4) - 1))
    assert last["max_drawdown_2021_pct"] == pytest.approx(-5)
    assert last["return_2021_pct"] == pytest.approx(100 * (0.95 * 1.05 - 1))


def test_a_year_without_a_portfolio_is_empty() -> None:
    whole = results()
    absolute = replace(whole.absolute, years={2021: whole.absolute.years[2021]})
    relative = replace(whole.relative, years={2021: whole.relative.years[2021]})
    table = figure_table({0.2: whole, 0.5: replace(whole, absolute=absolute, relative=relative)})
    assert table["return_2020_pct"].isna().tolist() == [False, True, False, True]
    assert table["max_drawdown_2020_pct"].isna().tolist() == [False, True, False, True]
    assert table["return_2021_pct"].notna().all()


def test_the_papers_rows_of_the_same_deltas() -> None:
    ours = figure_table({0.2: results(), 0.05: results(), 0.33: results()})
    twin = paper_twin("fig16_top100", ours)
    assert twin is not None
    assert twin[["side", "delta"]].to_numpy().tolist() == [
        *(["absolute", "0.20"], ["absolute", "0.05"], ["relative", "0.20"], ["relative", "0.05"]),
    ]
    assert twin["return_annual_pct"].tolist()[:2] == [29.7, 19.8]
    assert twin.columns.tolist() == list(ours.columns)
    assert paper_twin("fig17_top300", figure_table({0.33: results()})) is None


def test_a_twin_of_theirs_is_theirs() -> None:
    theirs = paper_table("fig17_top300")
    again = paper_twin("fig17_top300", theirs)
    pd.testing.assert_frame_equal(again, theirs)


@pytest.mark.parametrize("figure", FIGURES.values())
def test_the_papers_drawdown_is_the_deepest_of_its_years(figure: str) -> None:
    table = paper_table(figure)
    assert table["delta"].tolist() == ["0.05", "0.08", "0.10", "0.20", "0.30", "0.50", "1.00"] * 2
    falls = table[[f"max_drawdown_{year}_pct" for year in range(2017, 2023)]]
    assert (table["max_drawdown_annual_pct"] <= falls.min(axis=1)).all()
