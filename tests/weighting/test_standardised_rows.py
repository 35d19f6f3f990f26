import numpy as np

from alpha_lightning.weighting.design_matrix import DesignMatrix
from alpha_lightning.weighting.standardised_rows import STEP, rounded, standardised_rows


def rows_of(values: np.ndarray, date: np.ndarray) -> DesignMatrix:
    symbol = np.arange(len(values))
    return DesignMatrix(date, symbol, values.astype(np.float32), tuple("abc"))


def test_each_date_and_column_has_mean_0_and_deviation_1() -> None:
    values = np.random.default_rng(0).lognormal(size=(90, 3))
    date = np.repeat([0, 3, 4], 30)
    design = rows_of(values, date)
    found = standardised_rows(design)
    assert found.values.dtype == np.float32
    assert found.columns == design.columns
    np.testing.assert_array_equal(found.date_index, date)
    for day in (0, 3, 4):
        x = design.values[date == day].astype(np.float64)
        np.testing.assert_allclose(
            found.values[date == day], (x - x.mean(axis=0)) / x.std(axis=0), atol=STEP
        )
    np.testing.assert_array_equal(design.values, values.astype(np.float32))


def test_missing_and_constant_values_are_the_mean() -> None:
    values = np.random.default_rng(0).normal(size=(20, 3))
    values[3, 0] = np.nan
    values[:, 1] = 7.1
    values[:, 2] = np.nan
    found = standardised_rows(rows_of(values, np.zeros(20, dtype=int))).values
    assert found[3, 0] == 0
    assert not found[:, 1:].any()
    others = found[np.arange(20) != 3, 0].astype(float)
    assert abs(others.mean()) < STEP
    assert abs(others.std() - 1) < STEP


def test_no_row_is_no_row() -> None:
    assert len(standardised_rows(rows_of(np.empty((0, 3)), np.empty(0, dtype=int)))) == 0


def test_sums_of_products_do_not_depend_on_their_order() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_t(3, size=(100_000, 3))
    x = standardised_rows(rows_of(values, np.repeat(np.arange(20), 5000))).values.astype(float)
    assert np.abs(x).max() > 20, "tails are part of the question"
    total = x.T @ x
    order = rng.permutation(len(x))
    plain = sum(np.outer(row, row) for row in x[order[:1000]])
    np.testing.assert_array_equal(x[order].T @ x[order], total)
    np.testing.assert_array_equal(x[order[:1000]].T @ x[order[:1000]], plain)


def test_rounds_to_the_nearest_step() -> None:
    np.testing.assert_array_equal(rounded(np.array([0.4, 0.6, -0.6]) * STEP), [0, STEP, -STEP])
