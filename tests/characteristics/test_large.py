import math

import numpy as np
import pytest

from alpha_lightning.characteristics.large import REST, TOP_1, TOP_5, size_classes


def plain_classes(stock: list[int], amount: list[float]) -> list[int]:
    classes = [REST] * len(stock)
    for owner in set(stock):
        rows = [i for i in range(len(stock)) if stock[i] == owner]
        by_size = sorted(rows, key=lambda i: (-amount[i], i))
        for row in by_size[: math.ceil(len(rows) * 5 / 100)]:
            classes[row] = TOP_5
        for row in by_size[: math.ceil(len(rows) / 100)]:
            classes[row] = TOP_1
    return classes


@pytest.mark.parametrize("distinct", [1, 3, 40, 10**6])
def test_the_largest_are_those_of_a_sorted_list(distinct: int) -> None:
    generator = np.random.default_rng(distinct)
    for stocks in (1, 2, 7, 64, 300):
        stock = np.sort(generator.integers(0, stocks, 4000))
        amount = generator.integers(1, distinct + 1, 4000).astype(np.float64)
        expected = plain_classes(stock.tolist(), amount.tolist())
        assert size_classes(stock, amount, stocks).tolist() == expected


def test_amounts_a_bit_apart_are_told_apart() -> None:
    amount = np.full(200, 1e6)
    amount[[20, 70]] = np.nextafter(1e6, 2e6)
    amount[199] = np.nextafter(1e6, 0)
    classes = size_classes(np.zeros(200, dtype=np.int64), amount, stocks=5000)
    assert np.flatnonzero(classes == TOP_1).tolist() == [20, 70]
    # Of the equal ones the earliest are the larger.
    assert np.flatnonzero(classes == TOP_5).tolist() == [0, 1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("count", "top_1", "top_5"), [(1, 1, 1), (20, 1, 1), (21, 1, 2), (100, 1, 5), (101, 2, 6)]
)
def test_numbers_are_rounded_up(count: int, top_1: int, top_5: int) -> None:
    amount = np.arange(1.0, count + 1)
    classes = size_classes(np.full(count, 3), amount, stocks=5)
    assert (classes == TOP_1).sum() == top_1
    assert (classes != REST).sum() == top_5


def test_no_trades() -> None:
    assert size_classes(np.zeros(0, dtype=np.int64), np.zeros(0), 4).tolist() == []
