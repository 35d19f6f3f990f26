from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.evaluation.rank_ic import pearson_by_date
from alpha_lightning.evaluation.score_correlations import (
    correlation_by_date,
    lagged_correlation,
    mean_over_dates,
)

DATES, STOCKS, SCORES = 9, 60, 4
Array = NDArray[Any]


@pytest.fixture
def values() -> list[Array]:
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(DATES, STOCKS))
    scale = [1, 1e-6, 1e6, 3]
    made = [k * (shared + generator.normal(size=shared.shape)) + 5 * k for k in scale]
    for score in made:
        score[generator.random(score.shape) < 0.2] = np.nan
    return made


@pytest.fixture
def masks() -> list[Array]:
    generator = np.random.default_rng(1)
    made = [generator.random((DATES, STOCKS)) < 0.9 for _ in range(SCORES)]
    made[1][3, 15:] = False
    return made


def test_every_pair_is_the_correlation_of_the_stocks_of_both(
    values: list[Array], masks: list[Array]
) -> None:
    values[2][5] = 7.25
    found = correlation_by_date(values, masks)
    for i in range(SCORES):
        for j in range(SCORES):
            expected = pearson_by_date(values[i], values[j], masks[i] & masks[j])
            np.testing.assert_allclose(found[:, i, j], expected, atol=1e-9)
            for date in range(DATES):
                both = masks[i][date] & masks[j][date]
                both &= np.isfinite(values[i][date]) & np.isfinite(values[j][date])
                if date not in (3, 5):
                    plain = np.corrcoef(values[i][date, both], values[j][date, both])[0, 1]
                    assert found[date, i, j] == pytest.approx(plain, abs=1e-9)
    assert np.isnan(found[3, 1]).all(), "fewer than 20 stocks"
    assert np.isnan(found[5, 2]).all(), "constant"


def test_means_pass_over_unknown_dates() -> None:
    by_date = np.array([[[1.0, np.nan]], [[3.0, np.nan]], [[np.nan, np.nan]]])
    assert mean_over_dates(by_date)[0, 0] == 2
    assert np.isnan(mean_over_dates(by_date)[0, 1])


@pytest.mark.parametrize("steps", [1, 4, 8])
def test_a_score_against_its_own_past(values: list[Array], masks: list[Array], steps: int) -> None:
    own, mask = values[2], masks[2]
    own[6] = 1.5
    expected = pearson_by_date(own[steps:], own[:-steps], mask[steps:] & mask[:-steps])
    np.testing.assert_allclose(lagged_correlation(own, mask, steps), expected, atol=1e-9)
    assert np.isfinite(expected).any() or steps == 8
