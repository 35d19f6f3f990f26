import numpy as np
import pytest

from alpha_lightning.risk.fundamental_descriptors import (
    compound_growth,
    growth_lags,
    log_count,
    mean_change,
    return_on_equity,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("row", "lags"),
    [
        (0, ()),
        (242, ()),
        (243, (243,)),
        (300, (300, 243)),
        (486, (486, 243)),
        (600, (600, 486, 243)),
        (729, (729, 486, 243)),
        (5000, (729, 486, 243)),
    ],
)
def test_growth_is_told_from_three_years_or_the_first_row(row: int, lags: tuple[int, ...]) -> None:
    assert growth_lags(row) == lags


def test_equity_below_0_has_no_return() -> None:
    made = return_on_equity(np.array([2.0, -1.0, 2.0, 2.0, NAN]), np.array([10.0, 10, 0, -5, 1]))
    np.testing.assert_array_equal(made, [0.2, -0.1, NAN, NAN, NAN])


def test_changes_are_a_year_from_the_earliest_that_is_known() -> None:
    now = np.array([0.4, 0.4, 0.4, NAN])
    then = [np.array([0.1, NAN, NAN, 0.1]), np.array([0.9, 0.2, NAN, 0.1])]
    made = mean_change(now, then, (729, 486))
    np.testing.assert_allclose(made, [0.1, 0.1, NAN, NAN])
    assert np.isnan(mean_change(now, [], ())).all()


def test_growth_is_compound() -> None:
    now = np.array([8.0, 4.0, -1.0, 0.0, 8.0, NAN])
    then = [np.array([1.0, NAN, 1.0, 1.0, -1.0, 1.0]), np.array([9.0, 1.0, 1.0, 1.0, 1.0, 1.0])]
    made = compound_growth(now, then, (729, 486))
    np.testing.assert_allclose(made, [1.0, 1.0, NAN, NAN, NAN, NAN])
    assert np.isnan(compound_growth(now, [], ())).all()


@pytest.mark.parametrize("start", [0.0, -1.0])
def test_a_start_that_cannot_grow_is_not_passed_over(start: float) -> None:
    then = [np.array([start]), np.array([1.0])]
    assert np.isnan(compound_growth(np.array([8.0]), then, (729, 486))).all()


def test_counts_are_logarithms() -> None:
    made = log_count(np.array([0.0, np.e - 1, -1.0, NAN]))
    np.testing.assert_allclose(made, [0, 1, NAN, NAN])
