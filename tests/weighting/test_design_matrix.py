import numpy as np

from alpha_lightning.weighting.design_matrix import DesignMatrix, design_bytes, from_dense, join


def rows(
    dates: list[int], symbols: list[int], values: list[float], name: str = "x"
) -> DesignMatrix:
    column = np.array(values, dtype=np.float32)[:, None]
    return DesignMatrix(np.array(dates), np.array(symbols), column, (name,))


def test_rows_of_a_run_of_dates_are_views() -> None:
    design = rows([2, 2, 3, 5, 5], [0, 1, 0, 0, 1], [1, 2, 3, 4, 5])
    part = design.on(np.array([3, 4, 5]))
    assert part.date_index.tolist() == [3, 5, 5]
    assert part.values[:, 0].tolist() == [3, 4, 5]
    assert np.shares_memory(part.values, design.values)
    assert len(design.on(np.array([4]))) == 0
    assert len(design.on(np.array([], dtype=int))) == 0


def test_where_keeps_columns_together() -> None:
    design = rows([0, 0, 1], [0, 1, 0], [1, 2, 3])
    kept = design.where(np.array([True, False, True]))
    assert kept.symbol_index.tolist() == [0, 0]
    assert kept.values[:, 0].tolist() == [1, 3]
    assert design.where(np.ones(3, dtype=bool)) is design


def test_dense_features_become_rows() -> None:
    values = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    mask = np.ones((4, 3), dtype=bool)
    mask[2, 1] = False
    design = from_dense(values, mask, np.array([2, 3]), ("a", "b"))
    assert design.date_index.tolist() == [2, 2, 3, 3, 3]
    assert design.symbol_index.tolist() == [0, 2, 0, 1, 2]
    np.testing.assert_array_equal(design.values[1], values[2, 2])


def test_join_equals_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    cells = [(t, n) for t in range(6) for n in range(5)]
    parts = []
    for name in "abc":
        kept = sorted(cells[k] for k in rng.choice(len(cells), size=17, replace=False))
        numbers = rng.normal(size=17).tolist()
        parts.append(rows([t for t, _ in kept], [n for _, n in kept], numbers, name))
    joined = join(parts)
    assert joined.columns == ("a", "b", "c")
    expected: dict[tuple[int, int], list[float]] = {}
    for k, part in enumerate(parts):
        for t, n, value in zip(part.date_index, part.symbol_index, part.values[:, 0], strict=True):
            expected.setdefault((t, n), [np.nan] * 3)[k] = value
    keys = list(zip(joined.date_index.tolist(), joined.symbol_index.tolist(), strict=True))
    assert keys == sorted(expected)
    np.testing.assert_array_equal(joined.values, [expected[key] for key in sorted(expected)])


def test_join_of_one_is_the_one() -> None:
    part = rows([0, 1], [3, 0], [1, 2])
    joined = join([part])
    np.testing.assert_array_equal(joined.values, part.values)
    assert joined.symbol_index.tolist() == [3, 0]


def test_memory_grows_with_the_rows_and_has_a_bounded_part_for_the_fits() -> None:
    few, many, more = (design_bytes(rows, 450) for rows in (10_000, 1_000_000, 2_000_000))
    assert few == 450 * 10_000 * (12 + 8 * 12)
    assert more - many == 12 * 450 * 1_000_000
    assert design_bytes(1_000_000, 900) == 2 * many
