import math

import numpy as np
import pytest
from scipy import stats

from alpha_lightning.evaluation.ensemble import mean_of_equals, mean_pairwise
from alpha_lightning.weighting.optimal_weights import mean_ic


def test_the_identity_is_exact_for_equals_on_one_date() -> None:
    # Four z-scores of one pairwise correlation and one correlation with the return.
    generator = np.random.default_rng(1)
    basis = np.linalg.qr(stats.zscore(generator.normal(size=(300, 6)), axis=0))[0].T
    basis -= basis.mean(axis=1, keepdims=True)
    basis = np.linalg.qr(basis.T)[0].T
    shared, own, returns = basis[0], basis[1:5], basis[0] + basis[5]
    z = stats.zscore(np.sqrt(0.6) * shared + np.sqrt(0.4) * own, axis=1)
    ics = [np.corrcoef(row, returns)[0, 1] for row in z]
    assert np.ptp(ics) < 1e-12
    expected = np.corrcoef(z.mean(axis=0), returns)[0, 1]
    assert mean_of_equals(ics[0], 0.6, 4) == pytest.approx(expected, abs=1e-12)


def test_equal_scores_are_the_general_identity_with_equal_entries() -> None:
    for n in range(1, 8):
        matrix = np.full((n, n), 0.7) + 0.3 * np.eye(n)
        general = mean_ic(np.full(n, 1 / n), np.full(n, 0.12), matrix)
        assert mean_of_equals(0.12, 0.7, n) == pytest.approx(general, abs=1e-14)
    assert mean_of_equals(0.12, 0.7, math.inf) == pytest.approx(0.12 / math.sqrt(0.7), abs=1e-14)
    many = mean_of_equals(0.12, 0.7, 10**9)
    assert many == pytest.approx(mean_of_equals(0.12, 0.7, math.inf), abs=1e-9)


def test_mean_of_the_pairs() -> None:
    matrix = np.array([[1, 0.1, 0.2], [0.1, 1, 0.6], [0.2, 0.6, 1]])
    assert mean_pairwise(matrix) == pytest.approx(0.3, abs=1e-15)
    assert math.isnan(mean_pairwise(np.ones((1, 1))))
