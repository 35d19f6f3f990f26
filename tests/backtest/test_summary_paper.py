"""Arithmetic oracles 3, 5, 6 and 7: the paper's portfolio tables obey the functions of a report."""

from typing import Any

import numpy as np
import pytest

from alpha_lightning.backtest.summary import (
    ROUND_TRIP,
    YEAR,
    annualise,
    annualised_return,
    benchmark_from_hedged,
    hedged_from_absolute,
    yearly_cost,
)
from alpha_lightning.evaluation.paper_figures import paper_table

YEARS = [str(year) for year in range(2017, 2023)]
DAYS = round(5.40 * YEAR)
"""Trading days from 2017-01-01 to 2022-06-01."""
UNIVERSE = [-15.3, -32.2, 28.1, 17.8, 24.5, -13.8]
INDICES = {
    "fig18_csi300": "csi300",
    "fig19_csi300_80": "csi300",
    "fig20_csi500": "csi500",
    "fig21_csi500_80": "csi500",
}
INDEX_RETURNS = {
    "csi300": [21.8, -25.3, 36.1, 27.2, -5.2],
    "csi500": [-0.2, -33.3, 26.4, 20.9, 15.6],
}
"""Price indices 2017 to 2021, as published; 2022 is a part of a year."""


def yearly(table: Any, stem: str) -> Any:
    return table[[f"{stem}_{year}_pct" for year in YEARS]].to_numpy() / 100


@pytest.mark.parametrize("figure", ["fig16_top100", "fig17_top300"])
def test_annual_figures_are_the_yearly_growth_of_243_day_years(figure: str) -> None:
    table = paper_table(figure)
    growth = (1 + yearly(table, "return")).prod(axis=1)
    annual = table["return_annual_pct"].to_numpy()
    apart = 100 * (annualise(growth, DAYS) - 1) - annual
    assert len(apart) == 14
    assert np.abs(apart).max() < 0.1
    wrong = 100 * (growth ** (252 / DAYS) - 1) - annual
    assert np.median(np.abs(wrong)) > 0.8, "years of 252 days miss"
    # The function of daily returns is this one.
    daily = np.full((DAYS, 14), growth ** (1 / DAYS) - 1)
    np.testing.assert_allclose(annualised_return(daily), annualise(growth, DAYS) - 1, atol=1e-12)


@pytest.mark.parametrize("index", ["csi300", "csi500"])
def test_one_index_links_the_hedged_and_absolute_returns_of_all_its_portfolios(index: str) -> None:
    tables = [paper_table(figure) for figure, own in INDICES.items() if own == index]
    columns = ["absolute_annual", "hedged_annual", "absolute_volatility", "hedged_volatility"]
    rows = np.concatenate([t[[f"{name}_pct" for name in columns]].to_numpy() for t in tables]) / 100
    absolute, hedged, volatility, error = rows.T
    assert len(rows) == 8
    # The index's volatility is not printed: that of its closest portfolio stands in.
    market = volatility.mean()
    implied = benchmark_from_hedged(absolute, hedged, volatility, market, error)
    assert np.ptp(implied) < 0.0025
    benchmark = np.median(implied)
    linked = hedged_from_absolute(absolute, benchmark, volatility, market, error)
    assert np.abs(linked - hedged).max() < 0.002
    # Without the variances the portfolios disagree on their index.
    assert np.abs(linked - ((1 + absolute) / (1 + benchmark) - 1)).max() > 0.001


@pytest.mark.parametrize("figure", INDICES)
def test_years_of_enhanced_indices_are_linked_by_the_published_index(figure: str) -> None:
    table = paper_table(figure)
    error = table["hedged_volatility_pct"].to_numpy()[:, None] / 100
    index = np.array(INDEX_RETURNS[INDICES[figure]]) / 100
    absolute, hedged = (yearly(table, side)[:, :5] for side in ("absolute", "hedged"))
    # Yearly volatilities of both sides are not printed; they are nearly the same.
    linked = hedged_from_absolute(absolute, index, 0.2, 0.2, error)
    assert linked.shape == (4, 5)
    assert np.abs(linked - hedged).max() < 0.008
    assert np.median(np.abs(linked - hedged)) < 0.003


@pytest.mark.parametrize("figure", ["fig16_top100", "fig17_top300"])
def test_top_portfolios_imply_one_equal_weighted_universe(figure: str) -> None:
    table = paper_table(figure).set_index("side")
    absolute, relative = (yearly(table.loc[side], "return") for side in ("absolute", "relative"))
    implied = benchmark_from_hedged(absolute, relative, 0.2, 0.2, 0.0)
    assert implied.shape == (7, 6)
    assert np.abs(100 * np.median(implied, axis=0) - UNIVERSE).max() < 0.2
    assert np.abs(100 * implied - UNIVERSE).max() < 0.8


def test_unlimited_turnover_costs_a_tenth_a_year() -> None:
    table = paper_table("fig16_top100")
    turnover = table["avgto"].max()
    assert turnover == 0.69
    assert yearly_cost(turnover, YEAR / 5) == pytest.approx(0.10, abs=0.002)
    assert yearly_cost(turnover, YEAR / 5) == pytest.approx(0.69 * 48.6 * ROUND_TRIP, abs=1e-15)


def test_the_link_holds_on_daily_returns() -> None:
    generator = np.random.default_rng(5)
    benchmark = generator.normal(0.0002, 0.012, YEAR)
    portfolio = 1.1 * benchmark + generator.normal(0.0006, 0.004, YEAR)
    absolute, market, hedged = (
        float(annualised_return(x)) for x in (portfolio, benchmark, portfolio - benchmark)
    )
    variances = [x.std() * np.sqrt(YEAR) for x in (portfolio, benchmark, portfolio - benchmark)]
    linked = hedged_from_absolute(absolute, market, *variances)
    assert linked == pytest.approx(hedged, abs=1e-3)
    assert abs((1 + absolute) / (1 + market) - 1 - hedged) > 2e-3
    assert benchmark_from_hedged(absolute, hedged, *variances) == pytest.approx(market, abs=1e-3)
