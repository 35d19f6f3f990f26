import numpy as np

from alpha_lightning.portfolio.benchmark_weights import constituents

LISTED = np.ones(3, dtype=bool)
WEIGHTS = np.array(
    [[0, 0, 0], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.4, 0.4, 0], [0.4, 0.4, 0], [9, 9, 9]],
    dtype=np.float32,
)


def test_weights_are_scaled_to_one_and_what_was_there_is_told() -> None:
    found = constituents(WEIGHTS, 3, LISTED)
    np.testing.assert_allclose(found.weights, [0.5, 0.5, 0])
    np.testing.assert_allclose(found.covered, 0.8, rtol=1e-6)
    partly = constituents(WEIGHTS, 1, np.array([True, False, True]))
    np.testing.assert_allclose(partly.weights, [5 / 7, 0, 2 / 7], rtol=1e-6)
    np.testing.assert_allclose(partly.covered, 0.7, rtol=1e-6)


def test_an_index_that_begins_later_has_nothing() -> None:
    found = constituents(WEIGHTS, 0, LISTED)
    assert (found.weights.tolist(), found.covered) == ([0, 0, 0], 0)


def test_the_age_is_that_of_the_last_change() -> None:
    assert [constituents(WEIGHTS, row, LISTED).age for row in range(5)] == [0, 0, 1, 0, 1]


def test_a_weight_that_is_none_counts_as_none() -> None:
    found = constituents(np.array([[0.6, -0.1, np.nan]]), 0, LISTED)
    assert found.weights.tolist() == [1, 0, 0]
    assert found.covered == 0.6
