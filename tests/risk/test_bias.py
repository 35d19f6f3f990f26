import numpy as np
import pytest

from alpha_lightning.risk.bias import (
    DRAWS,
    Draw,
    bias_statistic,
    mean_bias,
    of_period,
    random_portfolios,
)


def test_the_statistic_is_the_deviation_of_what_was_standardised() -> None:
    generator = np.random.default_rng(0)
    volatility = np.exp(generator.standard_normal(5000))
    realised = volatility * generator.standard_normal(5000)
    assert bias_statistic(realised, volatility) == pytest.approx(1, abs=0.03)
    assert bias_statistic(realised, volatility / 2) == pytest.approx(2, abs=0.06)
    told = np.std(realised[:9] / volatility[:9], ddof=1)
    assert bias_statistic(realised[:9], volatility[:9]) == told


def test_periods_that_are_not_known_are_left_out() -> None:
    realised = np.array([0.1, np.nan, -0.1, 0.3, 0.2])
    volatility = np.array([0.1, 0.1, 0.1, np.nan, 0.0])
    assert bias_statistic(realised, volatility) == pytest.approx(np.sqrt(2), rel=1e-12)
    assert np.isnan(bias_statistic(realised[:2], volatility[:2]))
    both = np.stack([realised, np.full(5, np.nan)], axis=1)
    assert mean_bias(both, np.stack([volatility] * 2, axis=1)) == pytest.approx(np.sqrt(2))
    assert np.isnan(mean_bias(both[:, 1:], volatility[:, None]))


def test_the_mean_is_over_portfolios() -> None:
    realised = np.random.default_rng(1).standard_normal((50, 3))
    volatility = np.array([1.0, 2.0, 0.5]) * np.ones((50, 3))
    each = [bias_statistic(realised[:, k], volatility[:, k]) for k in range(3)]
    assert mean_bias(realised, volatility) == pytest.approx(np.mean(each), rel=1e-12)


def test_a_year_of_volatility_is_243_days() -> None:
    np.testing.assert_allclose(of_period(np.array([0.2]), 243), 0.2, rtol=1e-15)
    np.testing.assert_allclose(of_period(np.array([0.2]), 3), 0.2 / 9, rtol=1e-15)


@pytest.mark.parametrize("draw", DRAWS)
def test_portfolios_are_what_their_names_say(draw: Draw) -> None:
    industry = np.arange(100) % 5
    industry[::7] = -2
    industry[3] = -1
    weights = random_portfolios(np.random.default_rng(0), draw, industry, 20)
    assert weights.shape == (20, 100)
    assert not weights[:, ::7].any()
    np.testing.assert_allclose(weights.sum(axis=1), draw == "long-only", atol=1e-12)
    assert (weights.min() >= 0) == (draw == "long-only")
    long = np.maximum(weights, 0).sum(axis=1)
    assert long.max() <= 1 + 1e-12
    assert long.min() > 0.3
    if draw == "long-only":
        np.testing.assert_array_equal((weights > 0).sum(axis=1), (industry > -2).sum() // 10)
    if draw == "industry":
        for made in weights:
            for sign in (1, -1):
                own = np.flatnonzero(sign * made > 0)
                np.testing.assert_array_equal(np.flatnonzero(industry == industry[own[0]]), own)
    again = random_portfolios(np.random.default_rng(0), draw, industry, 20)
    np.testing.assert_array_equal(weights, again)


def test_nothing_to_hold_is_refused() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(ValueError, match="long-only portfolios need stocks"):
        random_portfolios(generator, "long-only", np.full(5, -2), 1)
    with pytest.raises(ValueError, match="of two industries for bets: 1 there"):
        random_portfolios(generator, "industry", np.zeros(5, dtype=np.int64), 1)
