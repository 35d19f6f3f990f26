import math

import numpy as np
import pytest
from scipy.optimize import minimize

from alpha_lightning.risk.garch import Floats, Garch, fit_garch, log_likelihood


def simulate(
    seed: int, alpha: float, beta: float, days: int, series: int, mean: float = 1e-4
) -> Floats:
    """Squared innovations ``(days, series)`` of GARCH(1, 1) series."""
    generator = np.random.default_rng(seed)
    variance, squares = np.full(series, mean), np.empty((days, series))
    for row in squares:
        row[:] = variance * generator.standard_normal(series) ** 2
        variance = mean * (1 - alpha - beta) + alpha * row + beta * variance
    return squares


def plain_loss(squares: list[float], alpha: float, beta: float) -> float:
    """Minus the mean log-likelihood, by the formulas of the docstring."""
    mean = sum(squares) / len(squares)
    variance, total = mean, 0.0
    for square in squares:
        total += 0.5 * (math.log(variance) + square / variance)
        variance = (1 - alpha - beta) * mean + alpha * square + beta * variance
    return total / len(squares)


def test_variances_are_the_recursion() -> None:
    squares = simulate(0, 0.1, 0.8, 60, 2)
    squares[7, 1] = np.nan
    garch = Garch(np.array([1e-4, 2e-4]), np.array([0.1, 0.3]), np.array([0.8, 0.2]))
    got = garch.variances(squares)
    for column in range(2):
        mean, alpha, beta = (float(a[column]) for a in (garch.mean, garch.alpha, garch.beta))
        variance = mean
        for day in range(60):
            assert got[day, column] == pytest.approx(variance, rel=1e-12)
            square = float(squares[day, column])
            square = variance if math.isnan(square) else square
            variance = (1 - alpha - beta) * mean + alpha * square + beta * variance
        assert got[60, column] == pytest.approx(variance, rel=1e-12)


def test_expected_variances_are_the_mean_of_simulated_ones() -> None:
    garch = Garch(np.array([1e-4]), np.array([0.15]), np.array([0.75]))
    ahead = garch.ahead(np.array([3e-4]), 8)[:, 0]
    generator, variance, mean = np.random.default_rng(0), np.full(400_000, 3e-4), []
    for _ in range(8):
        mean.append(variance.mean())
        square = variance * generator.standard_normal(len(variance)) ** 2
        variance = 0.1 * 1e-4 + 0.15 * square + 0.75 * variance
    np.testing.assert_allclose(ahead, mean, rtol=0.01)
    assert ahead[0] == 3e-4


def test_the_likelihood_is_the_plain_one() -> None:
    squares = simulate(1, 0.1, 0.85, 300, 3)
    garch = fit_garch(squares)
    for column in range(3):
        plain = plain_loss(
            squares[:, column].tolist(), float(garch.alpha[column]), float(garch.beta[column])
        )
        assert -log_likelihood(squares, garch)[column] == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("case", [(0.05, 0.93), (0.1, 0.8), (0.3, 0.5), (0.0, 0.0), (0.6, 0.35)])
def test_no_optimiser_finds_a_better_likelihood(case: tuple[float, float]) -> None:
    squares = simulate(2, *case, 486, 2)
    reached = log_likelihood(squares, fit_garch(squares))

    def loss(raw: Floats, column: int) -> float:
        # Any two numbers are a persistence below 1 and the share of alpha in it.
        total, share = 0.999 / (1 + np.exp(-raw))
        alpha = np.array([total * share])
        one = squares[:, [column]]
        garch = Garch(one.mean(axis=0), alpha, total - alpha)
        return -float(log_likelihood(one, garch)[0])

    for column in range(2):
        starts = ([2.0, -2.0], [4.0, -3.0], [-2.0, 0.0])
        found = [minimize(loss, start, (column,), method="Nelder-Mead").fun for start in starts]
        assert -reached[column] <= min(found) + 1e-5


def test_parameters_are_recovered_from_a_long_series() -> None:
    garch = fit_garch(simulate(3, 0.1, 0.8, 4000, 8, mean=5e-5))
    # Standard errors at this length are some 0.015 and 0.03.
    np.testing.assert_allclose(garch.alpha, 0.1, atol=0.04)
    np.testing.assert_allclose(garch.beta, 0.8, atol=0.09)
    assert garch.alpha.mean() == pytest.approx(0.1, abs=0.012)
    assert garch.beta.mean() == pytest.approx(0.8, abs=0.03)
    np.testing.assert_allclose(garch.mean, 5e-5, rtol=0.25)


def test_means_of_squares_are_fitted_like_squares() -> None:
    # A multiplicative error model: what is observed is nearly the variance itself.
    generator, variance = np.random.default_rng(4), 1.0
    series = np.empty((800, 1))
    for day in range(800):
        series[day] = variance * generator.chisquare(100) / 100
        variance = 0.05 + 0.4 * series[day, 0] + 0.55 * variance
    garch = fit_garch(series)
    assert garch.alpha[0] == pytest.approx(0.4, abs=0.06)
    assert garch.beta[0] == pytest.approx(0.55, abs=0.08)


def test_days_without_a_square_are_left_out() -> None:
    squares = simulate(5, 0.1, 0.8, 400, 2)
    squares[::9, 0] = np.nan
    squares[:, 1] = np.nan
    garch = fit_garch(squares)
    assert garch.mean[0] == pytest.approx(np.nanmean(squares[:, 0]), rel=1e-12)
    assert garch.mean[1] == 0
    assert np.isfinite([garch.alpha, garch.beta]).all()
    holes = np.where(np.arange(400)[:, None] % 4 < 2, np.nan, simulate(7, 0.3, 0.6, 400, 3))
    reached = log_likelihood(holes, fit_garch(holes))
    for alpha, total in ((a, t) for a in np.arange(0, 0.9, 0.05) for t in np.arange(a, 1, 0.05)):
        tried = Garch(np.nanmean(holes, axis=0), alpha * np.ones(3), (total - alpha) * np.ones(3))
        assert (log_likelihood(holes, tried) <= reached + 1e-5).all()
    alone = fit_garch(squares[:, :1])
    np.testing.assert_array_equal(alone.alpha, garch.alpha[:1])
    np.testing.assert_array_equal(alone.beta, garch.beta[:1])


def test_no_days_are_no_fit() -> None:
    garch = fit_garch(np.empty((0, 3)))
    np.testing.assert_array_equal([garch.mean, garch.alpha, garch.beta], np.zeros((3, 3)))


def test_a_constant_series_has_no_variance() -> None:
    garch = fit_garch(np.zeros((100, 1)))
    assert garch.mean[0] == 0
    np.testing.assert_array_equal(garch.variances(np.zeros((5, 1))), np.zeros((6, 1)))


def test_the_scale_of_a_series_does_not_matter() -> None:
    squares = simulate(6, 0.12, 0.8, 300, 2)
    small, large = fit_garch(squares), fit_garch(1e8 * squares)
    np.testing.assert_allclose(small.alpha, large.alpha, rtol=1e-9)
    np.testing.assert_allclose(small.beta, large.beta, rtol=1e-9)
