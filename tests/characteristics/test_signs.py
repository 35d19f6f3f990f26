import numpy as np
from numpy.typing import NDArray

from alpha_lightning.characteristics.signs import tick_signs


def plain_signs(stock: list[int], price: list[float]) -> list[float]:
    signs: list[float] = []
    for i in range(len(price)):
        sign = 0.0
        for j in range(i, 0, -1):
            if stock[j - 1] != stock[i]:
                break
            if price[j] != price[j - 1]:
                sign = 1.0 if price[j] > price[j - 1] else -1.0
                break
        signs.append(sign)
    return signs


def trades(rows: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    stock = np.sort(generator.integers(0, 9, rows))
    return stock, generator.integers(1000, 1003, rows) / 100


def test_a_trade_takes_the_sign_of_the_last_change_of_its_stock() -> None:
    for seed in range(20):
        stock, price = trades(60, seed)
        assert tick_signs(stock, price).tolist() == plain_signs(stock.tolist(), price.tolist())


def test_an_unchanged_price_keeps_its_sign_but_not_into_the_next_stock() -> None:
    stock = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    price = np.array([5.0, 6.0, 6.0, 6.0, 9.0, 9.0, 3.0, 2.0])
    assert tick_signs(stock, price).tolist() == [0, 1, 1, 1, 0, 0, 0, -1]


def test_later_trades_do_not_change_earlier_signs() -> None:
    stock, price = np.zeros(80, dtype=np.int64), trades(80, seed=3)[1]
    changed = price.copy()
    changed[40:] = 20 - changed[40:]
    np.testing.assert_array_equal(tick_signs(stock, price)[:40], tick_signs(stock, changed)[:40])
    assert tick_signs(stock, price)[40] != tick_signs(stock, changed)[40]


def test_no_trades() -> None:
    assert tick_signs(np.zeros(0, dtype=np.int64), np.zeros(0)).tolist() == []
