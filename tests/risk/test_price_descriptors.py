import numpy as np
import pytest

from alpha_lightning.risk.factor_risk import Floats
from alpha_lightning.risk.price_descriptors import (
    BETA_HALF_LIFE,
    LEAST,
    YEAR,
    half_life_weights,
    liquidity,
    market_beta,
    shrunk_beta,
    trend,
    volatility,
)
from alpha_lightning.risk.window_fits import Window, WindowFit


def window(values: Floats) -> Window:
    known = np.isfinite(values)
    return Window(np.where(known, values, 0.0), known.astype(np.float64))


def test_a_day_weighs_half_after_its_half_life() -> None:
    weights = half_life_weights(YEAR, BETA_HALF_LIFE)
    assert weights[-1] == 1
    assert weights[-1 - BETA_HALF_LIFE] == 0.5


def test_a_stock_that_follows_the_market_has_its_beta() -> None:
    market = np.random.default_rng(0).normal(0, 0.01, YEAR)
    returns = np.array([[0.5], [1.7]]) * market + 0.001
    returns[0, : YEAR - LEAST] = np.nan
    fit = market_beta(window(returns), market)
    np.testing.assert_allclose(fit.slope, [0.5, 1.7])
    np.testing.assert_allclose(fit.error, 0, atol=1e-12)
    returns[0, YEAR - LEAST] = np.nan
    assert np.isnan(market_beta(window(returns), market).slope).tolist() == [True, False]


def test_recent_days_count_more() -> None:
    market = np.random.default_rng(0).normal(0, 0.01, YEAR)
    slopes = np.where(np.arange(YEAR) < YEAR - BETA_HALF_LIFE, 0.0, 1.0)
    made = market_beta(window((slopes * market)[None]), market).slope
    assert 0.6 < made[0] < 0.75


def fit_of(slope: list[float], error: list[float]) -> WindowFit:
    return WindowFit(np.array(slope), np.array(error), np.zeros(len(slope)))


def test_uncertain_betas_are_drawn_to_their_industry() -> None:
    slopes = [1.0, 2.0, 4.0, 1.0, 1.2, float("nan")]
    fit = fit_of(slopes, [0.0, 1e9, 1.0, 0.0, 0.0, float("nan")])
    cap = np.array([1.0, 1.0, 2.0, 1.0, 1.0, 1.0])
    made = shrunk_beta(fit, np.array([0, 0, 0, 1, 1, 1]), cap, thin=2)
    spread, mean = np.var([1.0, 2.0, 4.0]), 11 / 4
    assert made[0] == pytest.approx(1.0)
    assert made[1] == pytest.approx(mean)
    assert made[2] == pytest.approx((spread * 4 + mean) / (spread + 1))
    np.testing.assert_allclose(made[3:], [1, 1.2, np.nan])


@pytest.mark.parametrize("industry", [[0, 0, 0, 1], [-1, -1, -1, -1]])
def test_betas_of_thin_or_unknown_industries_are_drawn_to_all(industry: list[int]) -> None:
    fit = fit_of([1.0, 2.0, 4.0, 9.0], [0.1, 0.1, 0.1, 1e9])
    made = shrunk_beta(fit, np.array(industry), np.ones(4), thin=3)
    assert made[3] == pytest.approx(4.0)


def test_unknown_industries_are_no_industry() -> None:
    fit = fit_of([1.0, 2.0, 3.0, 7.0, 8.0, 9.0], [1e9] * 6)
    made = shrunk_beta(fit, np.array([-1, -1, -1, 0, 0, 0]), np.ones(6), thin=3)
    np.testing.assert_allclose(made, [5, 5, 5, 8, 8, 8])


def test_windows_are_a_year_of_which_half_must_be_known() -> None:
    assert (YEAR, LEAST) == (243, 122)


def test_equal_betas_stay() -> None:
    made = shrunk_beta(fit_of([1.0, 1.0], [0.0, 0.0]), np.array([0, 0]), np.ones(2), thin=1)
    assert made.tolist() == [1.0, 1.0]


def test_trend_by_hand() -> None:
    prices = np.full((4, 300), 7.0)
    prices[1] = np.linspace(1, 2, 300)
    prices[2, :61] = np.nan
    prices[3, :181] = np.nan
    short, long = trend(window(prices))
    assert short[0] == pytest.approx(1)
    weights = {h: half_life_weights(300, h) for h in (20, 120, 240)}
    means = {h: w @ prices[1] / w.sum() for h, w in weights.items()}
    assert short[1] == pytest.approx(means[20] / means[120])
    assert long[1] == pytest.approx(means[20] / means[240])
    assert long[1] > short[1] > 1
    assert np.isnan(short).tolist() == [False, False, False, True]
    assert np.isnan(long).tolist() == [False, False, True, True]


def test_volatility_by_hand() -> None:
    generator = np.random.default_rng(2)
    returns, market = generator.normal(0, 0.02, (3, YEAR)), generator.normal(0, 0.01, (YEAR, 1))
    returns[0] = 2 * market[:, 0] + np.tile([0.01, 0, -0.01], YEAR // 3)
    returns[1, : YEAR - LEAST + 1] = np.nan
    high, low = np.full((3, YEAR), 3.0), np.full((3, YEAR), 2.0)
    high[2, 5], low[2, 100], high[2, 7], low[2, 9] = 8.0, 1.0, np.nan, np.nan
    deviation, residual, span, best, worst = volatility(window(returns), high, low, market)
    assert deviation[0] == pytest.approx(returns[0].std(ddof=1))
    assert 0.005 < residual[0] < 0.009 < deviation[0]
    assert span.tolist() == [0.5, 0.5, 7.0]
    ordered = np.sort(returns[2])
    assert best[2] == pytest.approx(ordered[-6:].mean())
    assert worst[2] == pytest.approx(-ordered[:6].mean())
    for part in (deviation, residual, best, worst):
        assert np.isnan(part).tolist() == [False, True, False]


def test_a_wilder_stock_is_higher_in_every_descriptor() -> None:
    generator = np.random.default_rng(3)
    calm, market = generator.normal(0, 0.01, YEAR), generator.normal(0, 0.01, (YEAR, 3))
    returns = np.stack([calm, 3 * calm])
    prices = np.exp(np.cumsum(returns, axis=1), dtype=np.float64)
    for part in volatility(window(returns), prices, prices, market):
        assert part[1] > part[0]


@pytest.mark.parametrize("days", [1, 5, LEAST - 1])
def test_a_panel_that_begins_says_nothing(days: int) -> None:
    values = np.random.default_rng(0).normal(size=(3, days))
    series = np.zeros((days, 3))
    for part in volatility(window(values), values, values, series):
        assert np.isnan(part).all()
    for part in (*liquidity(window(values), series[:, 0]), *trend(window(values))[1:]):
        assert np.isnan(part).all()
    assert np.isnan(market_beta(window(values), series[:, 0]).slope).all()


def test_liquidity_by_hand() -> None:
    market = np.random.default_rng(4).normal(-4, 0.3, YEAR)
    turnover = np.stack([1 + 2 * market, np.full(YEAR, -3.0), market])
    turnover[2, : YEAR - LEAST + 1] = np.nan
    turnover[0, 7] = np.nan
    mean, slope = liquidity(window(turnover), market)
    np.testing.assert_allclose(mean, [np.nanmean(turnover[0]), -3, np.nan])
    np.testing.assert_allclose(slope, [2, 0, np.nan], atol=1e-9)
