"""Tables on a model, against loops over its arrays and models known to be right or wrong."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk import diagnostics
from alpha_lightning.risk.diagnostics import RiskChecks, bias_table, risk_checks
from alpha_lightning.risk.model import RiskModel
from tests.risk.model_market import ROWS, SETTINGS, built, small_market

HORIZON = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("diagnostics")
    built(small_market(), folder, horizon=HORIZON)
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> RiskModel:
    return RiskModel.open(folder / "risk")


@pytest.fixture(scope="module")
def panel(folder: Path) -> Panel:
    return Panel.open(folder / "panel 0")


@pytest.fixture(scope="module")
def checks(model: RiskModel, panel: Panel) -> RiskChecks:
    return risk_checks(model, panel, portfolios=5)


def test_r_squared_by_date_and_month(model: RiskModel) -> None:
    daily = diagnostics.r_squared_by_date(model)
    assert np.array_equal(daily["date"], model.dates[1:])
    assert np.array_equal(daily["stocks"], model.fits("stocks")[1:])
    monthly = diagnostics.r_squared_by_month(model)
    months = daily["date"].astype("datetime64[M]")
    assert len(monthly["date"]) == len(np.unique(months)) == 5
    for k, month in enumerate(np.unique(months)):
        own = months == month
        assert monthly["date"][k] == daily["date"][own].max()
        for name in ("r_squared", "adjusted_r_squared", "stocks"):
            assert monthly[name][k] == pytest.approx(daily[name][own].mean(), rel=1e-12)


def test_factor_returns(model: RiskModel) -> None:
    table = diagnostics.factor_return_summary(model)
    assert tuple(table["factor"]) == model.factors
    assert tuple(table["kind"]) == model.kinds
    for k in range(len(model.factors)):
        own = model.factor_returns[:, k]
        own = own[np.isfinite(own)]
        assert table["days"][k] == len(own)
        if len(own) < 2:
            assert np.isnan(table["t"][k])
            continue
        deviation = own.std(ddof=1)
        assert table["annual_return"][k] == pytest.approx(243 * own.mean())
        assert table["volatility"][k] == pytest.approx(243**0.5 * deviation)
        assert table["t"][k] == pytest.approx(own.mean() / deviation * len(own) ** 0.5)


def test_factor_returns_add_up_by_month(model: RiskModel) -> None:
    table = diagnostics.factor_returns_by_month(model)
    last = table["date"] == model.dates[-1]
    assert tuple(table["factor"][last]) == model.factors
    sums = np.nansum(model.factor_returns, axis=0)
    np.testing.assert_allclose(table["cumulative"][last], sums, atol=1e-12)
    assert len(table["date"]) == 5 * len(model.factors)


def test_periods_follow_each_other(model: RiskModel, checks: RiskChecks) -> None:
    rows = np.searchsorted(model.dates, checks.dates)
    assert rows[0] == SETTINGS["min_days"]
    assert (np.diff(rows) == HORIZON).all()
    assert rows[-1] + HORIZON < ROWS
    assert checks.what.count("random active") == 5
    assert checks.kinds.count("style") == 10
    assert checks.returns.shape == (len(rows), HORIZON, len(checks.what))


def test_the_market_portfolio_by_hand(model: RiskModel, panel: Panel, checks: RiskChecks) -> None:
    place = checks.what.index(diagnostics.MARKET_PORTFOLIO)
    row = int(np.searchsorted(model.dates, checks.dates[2]))
    risk = model.at(row)
    assert risk is not None
    cap = np.where(risk.covered & panel.traded[row], panel.market("total_cap")[row], 0.0)
    weights = cap / cap.sum()
    assert checks.forecast[2, place] == pytest.approx(risk.volatility(weights), rel=1e-9)
    adjusted = np.where(panel.traded, panel.adjusted("close"), np.nan)
    last = adjusted[row].copy()
    for day in range(HORIZON):
        now = np.where(np.isfinite(adjusted[row + 1 + day]), adjusted[row + 1 + day], last)
        earned = np.nansum(weights * (now / last - 1))
        assert checks.returns[2, day, place] == pytest.approx(earned, abs=1e-12)
        last = now


def test_a_style_is_judged_by_its_pure_factor(model: RiskModel, checks: RiskChecks) -> None:
    place, row = checks.what.index("size"), int(np.searchsorted(model.dates, checks.dates[0]))
    assert checks.forecast[0, place] == np.sqrt(model.covariance[row, 0, 0])
    told = model.factor_returns[row + 1 : row + 1 + HORIZON, 0]
    assert np.array_equal(checks.returns[0, :, place], told)


def test_the_draws_are_the_same_twice(model: RiskModel, panel: Panel, checks: RiskChecks) -> None:
    again = risk_checks(model, panel, portfolios=5)
    assert np.array_equal(again.forecast, checks.forecast)
    other = risk_checks(model, panel, portfolios=5, seed=1)
    assert not np.array_equal(other.forecast, checks.forecast)


def test_random_portfolios_add_up() -> None:
    drawn = diagnostics._drawn(np.arange(1.0, 41), 6, (0, 0))
    assert drawn.shape == (19, 40)
    np.testing.assert_allclose(drawn[:6].sum(axis=1), 1)
    assert (drawn[:6] >= 0).all()
    np.testing.assert_allclose(drawn[6:18].sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(drawn[6:12], drawn[:6] - drawn[18])
    np.testing.assert_allclose(np.abs(drawn[12:18]).sum(axis=1), 1)


def known_checks(scale: float, periods: int = 4000) -> RiskChecks:
    """Returns of 20 % a year in days, forecast at ``scale`` times that."""
    daily = np.random.default_rng(0).normal(0, 0.2 / 243**0.5, (periods, 5, 3))
    dates = np.datetime64("2000-01-01") + 5 * np.arange(periods)
    what = ("random long-only", "random long-only", "market")
    kinds = ("random", "random", "market")
    return RiskChecks(what, kinds, dates, np.full((periods, 3), 0.2 * scale), daily)


@pytest.mark.parametrize(("scale", "bias"), [(1.0, 1.0), (0.5, 2.0), (2.0, 0.5)])
def test_the_bias_of_forecasts_known_to_be_right_or_wrong(scale: float, bias: float) -> None:
    table = bias_table(known_checks(scale))
    assert table["what"].tolist() == ["random long-only", "market"]
    assert table["periods"].tolist() == [4000, 4000]
    np.testing.assert_allclose(table["bias"], bias, rtol=0.03)
    np.testing.assert_allclose(table["realised"], 0.2, rtol=0.03)
    np.testing.assert_allclose(table["forecast"], 0.2 * scale)
    assert table["low"][0] <= table["bias"][0] <= table["high"][0]
    assert np.isnan([table["low"][1], table["high"][1]]).all()


def test_volatility_by_year() -> None:
    table = diagnostics.volatility_by_year(known_checks(0.5))
    own = table["what"] == "market"
    assert table["year"][own][0] == 2000
    assert table["days"].sum() == 2 * 4000 * 5
    np.testing.assert_allclose(table["forecast"], 0.1)
    np.testing.assert_allclose(table["realised"][:-1], 0.2, rtol=0.15)


def test_too_few_periods_have_no_bias(model: RiskModel, panel: Panel) -> None:
    table = bias_table(risk_checks(model, panel, horizon=100, portfolios=2))
    assert set(table["periods"]) == {1}
    assert np.isnan(table["bias"]).all()
    none = risk_checks(model, panel, horizon=200, portfolios=2)
    assert np.isnan(bias_table(none)["bias"]).all()
    assert len(diagnostics.volatility_by_year(none)["what"]) == 0


def test_another_panel_is_refused(folder: Path, model: RiskModel, tmp_path: Path) -> None:
    shutil.copytree(folder / "panel 0", tmp_path / "panel")
    file = tmp_path / "panel" / "panel.json"
    file.write_text(file.read_text().replace('"fingerprint": "f"', '"fingerprint": "g"'))
    with pytest.raises(ArtefactError, match="was not estimated on"):
        risk_checks(model, Panel.open(tmp_path / "panel"))
