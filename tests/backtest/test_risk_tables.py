"""What is told of a risk model beside portfolios that were held within its limits."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.backtest.enhanced_points import EnhancedPoint
from alpha_lightning.backtest.enhanced_tables import Enhanced
from alpha_lightning.backtest.risk_tables import periods_of, risk_tables
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.model import RiskModel
from tests.backtest.enhanced_grid_market import inputs_of, table

YEAR = 243
SHOWN = {"CSI300 free": "csi300", "CSI300 80 %": "csi300_80"}
SHOWN |= {"CSI500 free": "csi500", "CSI500 80 %": "csi500_80"}


def by_hand(decided: list[int], forecast: list[float | None], rows: slice) -> Enhanced:
    place = np.arange(200)[rows]
    facts = [{} if told is None else {"status": "solved", "ex_ante_te": told} for told in forecast]
    results: Any = None
    relative = (place / 1000.0).astype(np.float64)
    point = EnhancedPoint("a", "000300", 0.04, 0.0, 0.2)
    return Enhanced(point, results, np.array(decided), facts, place, relative)


def test_a_period_is_from_the_day_after_a_trade_to_the_next_trade() -> None:
    # Signals at 10, 15, 20 (nothing decided), 25; trades a day later; the days end with row 30.
    own = by_hand([10, 15, 20, 25], [0.1, 0.2, None, 0.3], slice(11, 31))
    told = periods_of(own, delay=1, year=YEAR, end=30)
    assert told["days"].tolist() == [5, 10, 4]
    sums = [sum(range(12, 17)), sum(range(17, 27)), sum(range(27, 31))]
    np.testing.assert_allclose(told["realised"], np.array(sums) / 1000)
    wanted = np.array([0.1, 0.2, 0.3]) * np.sqrt(np.array([5, 10, 4]) / YEAR)
    np.testing.assert_allclose(told["forecast"], wanted)
    late = periods_of(own, delay=3, year=YEAR, end=30)
    assert late["days"].tolist() == [5, 10, 2]


def test_a_trade_of_the_last_day_begins_no_period() -> None:
    own = by_hand([10, 15], [0.1, 0.2], slice(11, 17))
    assert periods_of(own, delay=1, year=YEAR, end=16)["days"].tolist() == [5]
    alone = by_hand([15], [0.1], slice(16, 17))
    told = periods_of(alone, delay=1, year=YEAR, end=16)
    assert all(len(values) == 0 for values in told.values())


def test_the_bias_of_a_portfolio_is_that_of_its_periods(enhanced: Path) -> None:
    bias = table(enhanced, "risk_bias").set_index("what")
    own = bias[bias.kind == "enhanced"]
    assert own.index.tolist() == [
        f"{words} relative by {score}" for score in "ab" for words in SHOWN
    ]
    for words, folder in SHOWN.items():
        for score in "ab":
            place = enhanced / score / f"{folder}_d0.20"
            nav, decided = (
                pd.read_parquet(place / f"{name}.parquet") for name in ("nav", "decisions")
            )
            against = nav.benchmark_nav / nav.benchmark_nav.shift(fill_value=1.0)
            relative = nav.nav / nav.nav.shift(fill_value=1.0) - against
            relative.index = pd.to_datetime(nav.date)
            # Of a trade of today tomorrow's return is the first.
            made = decided[decided.ex_ante_te.notna()]
            trades = [
                relative.index[relative.index > pd.Timestamp(day)][0]
                for day in made.date
                if (relative.index > pd.Timestamp(day)).sum() > 1
            ]
            ends = [*trades[1:], relative.index[-1]]
            scaled, stretched = [], []
            for begin, end, forecast in zip(trades, ends, made.ex_ante_te, strict=False):
                part = relative[(relative.index > begin) & (relative.index <= end)]
                scaled.append(part.sum() / (forecast * np.sqrt(len(part) / YEAR)))
                stretched.append(part.sum() * np.sqrt(YEAR / len(part)))
            row = own.loc[f"{words} relative by {score}"]
            assert row.periods == len(scaled) > 15
            assert row.bias == pytest.approx(np.std(scaled, ddof=1), rel=1e-5)
            assert row.realised_pct == pytest.approx(100 * np.std(stretched, ddof=1), rel=1e-5)
            wanted = 100 * made.ex_ante_te[: len(scaled)].mean()
            assert row.forecast_pct == pytest.approx(wanted, rel=1e-6)


def test_random_portfolios_the_market_and_the_styles_stand_beside_them(enhanced: Path) -> None:
    bias = table(enhanced, "risk_bias")
    kinds = bias.kind.value_counts()
    assert (kinds["random"], kinds["portfolio"], kinds["style"], kinds["market"]) == (3, 1, 2, 1)
    assert bias[bias.kind == "random"].bias.between(0.5, 2).all()
    assert bias.columns.tolist() == [
        *("what", "kind", "periods", "bias", "low", "high", "forecast_pct", "realised_pct"),
    ]


def test_volatility_by_year(enhanced: Path) -> None:
    told = table(enhanced, "risk_volatility")
    own = told[told.what == "CSI500 80 % relative by b"].set_index("year")
    place = enhanced / "b/csi500_80_d0.20"
    nav, decided = (pd.read_parquet(place / f"{name}.parquet") for name in ("nav", "decisions"))
    relative = nav.nav / nav.nav.shift(fill_value=1.0)
    relative -= nav.benchmark_nav / nav.benchmark_nav.shift(fill_value=1.0)
    years = pd.to_datetime(nav.date).dt.year
    assert own.index.tolist() == [2020, 2021]
    for year, row in own.iterrows():
        mine = decided[pd.to_datetime(decided.date).dt.year == year]
        assert row.days == (years == year).sum()
        post = 100 * relative[years == year].std() * YEAR**0.5
        ante = 100 * np.sqrt((mine.ex_ante_te**2).mean())
        assert row.realised_pct == pytest.approx(post, rel=1e-6)
        assert row.forecast_pct == pytest.approx(ante, rel=1e-6)


def test_forecasts_of_a_year_are_the_root_of_their_mean_variance(enhanced: Path) -> None:
    given = inputs_of(enhanced)
    model, panel = RiskModel.open(given["risk"]), Panel.open(given["panel"])
    own = by_hand([60, 70, 80], [0.1, None, 0.2], slice(61, 100))
    made = risk_tables(model, panel, [own], delay=1, year=YEAR)["risk_volatility"]
    row = made[made.what == "CSI300 free relative"].iloc[0]
    assert (row.year, row.days) == (2020, 39)
    assert row.forecast_pct == pytest.approx(100 * np.sqrt((0.1**2 + 0.2**2) / 2))


def test_the_models_own_tables_are_in_per_cent(enhanced: Path) -> None:
    model = RiskModel.open(inputs_of(enhanced)["risk"])
    dates = Panel.open(inputs_of(enhanced)["panel"]).dates
    returns = pd.DataFrame(model.factor_returns, columns=model.factors, index=dates)
    told = table(enhanced, "risk_factor_returns").set_index("factor")
    assert told.index.tolist() == list(model.factors)
    size = returns["size"].dropna()
    assert told.loc["size", "days"] == len(size)
    assert told.loc["size", "volatility_pct"] == pytest.approx(100 * size.std() * YEAR**0.5)
    paths = table(enhanced, "risk_factor_paths")
    last = paths[paths.factor == "size"].cumulative_pct.iloc[-1]
    assert last == pytest.approx(100 * size.sum())
    fits = pd.read_parquet(model.path / "diagnostics.parquet")
    months = table(enhanced, "risk_r_squared")
    first = fits[pd.to_datetime(fits.date).dt.strftime("%Y-%m") == "2020-09"]
    row = months[months.date.str.startswith("2020-09")].iloc[0]
    assert row.r_squared_pct == pytest.approx(100 * first.r_squared.mean())
    assert row.adjusted_r_squared_pct == pytest.approx(100 * first.adjusted_r_squared.mean())
