import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.characteristics.rawbar import FIELDS, KINDS, carry_forward, rawbar

Matrix = NDArray[np.float64]
PRICES = [k for k, kind in enumerate(KINDS) if kind == "price"]


def market(dates: int = 40, stocks: int = 12, seed: int = 0) -> dict[str, Matrix]:
    generator = np.random.default_rng(seed)
    shape = (dates, stocks)
    fields = {name: generator.uniform(5, 50, shape) for name in FIELDS}
    fields["vwap"][generator.random(shape) < 0.1] = np.nan
    splits = np.cumsum(generator.random(shape) < 0.05, axis=0)
    fields["adj_factor"] = np.exp2(splits.astype(np.float64))
    return fields


def presence(dates: int = 40, stocks: int = 12) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    generator = np.random.default_rng(1)
    listed = np.arange(dates)[:, None] >= generator.integers(0, 10, stocks)
    listed &= np.arange(dates)[:, None] < generator.integers(25, 60, stocks)
    return listed & (generator.random((dates, stocks)) < 0.7), listed


def test_carry_forward_is_a_loop_over_dates() -> None:
    values = np.random.default_rng(0).normal(size=(30, 8))
    values[np.random.default_rng(1).random(values.shape) < 0.6] = np.nan
    expected = values.copy()
    for t in range(1, 30):
        for n in range(8):
            if np.isnan(expected[t, n]):
                expected[t, n] = expected[t - 1, n]
    before = values.copy()
    np.testing.assert_array_equal(carry_forward(values), expected)
    np.testing.assert_array_equal(values, before)  # the input is left alone


def plain_rawbar(
    fields: dict[str, Matrix], traded: NDArray[np.bool_], listed: NDArray[np.bool_]
) -> NDArray[np.float32]:
    out = np.full((*traded.shape, 6), np.nan, dtype=np.float32)
    for n in range(traded.shape[1]):
        last_close = np.nan
        for t in range(traded.shape[0]):
            factor = fields["adj_factor"][t, n]
            if traded[t, n]:
                last_close = fields["close"][t, n] * factor
                out[t, n, :5] = [fields[name][t, n] * factor for name in FIELDS[:5]]
                out[t, n, 5] = fields["volume"][t, n]
            elif listed[t, n] and not np.isnan(last_close):
                out[t, n] = [last_close] * 5 + [0]
    return out


def test_rawbar_is_a_loop_over_stocks_and_dates() -> None:
    fields, (traded, listed) = market(), presence()
    expected = plain_rawbar(fields, traded, listed)
    result = rawbar(fields, traded, listed)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, expected)
    assert np.isnan(result[traded]).any()  # the vwap has holes, and they stay
    assert (listed & ~traded).any()


def test_a_suspended_day_repeats_the_last_adjusted_close_with_volume_0() -> None:
    fields = {name: np.array([[10.0], [99.0], [6.0]]) for name in FIELDS}
    fields["adj_factor"] = np.array([[1.0], [2.0], [2.0]])  # a split while suspended
    traded = np.array([[True], [False], [True]])
    result = rawbar(fields, traded, np.ones_like(traded))
    assert result[:, 0, PRICES].tolist() == [[10.0] * 5, [10.0] * 5, [12.0] * 5]
    assert result[:, 0, 5].tolist() == [10.0, 0.0, 6.0]


def test_nothing_before_the_first_trade_and_while_not_listed() -> None:
    fields = {name: np.full((4, 1), 8.0) for name in (*FIELDS, "adj_factor")}
    traded = np.array([[False], [True], [False], [False]])
    listed = np.array([[True], [True], [True], [False]])
    known = ~np.isnan(rawbar(fields, traded, listed)[:, 0])
    assert known.all(axis=1).tolist() == [False, True, True, False]
    assert known.any(axis=1).tolist() == [False, True, True, False]


@pytest.mark.parametrize("absent", ["vwap", "volume"])
def test_an_absent_field_is_missing_throughout(absent: str) -> None:
    fields, (traded, listed) = market(), presence()
    whole = rawbar(fields, traded, listed)
    del fields[absent]
    result = rawbar(fields, traded, listed)
    column = FIELDS.index(absent)
    assert np.isnan(result[..., column]).all()
    others = [k for k in range(6) if k != column]
    np.testing.assert_array_equal(result[..., others], whole[..., others])


def test_the_future_does_not_change_the_past() -> None:
    fields, (traded, listed) = market(), presence()
    changed, other = market(seed=7), traded.copy()
    for name in (*FIELDS, "adj_factor"):
        changed[name][:20] = fields[name][:20]
    other[20:] = ~other[20:]
    whole, later = rawbar(fields, traded, listed), rawbar(changed, other, listed)
    np.testing.assert_array_equal(whole[:20], later[:20])
    assert not np.array_equal(whole[20:], later[20:], equal_nan=True)
