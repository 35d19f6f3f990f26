import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.characteristics.trailing_amounts import LargeBars, TrailingAmounts

Matrix = NDArray[np.float64]


def amounts(days: int, stocks: int, width: int = 48, seed: int = 0) -> list[Matrix]:
    """Money of bars with gaps; some stocks are suspended on some days."""
    rng = np.random.default_rng(seed)
    shape = (days, stocks, width)
    money = np.round(rng.lognormal(12, 1.5, shape), 2)
    open_days = rng.random((days, stocks, 1)) < rng.uniform(0.2, 1.2, (1, stocks, 1))
    traded = open_days & (rng.random(shape) < rng.uniform(0.05, 1.2, (1, stocks, 1)))
    traded[:, 0] = False
    traded[:, 1] = True
    return list(np.where(traded, money, np.nan))


def fed(days: list[Matrix], look_back: int = 20) -> list[LargeBars]:
    trailing = TrailingAmounts(look_back)
    return [trailing.add(day) for day in days]


def plain_percentile(values: list[float], per_cent: float) -> float:
    ordered = sorted(values)
    place = per_cent / 100 * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


# More stocks than are looked at together.
@pytest.mark.parametrize(("look_back", "stocks"), [(20, 300), (3, 10), (1, 5)])
def test_thresholds_are_percentiles_of_the_last_days(look_back: int, stocks: int) -> None:
    days = amounts(26, stocks)
    given = fed(days, look_back)
    for t, large in enumerate(given):
        for stock in (*range(5), stocks - 1):
            window = [day[stock] for day in days[max(t - look_back + 1, 0) : t + 1]]
            pool = [float(x) for row in window for x in row if not np.isnan(x)]
            open_days = sum(bool((~np.isnan(row)).any()) for row in window)
            expected = [np.nan, np.nan]
            if t >= look_back - 1 and open_days >= look_back / 2:
                expected = [plain_percentile(pool, 99), plain_percentile(pool, 95)]
            np.testing.assert_allclose([large.p1[stock], large.p5[stock]], expected, rtol=1e-12)
    assert np.isfinite(given[-1].p1).any()


def test_nothing_is_known_before_twenty_days() -> None:
    given = fed(amounts(22, 10))
    known = [bool(np.isfinite(large.p5[1])) for large in given]
    assert known == [False] * 19 + [True] * 3


def test_a_stock_needs_ten_days_with_a_trade() -> None:
    days = [np.full((1, 8), np.nan) for _ in range(30)]
    for t in (*range(5), *range(15, 20)):
        days[t][0, 3] = 1000.0 + t
    known = [bool(np.isfinite(large.p1[0])) for large in fed(days)]
    assert known == [t == 19 for t in range(30)]


def test_the_largest_1_per_cent_are_among_the_largest_5() -> None:
    given = fed(amounts(25, 300))[-1]
    known = np.isfinite(given.p1)
    assert known.any()
    assert (given.p1[known] >= given.p5[known]).all()


@pytest.mark.parametrize("money", [0.1, 1234.56])
def test_bars_that_are_all_alike_are_not_large(money: float) -> None:
    given = fed([np.full((1, 7), money)] * 20)[-1]
    assert given.p1[0] == given.p5[0] == money


def test_the_future_does_not_change_the_past() -> None:
    days, others = amounts(40, 20), amounts(40, 20, seed=9)
    whole = fed(days)
    changed = fed(days[:30] + others[30:])
    for t in range(30):
        np.testing.assert_array_equal(whole[t].p1, changed[t].p1)
        np.testing.assert_array_equal(whole[t].p5, changed[t].p5)
    assert not np.array_equal(whole[30].p5, changed[30].p5, equal_nan=True)


def test_thresholds_depend_on_the_last_twenty_days_only() -> None:
    days = amounts(45, 20)
    late = fed(days[15:])
    for t, large in enumerate(fed(days)[34:]):
        np.testing.assert_array_equal(large.p1, late[19 + t].p1)
        np.testing.assert_array_equal(large.p5, late[19 + t].p5)


def test_no_stocks_have_no_thresholds() -> None:
    assert fed([np.empty((0, 48))] * 20)[-1].p1.shape == (0,)


def test_the_input_is_left_alone() -> None:
    days, again = amounts(25, 10), amounts(25, 10)
    fed(days)
    np.testing.assert_array_equal(days, again)
