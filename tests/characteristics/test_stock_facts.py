import numpy as np

from alpha_lightning.characteristics.stock_facts import StockFacts


def test_columns_are_in_the_order_of_the_names() -> None:
    counts = [np.array([float(k), 10.0 + k]) for k in range(6)]
    matrix = StockFacts(*counts).matrix()
    assert matrix.shape == (2, 6)
    for k, name in enumerate(StockFacts.names()):
        np.testing.assert_array_equal(matrix[:, k], counts[k])
        np.testing.assert_array_equal(matrix[:, k], getattr(StockFacts(*counts), name))
