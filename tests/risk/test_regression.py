from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from alpha_lightning.risk.regression import DayFit, Floats, fit_day
from alpha_lightning.risk.settings import RiskSettings

WLS = RiskSettings(regression="wls", thin_industry=1)
HUBER = RiskSettings(regression="huber", thin_industry=1)
STYLES, INDUSTRIES = 3, 5


class Day:
    """One drawn day: 200 stocks, three styles, five industries, fat tails."""

    def __init__(self, seed: int = 0, stocks: int = 200) -> None:
        generator = np.random.default_rng(seed)
        self.exposures = generator.standard_normal((stocks, STYLES))
        self.industry = np.arange(stocks) % INDUSTRIES
        self.cap = np.exp(1.2 * generator.standard_normal(stocks)) * 1e10
        styles, levels = generator.normal(0, 0.01, STYLES), generator.normal(0, 0.01, INDUSTRIES)
        noise = 0.02 * generator.standard_t(3, stocks)
        self.returns = self.exposures @ styles + levels[self.industry] + noise

    def fit(self, settings: RiskSettings, industries: int = INDUSTRIES) -> DayFit:
        given = (self.returns, self.exposures, self.industry, industries, self.cap)
        return fit_day(*given, settings)

    def design(self) -> tuple[Floats, Floats]:
        """Columns of the regression and the weights of the rows."""
        dummies = (self.industry[:, None] == np.arange(INDUSTRIES)).astype(np.float64)
        weight = np.sqrt(self.cap)
        return np.hstack([self.exposures, dummies]), weight / weight.mean()

    def factors(self, coefficients: Floats) -> Floats:
        """Coefficients of the regression as factor returns: the market deducted."""
        levels = coefficients[STYLES:]
        market = np.average(levels[self.industry], weights=self.cap)
        return np.concatenate([coefficients[:STYLES], levels - market, [market]])


def test_least_squares_are_those_of_numpy_and_statsmodels() -> None:
    day = Day()
    design, weight = day.design()
    root = np.sqrt(weight)
    solved = np.linalg.lstsq(design * root[:, None], day.returns * root, rcond=None)
    plain = np.asarray(solved[0], dtype=np.float64)
    other = sm.WLS(day.returns, design, weights=weight).fit()
    fit = day.fit(WLS)
    np.testing.assert_allclose(fit.factor_returns, day.factors(plain), rtol=0.0, atol=1e-13)
    np.testing.assert_allclose(other.params, plain, rtol=0.0, atol=1e-13)
    np.testing.assert_allclose(fit.specific_returns, day.returns - design @ plain, atol=1e-13)
    # The industries hold the constant, which statsmodels finds out for itself.
    assert fit.r_squared == pytest.approx(other.rsquared, rel=1e-10)
    assert fit.adjusted_r_squared == pytest.approx(other.rsquared_adj, rel=1e-10)
    assert fit.stocks == 200


@pytest.mark.parametrize("seed", range(5))
def test_huber_is_the_robust_regression_of_statsmodels(seed: int) -> None:
    day = Day(seed)
    design, weight = day.design()
    root = np.sqrt(weight)
    norm = sm.robust.norms.HuberT(1.345)
    other = sm.RLM(day.returns * root, design * root[:, None], M=norm)
    params = other.fit(scale_est="mad", maxiter=500, tol=1e-13).params
    fit = day.fit(HUBER)
    np.testing.assert_allclose(fit.factor_returns, day.factors(params), rtol=0.0, atol=1e-9)
    assert np.abs(fit.factor_returns - day.fit(WLS).factor_returns).max() > 1e-5


def test_a_wild_stock_hardly_moves_what_huber_finds() -> None:
    day = Day()
    calm = [day.fit(kind).factor_returns for kind in (WLS, HUBER)]
    day.returns = day.returns.copy()
    day.returns[17] = 9.0
    wild = [day.fit(kind).factor_returns for kind in (WLS, HUBER)]
    squares, robust = (np.abs(new - old).max() for new, old in zip(wild, calm, strict=True))
    assert robust < 0.002
    assert squares > 20 * robust
    assert day.fit(HUBER).specific_returns[17] > 8.9


def test_the_market_is_the_mean_of_the_industries_by_value() -> None:
    day = Day()
    fit = day.fit(HUBER)
    share = np.bincount(day.industry, day.cap) / day.cap.sum()
    assert fit.factor_returns[STYLES:-1] @ share == pytest.approx(0, abs=1e-15)
    explained = day.exposures @ fit.factor_returns[:STYLES]
    explained += fit.factor_returns[STYLES:-1][day.industry] + fit.factor_returns[-1]
    np.testing.assert_allclose(fit.specific_returns, day.returns - explained, atol=1e-15)


@pytest.mark.parametrize("kind", ["wls", "huber"])
def test_a_thin_industry_is_given_the_stocks_it_lacks(kind: str) -> None:
    day = Day()
    alone = np.where(day.industry == 4, 3, day.industry)
    alone[9] = 4
    day.industry = alone
    settings = replace(WLS if kind == "wls" else HUBER, thin_industry=6)
    design, weight = day.design()
    row = np.zeros(STYLES + INDUSTRIES)
    row[-1] = 1
    root = np.sqrt(np.append(weight, 5.0))
    rows = np.vstack([design, row]) * root[:, None]
    target = np.append(day.returns, np.average(day.returns, weights=day.cap)) * root
    if kind == "wls":
        params = np.linalg.lstsq(rows, target, rcond=None)[0]
    else:
        norm = sm.robust.norms.HuberT(1.345)
        params = sm.RLM(target, rows, M=norm).fit(maxiter=500, tol=1e-13).params
    got = day.fit(settings).factor_returns
    np.testing.assert_allclose(got, day.factors(params), rtol=0.0, atol=1e-9)
    # Without the rows the one stock is explained away.
    assert abs(day.fit(WLS).specific_returns[9]) < 1e-12
    assert abs(day.fit(settings).specific_returns[9]) > 1e-4


def test_an_industry_without_stocks_has_no_return() -> None:
    day = Day()
    day.industry = np.where(day.industry == 2, 1, day.industry)
    fit = day.fit(HUBER)
    assert np.flatnonzero(np.isnan(fit.factor_returns)).tolist() == [STYLES + 2]
    assert np.isfinite(fit.specific_returns).all()


def test_unknown_industry_is_the_last_one() -> None:
    day = Day()
    plain = day.fit(HUBER)
    day.industry = np.where(day.industry == INDUSTRIES - 1, -1, day.industry)
    np.testing.assert_array_equal(day.fit(HUBER).factor_returns, plain.factor_returns)


def test_without_industries_the_market_is_the_intercept() -> None:
    day = Day()
    _, weight = day.design()
    design = np.hstack([day.exposures, np.ones((200, 1))])
    other = sm.WLS(day.returns, design, weights=weight).fit()
    fit = day.fit(replace(WLS, thin_industry=500), industries=0)
    np.testing.assert_allclose(fit.factor_returns, other.params, rtol=0.0, atol=1e-13)
    assert fit.adjusted_r_squared == pytest.approx(other.rsquared_adj, rel=1e-10)


def test_stocks_that_are_not_known_are_left_out_and_do_not_move_a_bit() -> None:
    day, more = Day(), Day()
    places = np.array([0, 0, 50, 120, 200])
    more.returns = np.insert(day.returns, places, [np.nan, 0.1, 0.1, 0.1, np.nan])
    more.exposures = np.insert(day.exposures, places, 0.5, axis=0)
    more.exposures[52, 1] = np.nan
    more.industry = np.insert(day.industry, places, [0, 1, 2, 3, 4])
    more.cap = np.insert(day.cap, places, [1e10, np.nan, 1e10, 0.0, np.nan])
    plain, fit = day.fit(HUBER), more.fit(HUBER)
    np.testing.assert_array_equal(fit.factor_returns, plain.factor_returns)
    assert (fit.stocks, fit.r_squared) == (200, plain.r_squared)
    added = places + np.arange(5)
    np.testing.assert_array_equal(np.delete(fit.specific_returns, added), plain.specific_returns)
    # A specific return needs a return and exposures, not a weight.
    assert np.isfinite(fit.specific_returns[added]).tolist() == [False, True, False, True, False]


def test_a_style_that_is_the_same_for_all_has_no_return() -> None:
    day = Day()
    plain = day.fit(HUBER).factor_returns[[0, 2, 3, 4, 5, 6, 7, 8]]
    without = Day()
    without.exposures = np.delete(day.exposures, 1, axis=1)
    day.exposures[:, 1] = 0.0
    fit = day.fit(HUBER)
    assert np.flatnonzero(np.isnan(fit.factor_returns)).tolist() == [1]
    np.testing.assert_array_equal(
        np.delete(fit.factor_returns, 1), without.fit(HUBER).factor_returns
    )
    assert np.abs(plain - np.delete(fit.factor_returns, 1)).max() > 1e-6


def test_styles_that_repeat_each_other_share_their_return() -> None:
    day = Day()
    day.exposures[:, 2] = day.exposures[:, 1]
    fit = day.fit(WLS)
    assert np.isfinite(fit.factor_returns).all()
    assert fit.factor_returns[1] == pytest.approx(fit.factor_returns[2], abs=1e-9)


def test_a_day_of_too_few_stocks_has_no_regression() -> None:
    for stocks, there in ((STYLES + INDUSTRIES, 8), (0, 0)):
        day = Day(stocks=max(stocks, 1))
        if not stocks:
            day.returns[:] = np.nan
        fit = day.fit(HUBER)
        assert fit.stocks == there
        assert np.isnan(fit.factor_returns).all()
        assert np.isnan(fit.specific_returns).all()
        assert np.isnan([fit.r_squared, fit.adjusted_r_squared]).all()
    assert np.isfinite(Day(stocks=STYLES + INDUSTRIES + 1).fit(HUBER).factor_returns).all()


def test_returns_without_spread_have_no_r_squared() -> None:
    day = Day()
    day.returns = np.zeros(200)
    fit = day.fit(HUBER)
    np.testing.assert_allclose(fit.factor_returns, 0.0, atol=1e-18)
    assert np.isnan(fit.r_squared)
