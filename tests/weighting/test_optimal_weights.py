"""The algebra of averages against closed forms, the paper's own numbers and brute force."""

import numpy as np
import pytest
from scipy import optimize

from alpha_lightning.weighting.optimal_weights import (
    averaged_correlation,
    mean_ic,
    optimal_weights,
    score_correlation,
)


def correlation_of(count: int, seed: int) -> np.ndarray:
    loadings = np.random.default_rng(seed).normal(size=(count, 40)) + 1.0
    return np.asarray(np.corrcoef(loadings))


@pytest.mark.parametrize("seed", range(5))
def test_no_other_weights_have_a_higher_ic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ic, correlation = rng.uniform(0.05, 0.15, size=4), correlation_of(4, seed)
    weights = optimal_weights(ic, correlation)
    assert weights.sum() == pytest.approx(1)
    best = mean_ic(weights, ic, correlation)
    assert best == pytest.approx(np.sqrt(ic @ np.linalg.inv(correlation) @ ic))
    found = optimize.minimize(lambda w: -mean_ic(w, ic, correlation), np.ones(4) / 4)
    assert best == pytest.approx(-found.fun, abs=1e-6)
    np.testing.assert_allclose(weights, found.x / found.x.sum(), atol=1e-2)


def test_equal_scores_get_equal_weights_and_the_paper_s_identity() -> None:
    correlation = np.full((5, 5), 0.9) + 0.1 * np.eye(5)
    ic = np.full(5, 0.149)
    weights = optimal_weights(ic, correlation)
    np.testing.assert_allclose(weights, 0.2)
    assert mean_ic(weights, ic, correlation) == pytest.approx(0.149 / np.sqrt(0.1 / 5 + 0.9))


def test_shrinking_all_the_way_gives_equal_weights() -> None:
    ic, correlation = np.array([0.05, 0.1, 0.2]), correlation_of(3, 0)
    np.testing.assert_allclose(optimal_weights(ic, correlation, 1.0), 1 / 3)
    spread = [np.ptp(optimal_weights(ic, correlation, share)) for share in (0, 0.25, 0.5, 0.75)]
    assert spread == sorted(spread, reverse=True)
    off_diagonal = correlation[~np.eye(3, dtype=bool)].mean()
    half = np.where(np.eye(3, dtype=bool), 1, (correlation + off_diagonal) / 2)
    expected = np.linalg.inv(half) @ ((ic + ic.mean()) / 2)
    np.testing.assert_allclose(
        optimal_weights(ic, correlation, 0.5), expected / expected.sum(), rtol=1e-9
    )


def test_one_score_has_all_the_weight() -> None:
    np.testing.assert_array_equal(optimal_weights(np.array([0.1]), np.eye(1), 0.5), [1.0])


@pytest.mark.parametrize(
    ("ic", "correlation"),
    [
        ([-0.1, -0.1], np.eye(2)),
        ([0.0, 0.0], np.eye(2)),
        ([0.1, 0.2], np.ones((2, 2))),
        ([0.1, 0.2], np.array([[1, np.nan], [np.nan, 1]])),
        ([0.1, np.nan], np.eye(2)),
    ],
    ids=["negative", "nothing", "singular", "no correlation", "no ic"],
)
def test_without_a_direction_there_are_no_weights(ic: list[float], correlation: np.ndarray) -> None:
    assert np.isnan(optimal_weights(np.array(ic), correlation)).all()


def test_runs_averaged_give_the_paper_s_matrix() -> None:
    """Figure 10 with ten runs gives figure 11 within 0.15 points, all ten pairs."""
    single = """86.3 82.1 80.5 78.4 78.0  84.4 79.2 76.8 77.6  81.5 75.0 74.8  81.9 75.7  81.9"""
    ten = """94.5 94.1 91.5 91.0  93.5 90.5 91.4  89.7 89.4  90.4"""
    upper = np.triu_indices(5)
    matrix = np.zeros((5, 5))
    matrix[upper] = [float(text) / 100 for text in single.split()]
    pairs = zip(*np.triu_indices(5, 1), strict=True)
    for (a, b), printed in zip(pairs, ten.split(), strict=True):
        found = averaged_correlation(matrix[a, b], matrix[a, a], matrix[b, b], 10)
        assert 100 * found == pytest.approx(float(printed), abs=0.15)


def test_correlations_are_means_over_dates_of_the_stocks_both_have() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(3, 6, 30)) + rng.normal(size=(6, 30))
    scores[rng.random(scores.shape) < 0.2] = np.nan
    scores[1, 2] = np.nan
    scores[2, 3] = 1.0
    found = score_correlation(scores)
    for a in range(3):
        for b in range(3):
            days = []
            for x, y in zip(scores[a], scores[b], strict=True):
                both = ~np.isnan(x) & ~np.isnan(y)
                if both.sum() > 2 and np.ptp(x[both]) and np.ptp(y[both]):
                    days.append(np.corrcoef(x[both], y[both])[0, 1])
            assert found[a, b] == pytest.approx(np.mean(days))
    alone = score_correlation(np.stack([scores[0], np.full((6, 30), np.nan)]))
    np.testing.assert_array_equal(alone, [[1, np.nan], [np.nan, 1]])
