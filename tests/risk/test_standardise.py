import numpy as np
import pytest

from alpha_lightning.risk.standardise import orthogonal, standardised, style_of, winsorised

ALL = np.ones(6, dtype=np.bool_)
CAP = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
NAN = float("nan")


def test_what_lies_far_is_drawn_back_to_five_deviations() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 1e6, NAN])
    reach = 5 * 1.4826
    np.testing.assert_allclose(winsorised(values, ALL), [1, 2, 3, 4, 3 + reach, NAN])


def test_bounds_are_told_from_the_universe_alone() -> None:
    values = np.array([1.0, 2.0, 3.0, 1e6, 1e6, -1e6])
    universe = np.array([True, True, True, False, False, False])
    reach = 5 * 1.4826
    expected = [1, 2, 3, 2 + reach, 2 + reach, 2 - reach]
    np.testing.assert_allclose(winsorised(values, universe), expected)


def test_mostly_equal_values_are_left_alone() -> None:
    values = np.array([0.0, 0.0, 0.0, 0.0, 9.0, NAN])
    np.testing.assert_array_equal(winsorised(values, ALL), values)


def test_the_mean_is_weighted_and_the_deviation_is_not() -> None:
    values = np.array([1.0, 4.0, 2.0, 8.0, 5.0, 7.0])
    made = standardised(values, ALL, CAP)
    assert CAP @ made == pytest.approx(0, abs=1e-12)
    assert made.std() == pytest.approx(1)
    assert np.argsort(made).tolist() == np.argsort(values).tolist()


def test_stocks_outside_the_universe_are_measured_by_it() -> None:
    universe = np.array([True, True, False, True, True, True])
    values = np.array([1.0, 4.0, 1e9, 8.0, 5.0, NAN])
    made = standardised(values, universe, CAP)
    assert CAP[[0, 1, 3, 4]] @ made[[0, 1, 3, 4]] == pytest.approx(0, abs=1e-12)
    assert made[[0, 1, 3, 4]].std() == pytest.approx(1)
    assert made[2] > 1e6
    assert np.isnan(made[5])


@pytest.mark.parametrize("value", [0.0, 0.1, -3e100, 1 / 3])
def test_constant_values_say_nothing(value: float) -> None:
    values = np.full(6, value)
    values[2] = NAN
    np.testing.assert_array_equal(standardised(values, ALL, CAP), [0, 0, NAN, 0, 0, 0])


def test_values_of_one_stock_or_of_few_say_nothing() -> None:
    one = np.array([1.0, NAN, NAN, NAN, NAN, NAN])
    assert np.isnan(standardised(one, ALL, CAP)).all()
    many = np.ones(100, dtype=np.bool_)
    few = np.full(100, NAN)
    few[:9] = np.arange(9)
    assert np.isnan(standardised(few, many, np.ones(100))).all()
    few[9] = 9
    assert np.isfinite(standardised(few, many, np.ones(100))[:10]).all()


def test_a_style_is_the_mean_of_what_is_known() -> None:
    first = np.array([1.0, 2.0, 4.0, 3.0, NAN, NAN])
    second = np.array([4.0, 1.0, NAN, 2.0, 9.0, NAN])
    a, b = standardised(first, ALL, CAP), standardised(second, ALL, CAP)
    mean = np.array([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, a[2], (a[3] + b[3]) / 2, b[4], NAN])
    expected = np.nan_to_num(standardised(mean, ALL, CAP))
    np.testing.assert_allclose(style_of([first, second], ALL, CAP), expected)
    assert style_of([first, second], ALL, CAP)[5] == 0


def test_a_style_of_nothing_is_0() -> None:
    unknown = np.full(6, NAN)
    assert style_of([unknown, unknown], ALL, CAP).tolist() == [0.0] * 6
    assert style_of([], ALL, CAP).tolist() == [0.0] * 6
    nobody = np.zeros(6, dtype=np.bool_)
    assert style_of([CAP], nobody, CAP).tolist() == [0.0] * 6


def test_infinite_descriptors_are_unknown() -> None:
    values = np.array([1.0, 2.0, 4.0, 3.0, np.inf, -np.inf])
    expected = style_of([np.where(np.isfinite(values), values, NAN)], ALL, CAP)
    np.testing.assert_array_equal(style_of([values], ALL, CAP), expected)


def test_what_is_beyond_size_is_orthogonal_to_it_in_the_regression_weights() -> None:
    size = np.array([-1.0, 0.5, 2.0, 0.1, -0.7, 1.0])
    values = np.array([1.0, 4.0, 2.0, NAN, 5.0, 7.0])
    universe = np.array([True, True, True, True, True, False])
    made = orthogonal(values, size, universe, CAP)
    counts = universe & np.isfinite(values)
    root = np.sqrt(CAP[counts])
    assert root @ made[counts] == pytest.approx(0, abs=1e-12)
    assert root @ (made * size)[counts] == pytest.approx(0, abs=1e-12)
    assert np.isnan(made[3])
    line = np.polynomial.Polynomial.fit(size[counts], (values - made)[counts], 1)
    assert made[5] == pytest.approx(values[5] - line(size[5]))


def test_nothing_is_left_beyond_size_of_what_size_says() -> None:
    size = np.array([-1.0, 0.5, 2.0, 0.1, -0.7, 1.0])
    assert orthogonal(3 * size + 0.3, size, ALL, CAP).tolist() == [0.0] * 6
    flat = orthogonal(CAP, np.zeros(6), ALL, CAP)
    assert np.sqrt(CAP) @ flat == pytest.approx(0, abs=1e-12)
    assert np.isnan(orthogonal(np.full(6, NAN), size, ALL, CAP)).all()
