import numpy as np
import pytest

from alpha_lightning.risk.newey_west import (
    Floats,
    decaying_weights,
    nearest_correlation,
    newey_west,
    newey_west_variances,
    shrunk_correlations,
)


def plain(series: Floats, half_life: float, lags: int) -> Floats:
    """The covariance of the docstring, pair by pair and day by day."""
    days, count = series.shape
    weight = [0.5 ** ((days - 1 - day) / half_life) for day in range(days)]
    away, scale = np.zeros((days, count)), []
    for k in range(count):
        known = [day for day in range(days) if not np.isnan(series[day, k])]
        scale.append(sum(weight[day] for day in known))
        mean = sum(weight[day] * series[day, k] for day in known) / scale[k]
        for day in known:
            away[day, k] = series[day, k] - mean
    made = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            total = 0.0
            for lag in range(-lags, lags + 1):
                for day in range(days):
                    if 0 <= day - lag < days:
                        root = (weight[day] * weight[day - lag]) ** 0.5
                        bartlett = 1 - abs(lag) / (lags + 1)
                        total += bartlett * root * away[day, i] * away[day - lag, j]
            made[i, j] = total / (scale[i] * scale[j]) ** 0.5
    return made


def draw(days: int = 60, count: int = 4) -> Floats:
    series = 0.01 * np.random.default_rng(0).standard_normal((days, count)) + 0.002
    series[:30, 1] = np.nan
    series[5, 2] = np.nan
    return series


@pytest.mark.parametrize(("half_life", "lags"), [(20.0, 0), (20.0, 3), (500.0, 5)])
def test_covariance_is_that_of_plain_loops(half_life: float, lags: int) -> None:
    series = draw()
    told = plain(series, half_life, lags)
    np.testing.assert_allclose(newey_west(series, half_life, lags), told, rtol=1e-10, atol=1e-16)
    variances = newey_west_variances(series, half_life, lags)
    np.testing.assert_allclose(variances, np.diag(told), rtol=1e-10)


def test_variances_from_zero_keep_the_mean() -> None:
    series = np.full((50, 1), 0.01)
    assert newey_west_variances(series, 20, 0)[0] == pytest.approx(0, abs=1e-20)
    assert newey_west_variances(series, 20, 0, mean=False)[0] == pytest.approx(1e-4, rel=1e-12)


def test_more_lags_than_days_are_those_there_are() -> None:
    series = np.random.default_rng(4).standard_normal((4, 2))
    told = plain(series, 9, 50)
    np.testing.assert_allclose(newey_west(series, 9, 50), told, rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(newey_west_variances(series, 9, 50), np.diag(told), atol=1e-15)


def test_no_weights_make_a_covariance_that_is_not_one() -> None:
    # More factors than days, a constant one, one that is never known.
    series = np.random.default_rng(1).standard_normal((15, 30))
    series[:, 4], series[:, 5], series[::2, 6] = 1.0, np.nan, np.nan
    made = newey_west(series, 5, 5)
    assert np.isfinite(made).all()
    assert np.linalg.eigvalsh(made)[0] > -1e-12
    np.testing.assert_allclose(made[[4, 5]], 0.0, atol=1e-12)


def test_autocorrelation_raises_or_lowers_the_variance_of_sums() -> None:
    noise = np.random.default_rng(2).standard_normal((20_000, 1))
    for sign in (1, -1):
        series = noise[1:] + 0.4 * sign * noise[:-1]
        long_run = newey_west_variances(series, 1e9, 60)[0]
        # Bartlett weights leave 1/61 of the first lag out.
        assert long_run == pytest.approx((1 + 0.4 * sign) ** 2, rel=0.12)
        assert newey_west_variances(series, 1e9, 0)[0] == pytest.approx(1.16, rel=0.05)


def test_the_last_day_weighs_most() -> None:
    np.testing.assert_allclose(decaying_weights(5, 2), [0.25, 0.5**1.5, 0.5, 0.5**0.5, 1])


def test_correlations_are_drawn_towards_the_mean_of_their_kinds() -> None:
    kinds = ("style", "style", "style", "industry", "industry", "market")
    made = np.atleast_2d(np.corrcoef(np.random.default_rng(3).standard_normal((6, 40))))
    drawn = shrunk_correlations(made, kinds, 0.3)
    for i in range(6):
        for j in range(6):
            alike = [
                made[a, b]
                for a in range(6)
                for b in range(6)
                if a != b
                and {kinds[a], kinds[b]} == {kinds[i], kinds[j]}
                and (kinds[a] == kinds[b]) == (kinds[i] == kinds[j])
            ]
            told = 1.0 if i == j else 0.7 * made[i, j] + 0.3 * float(np.mean(alike))
            assert drawn[i, j] == pytest.approx(told, abs=1e-12)
    np.testing.assert_allclose(shrunk_correlations(made, kinds, 0.0), made, rtol=1e-12)


def test_what_is_no_correlation_is_made_the_nearest_one() -> None:
    good = np.array([[1.0, 0.5], [0.5, 1.0]])
    np.testing.assert_array_equal(nearest_correlation(good), good)
    bad = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    made = nearest_correlation(bad)
    assert np.linalg.eigvalsh(bad)[0] < -0.5
    assert np.linalg.eigvalsh(made)[0] > -1e-12
    np.testing.assert_allclose(np.diag(made), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(made, made.T)
