import numpy as np
import pytest
from scipy import stats

from alpha_lightning.evaluation.rank_ic_orders import order_dates


def ranks_by_stock(values: np.ndarray, present: np.ndarray, counted: np.ndarray) -> np.ndarray:
    order = order_dates(values, present)
    chosen = counted.ravel()[order.places]
    ranks = order.ranks(chosen)
    found = np.empty(values.size)
    found[order.places.ravel()] = np.where(chosen, ranks.values, 0).ravel()
    by_stock = found.reshape(values.shape)
    np.testing.assert_array_equal(ranks.number, counted.sum(axis=1))
    for those, row, squares in zip(counted, by_stock, ranks.squares, strict=True):
        expected = np.square(row[those] - (those.sum() + 1) / 2).sum()
        assert squares == pytest.approx(expected, rel=1e-12, abs=1e-12)
    return by_stock


def by_scipy(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    expected = np.zeros(values.shape)
    for date, those in enumerate(counted):
        expected[date, those] = stats.rankdata(values[date, those])
    return expected


@pytest.mark.parametrize("stocks", [1, 2, 64, 65, 300])
@pytest.mark.parametrize("decimals", [16, 1, 0])
def test_ranks_of_any_part_against_scipy(stocks: int, decimals: int) -> None:
    generator = np.random.default_rng(stocks + decimals)
    values = generator.normal(size=(7, stocks)).round(decimals)
    values[generator.random(values.shape) < 0.2] = np.nan
    values[2] = 0.5
    values[3] = np.nan
    present = np.isfinite(values) & (generator.random(values.shape) < 0.9)
    counted = present & (generator.random(values.shape) < 0.7)
    found = ranks_by_stock(values, present, counted)
    np.testing.assert_array_equal(found, by_scipy(values, counted))


def test_values_that_differ_in_the_last_bit_are_not_tied_and_zeros_of_both_signs_are() -> None:
    generator = np.random.default_rng(0)
    close = np.nextafter(1.0, 2.0) ** generator.integers(-3, 4, size=(5, 400))
    values = np.concatenate([close, -close, generator.choice([0.0, -0.0], size=(5, 30))], axis=1)
    values[:, ::7] = generator.normal(size=values[:, ::7].shape)
    values = np.asfortranarray(generator.permuted(values, axis=1))
    everything = np.ones(values.shape, dtype=bool)
    assert len(np.unique(close)) > 5
    found = ranks_by_stock(values, everything, everything)
    np.testing.assert_array_equal(found, by_scipy(values, everything))


def test_the_largest_and_the_smallest_numbers_and_all_that_is_missing_keep_their_places() -> None:
    largest = np.finfo(np.float64).max
    values = np.array([[largest, np.inf, -largest, np.nan, 5e-324, -5e-324, 0.0, largest]])
    present = np.isfinite(values)
    found = ranks_by_stock(values, present, present)
    np.testing.assert_array_equal(found, [[5.5, 0, 1, 0, 4, 2, 3, 5.5]])


@pytest.mark.parametrize("decimals", [16, 1])
def test_a_part_of_the_dates_is_the_order_of_these_dates(decimals: int) -> None:
    values = np.random.default_rng(1).normal(size=(9, 50)).round(decimals)
    present = np.abs(values) < 1.5
    part, alone = order_dates(values, present).part(2, 5), order_dates(values[2:7], present[2:7])
    for name in ("places", "present", "first", "last"):
        np.testing.assert_array_equal(getattr(part, name), getattr(alone, name))
    assert (len(part.first) > 0) is (decimals == 1)
