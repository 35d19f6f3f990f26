import numpy as np
import pytest

from alpha_lightning.risk.arma import Arma, Floats, fit_arma


def simulate(seed: int, phi: float, theta: float, days: int, series: int) -> Floats:
    """ARMA(1, 1) series ``(days, series)`` of mean 0.001."""
    generator = np.random.default_rng(seed)
    made, before, shock = np.empty((days, series)), np.zeros(series), np.zeros(series)
    for row in made:
        now = 0.01 * generator.standard_normal(series)
        before = phi * before + now + theta * shock
        shock = now
        row[:] = 0.001 + before
    return made


def together(series: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.zeros(series.shape[1], dtype=np.intp)


def test_innovations_are_what_the_past_does_not_explain() -> None:
    series = simulate(0, 0.5, 0.3, 40, 2)
    series[11, 1] = np.nan
    arma = Arma(np.array([0.001, 0.0]), np.array([0.5, -0.2]), np.array([0.3, 0.1]))
    got = arma.innovations(series)
    for column in range(2):
        mean, phi, theta = (float(a[column]) for a in (arma.mean, arma.phi, arma.theta))
        before = shock = 0.0
        for day in range(40):
            away = float(series[day, column]) - mean
            away = 0.0 if np.isnan(away) else away
            shock = away - phi * before - theta * shock
            before = away
            if day == 11 and column == 1:
                assert np.isnan(got[day, column])
            else:
                assert got[day, column] == pytest.approx(shock, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("horizon", [1, 2, 7])
def test_sums_are_what_an_innovation_adds_up_to(horizon: int) -> None:
    arma = Arma(np.zeros(1), np.array([0.6]), np.array([-0.2]))
    psi = [1.0] + [0.6**lag * 0.4 for lag in range(horizon - 1)]
    told = [sum(psi[: horizon - day]) for day in range(horizon)]
    np.testing.assert_allclose(arma.sums(horizon)[:, 0], told, rtol=1e-12)


def test_the_variance_of_a_sum_is_that_of_simulated_ones() -> None:
    arma = Arma(np.zeros(1), np.array([0.8]), np.array([-0.9]))
    told = 1e-4 * (arma.sums(21) ** 2).sum()
    # They begin at rest: nothing but the innovations of these days is in the sum.
    sums = simulate(1, 0.8, -0.9, 21, 40_000).sum(axis=0)
    assert sums.var() == pytest.approx(told, rel=0.03)
    assert told < 0.7 * 21e-4


def test_coefficients_are_recovered() -> None:
    series = simulate(2, 0.6, 0.3, 3000, 4)
    arma = fit_arma(series, together(series))
    np.testing.assert_allclose(arma.phi, 0.6, atol=0.06)
    np.testing.assert_allclose(arma.theta, 0.3, atol=0.06)
    np.testing.assert_allclose(arma.mean, 0.001, atol=0.003)


def test_noise_has_no_autocorrelation() -> None:
    series = simulate(3, 0.0, 0.0, 486, 40)
    long_run = fit_arma(series, together(series)).sums(21)[0]
    np.testing.assert_allclose(long_run, 1.0, atol=0.35)
    assert (np.abs(long_run - 1) < 0.01).mean() > 0.8


def test_series_that_are_alike_tell_each_other_what_one_alone_cannot() -> None:
    # The autocorrelation of the first lag is -0.05: nothing in two years of one series.
    series = simulate(4, 0.8, -0.86, 486, 40)
    true = Arma(np.zeros(1), np.array([0.8]), np.array([-0.86])).sums(21)[0, 0]
    alone = fit_arma(series, np.arange(40)).sums(21)[0]
    shared = fit_arma(series, together(series)).sums(21)[0]
    assert true == pytest.approx(0.704, abs=0.001)
    assert alone.mean() > true + 0.1
    assert shared.mean() == pytest.approx(true, abs=0.06)
    assert np.mean((shared - true) ** 2) < 0.5 * np.mean((alone - true) ** 2)


def test_groups_do_not_touch_each_other() -> None:
    series = np.hstack([simulate(5, 0.5, 0.2, 300, 3), simulate(6, -0.4, 0.0, 300, 3)])
    both = fit_arma(series, np.array([0, 0, 0, 1, 1, 1]))
    first = fit_arma(series[:, :3], np.zeros(3, dtype=np.intp))
    np.testing.assert_array_equal(both.phi[:3], first.phi)
    assert (both.phi[:3] > 0.2).all()
    assert (both.phi[3:] < -0.2).all()


def test_coefficients_stay_inside_stationarity_and_invertibility() -> None:
    walk = simulate(7, 0.999, 0.0, 400, 2)
    over = np.diff(simulate(8, 0.0, 0.0, 400, 2), axis=0)
    for series in (walk, over):
        arma = fit_arma(series, together(series))
        assert (np.abs(arma.phi) <= 0.95).all()
        assert (np.abs(arma.theta) <= 0.95).all()
        assert np.isfinite(arma.innovations(series)).all()


def test_short_constant_and_unknown_series_are_noise() -> None:
    for series in (np.ones((30, 2)), np.zeros((300, 2)), np.full((300, 2), np.nan)):
        arma = fit_arma(series, together(series))
        np.testing.assert_array_equal(arma.phi + arma.theta, 0.0)
        assert np.isfinite(arma.mean).all()
