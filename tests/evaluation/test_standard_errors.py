import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from alpha_lightning.evaluation.standard_errors import (
    block_bootstrap,
    newey_west_error,
    overlap,
    paired_difference,
    plain_error,
    ratio_of_means,
)

Series = NDArray[np.float64]


def newey_west_by_loops(series: list[float], lag: int) -> float:
    seen = [x for x in series if not math.isnan(x)]
    n, mean = len(seen), sum(seen) / len(seen)
    total = 0.0
    for i, x in enumerate(series):
        for j, y in enumerate(series):
            if abs(i - j) <= lag and not (math.isnan(x) or math.isnan(y)):
                total += (1 - abs(i - j) / (lag + 1)) * (x - mean) * (y - mean)
    return math.sqrt(total / n / (n - 1))


@pytest.mark.parametrize("lag", [0, 1, 3, 9])
@pytest.mark.parametrize("holes", [0, 7])
def test_newey_west_against_plain_loops(lag: int, holes: int) -> None:
    generator = np.random.default_rng(lag + holes)
    series = np.convolve(generator.normal(0.1, 0.09, 120), [0.5, 0.3, 0.2], "valid")
    series[generator.choice(len(series), holes, replace=False)] = np.nan
    assert newey_west_error(series, lag) == pytest.approx(
        newey_west_by_loops(series.tolist(), lag), abs=1e-12
    )


def test_plain_error_is_that_of_scipy_and_newey_west_without_lags() -> None:
    series = np.random.default_rng(1).normal(size=50)
    series[[3, 8]] = np.nan
    expected = stats.sem(series[np.isfinite(series)])
    assert plain_error(series) == pytest.approx(expected, abs=1e-12)
    assert newey_west_error(series, 0) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("horizon", "step", "steps"), [(5, 5, 0), (10, 5, 1), (20, 5, 3), (20, 1, 19), (1, 1, 0)]
)
def test_overlap_counts_signals_whose_returns_share_a_day(
    horizon: int, step: int, steps: int
) -> None:
    shared = [k for k in range(1, 30) if k * step < horizon]
    assert overlap(horizon, step) == steps == max(shared, default=0)


def test_bootstrap_of_independent_draws_agrees_with_theory() -> None:
    series = np.random.default_rng(5).normal(0.1, 0.08, 600)
    errors = block_bootstrap(series, lag=0, seed=1)
    assert errors.block == 9
    assert errors.mean == pytest.approx(plain_error(series), rel=0.12)
    ratio = series.mean() / series.std(ddof=1)
    assert errors.ratio == pytest.approx(math.sqrt((1 + ratio**2 / 2) / 600), rel=0.15)


def test_bootstrap_and_newey_west_see_overlap_that_the_plain_error_misses() -> None:
    shocks = np.random.default_rng(6).normal(size=1003)
    series = np.convolve(shocks, np.ones(4) / 4, "valid")
    # The mean of n overlapping averages of 4 has about the error of the mean of n shocks.
    truth = 1 / math.sqrt(1000)
    assert plain_error(series) < 0.6 * truth
    assert newey_west_error(series, 12) == pytest.approx(truth, rel=0.2)
    assert block_bootstrap(series, 12).mean == pytest.approx(truth, rel=0.2)


def test_bootstrap_is_seeded_and_ignores_skipped_dates() -> None:
    series = np.random.default_rng(7).normal(size=80)
    holed = np.insert(series, [10, 40], np.nan)
    assert block_bootstrap(series, 3, seed=2) == block_bootstrap(holed, 3, seed=2)
    assert block_bootstrap(series, 3, seed=2) != block_bootstrap(series, 3, seed=3)


@pytest.mark.parametrize("length", [0, 1, 2])
def test_too_short_series_have_no_error(length: int) -> None:
    series = np.linspace(0.1, 0.2, length)
    errors = block_bootstrap(series, 0)
    assert math.isnan(errors.mean)
    assert math.isnan(errors.ratio)
    if length < 2:
        assert math.isnan(plain_error(series))
        assert math.isnan(newey_west_error(series, 1))


def test_a_constant_series_has_no_error_and_no_ratio() -> None:
    errors = block_bootstrap(np.full(30, 0.25), 0)
    assert errors.mean == 0
    assert math.isnan(errors.ratio)


def correlated_pair(length: int, seed: int) -> tuple[Series, Series]:
    generator = np.random.default_rng(seed)
    market = generator.normal(0.2, 0.1, length)
    a = 0.6 * market + generator.normal(0, 0.02, length)
    b = market + generator.normal(0, 0.02, length)
    a[3] = b[7] = b[11] = np.nan
    return a, b


def test_a_paired_difference_against_plain_loops() -> None:
    a, b = correlated_pair(60, 1)
    mean, error = paired_difference(a, b, 2)
    differences = [x - y for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    seen = [x for x in differences if not math.isnan(x)]
    assert len(seen) == 57
    assert mean == pytest.approx(sum(seen) / len(seen), abs=1e-12)
    assert error == pytest.approx(newey_west_by_loops(differences, 2), abs=1e-12)
    # What two scores share is not in the error of their difference.
    assert error < 0.5 * math.hypot(newey_west_error(a, 2), newey_west_error(b, 2))
    assert all(map(math.isnan, paired_difference(np.full(5, np.nan), np.ones(5), 1)))


def test_a_ratio_against_the_delta_method_written_out() -> None:
    a, b = correlated_pair(80, 2)
    ratio, error = ratio_of_means(a, b, 0)
    both = np.isfinite(a) & np.isfinite(b)
    x, y = a[both], b[both]
    n = len(x)
    covariance = np.cov(x, y, ddof=1) / n
    gradient = np.array([1 / y.mean(), -x.mean() / y.mean() ** 2])
    assert ratio == pytest.approx(x.mean() / y.mean(), abs=1e-12)
    assert error == pytest.approx(math.sqrt(gradient @ covariance @ gradient), abs=1e-12)


def test_the_error_of_a_ratio_is_its_spread_over_samples() -> None:
    draws = [ratio_of_means(*correlated_pair(300, seed), 0) for seed in range(300)]
    ratios, errors = np.array(draws).T
    assert np.mean(ratios) == pytest.approx(0.6, abs=0.005)
    assert np.std(ratios) == pytest.approx(np.mean(errors), rel=0.15)


def test_a_ratio_to_nothing_is_no_number() -> None:
    a = np.linspace(0.1, 0.2, 9)
    for b in (np.full(9, np.nan), -a, np.zeros(9)):
        assert all(map(math.isnan, ratio_of_means(a, b, 1)))
