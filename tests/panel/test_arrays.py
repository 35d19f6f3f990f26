from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel import arrays
from alpha_lightning.panel.arrays import Grid, codes, market_arrays, membership
from alpha_lightning.panel.errors import PanelError

DAYS = np.datetime64("2024-01-01") + np.arange(5)  # Monday to Friday
GRID = Grid(DAYS, np.array(["A", "B", "D"]))
NAN = float("nan")


def table(*rows: tuple[int, str, Any], column: str = "value") -> pl.DataFrame:
    """Rows of (day of January 2024, symbol, value); day 0 is 31 December."""
    days = [date(2024, 1, day) if day else date(2023, 12, 31) for day, _, _ in rows]
    data = {"date": days, "symbol": [r[1] for r in rows], column: [r[2] for r in rows]}
    return pl.DataFrame(data, strict=False)


def daily(days: int = 5, **columns: Any) -> pl.DataFrame:
    """Bars of one symbol from Monday on, close 10, 11, ..., volume 100; lists replace columns."""
    close = [10.0 + k for k in range(days)]
    bar = dict.fromkeys(("open", "high", "low", "close"), close)
    frame = {"date": DAYS[:days].tolist(), "symbol": ["A"] * days} | bar
    made = pl.DataFrame(frame | {"volume": [100.0] * days} | columns, strict=False)
    return made.with_columns(pl.col(pl.Int64).cast(pl.Float64))


ALONE = Grid(DAYS, np.array(["A"]))


def test_rows_find_their_cells() -> None:
    frame = table((2, "D", 1), (1, "A", 2), (5, "B", None))
    assert GRID.shape == (5, 3)
    assert GRID.columns_of(table((1, "C", 0), (1, "D", 0), (1, "A", 0))).tolist() == [-1, 2, 0]
    assert GRID.cells_of(frame).tolist() == [5, 0, 13]
    out = GRID.scatter(frame["value"], GRID.cells_of(frame))
    assert out[1, 2] == 1
    assert out[0, 0] == 2
    assert np.isnan(out).sum() == 13


def test_as_of_is_known_from_its_date_on() -> None:
    rows = table((4, "A", 3.0), (0, "A", 1.0), (2, "B", 5.0), (9, "B", 9.0), (1, "C", 7.0))
    known = GRID.as_of(rows, "value")
    np.testing.assert_array_equal(known[:, 0], [1, 1, 1, 3, 3])
    np.testing.assert_array_equal(known[:, 1], [NAN, 5, 5, 5, 5])
    assert np.isnan(known[:, 2]).all()


def test_the_last_of_several_rows_before_a_trading_day_counts() -> None:
    grid = Grid(DAYS[[0, 4]], np.array(["A"]))
    rows = table((4, "A", 4.0), (2, "A", 2.0), (3, "A", 3.0))
    np.testing.assert_array_equal(grid.as_of(rows, "value")[:, 0], [NAN, 4])


def test_members_are_those_of_the_latest_list() -> None:
    rows = table((2, "A", 0.6), (2, "C", 0.4), (4, "B", 1.0), column="weight")
    member, weight = membership(rows, GRID)
    assert member[:, 0].tolist() == [False, True, True, False, False]
    assert member[:, 1].tolist() == [False, False, False, True, True]
    assert not member[:, 2].any()
    assert weight is not None
    np.testing.assert_array_equal(weight[:, 0], np.array([0, 0.6, 0.6, 0, 0], dtype=np.float32))


@pytest.mark.parametrize("frame", [table((2, "A", None), column="weight"), table((2, "A", 1))])
def test_members_without_weights(frame: pl.DataFrame) -> None:
    member, weight = membership(frame, GRID)
    assert weight is None
    assert member.sum() == 4


def test_a_member_without_a_weight_weighs_nothing() -> None:
    rows = table((1, "A", None), (1, "B", 1.0), column="weight")
    member, weight = membership(rows, GRID)
    assert member[0].tolist() == [True, True, False]
    assert weight is not None
    assert weight[0].tolist() == [0, 1, 0]


def test_names_are_numbered_as_they_appear() -> None:
    rows = table((3, "A", "autos"), (1, "A", "steel"), (1, "B", "banks"), column="industry")
    coded, names = codes(rows, GRID, "industry")
    assert list(names) == ["banks", "steel", "autos"]
    assert coded.dtype == np.int16
    assert coded[:, 0].tolist() == [1, 1, 2, 2, 2]
    assert coded[:, 2].tolist() == [-1] * 5


def test_prices_of_days_without_trading_are_missing() -> None:
    frame = daily(volume=[100, 0, None, 100, 100], close=[10, 10, 10, None, 14])
    market, flags = market_arrays(frame, ALONE)
    assert flags["traded"][:, 0].tolist() == [True, False, False, False, True]
    assert flags["listed"].all()
    for field in ("open", "high", "low", "close"):
        assert np.isnan(market[field][1:4]).all()
    np.testing.assert_array_equal(market["volume"][:, 0], [100, 0, 0, 0, 100])
    assert set(flags) == {"traded", "listed"}


def test_nothing_before_the_first_row_or_the_listing() -> None:
    grid = Grid(DAYS, np.array(["A", "B"]))
    late = daily().tail(3)
    early = daily(symbol=["B"] * 5, list_date=[date(2024, 1, 2)] * 5)
    market, flags = market_arrays(pl.concat([late, early], how="diagonal"), grid)
    assert flags["listed"][:, 0].tolist() == [False, False, True, True, True]
    assert flags["listed"][:, 1].tolist() == [False, True, True, True, True]
    assert np.isnan(market["close"][0]).all()
    assert np.isnan(market["volume"][~flags["listed"]]).all()


def test_a_stock_without_rows_is_suspended_until_its_delisting_is_known() -> None:
    _, flags = market_arrays(daily(2), ALONE)
    assert flags["listed"].all()
    assert flags["traded"][:, 0].tolist() == [True, True, False, False, False]
    announced = daily(3, delist_date=[None, date(2024, 1, 4), date(2024, 1, 4)])
    _, flags = market_arrays(announced, ALONE)
    assert flags["listed"][:, 0].tolist() == [True] * 3 + [False] * 2
    # A date that moves, or lies beyond the panel, or comes when the stock trades on.
    moved = daily(delist_date=[date(2024, 1, 3), date(2024, 1, 5)] + [date(2024, 1, 5)] * 3)
    _, flags = market_arrays(moved, ALONE)
    assert flags["listed"][:, 0].tolist() == [True] * 4 + [False]
    assert flags["traded"][:, 0].tolist() == [True] * 4 + [False]
    far = daily(delist_date=[date(2030, 1, 1)] * 5)
    assert market_arrays(far, ALONE)[1]["listed"].all()


def test_the_factor_is_relative_to_the_first_and_carried() -> None:
    frame = daily(adj_factor=[None, 4.0, None, 2.0, 2.0])
    market, _ = market_arrays(frame, ALONE)
    np.testing.assert_array_equal(market["adj_factor"][:, 0], [1, 1, 1, 0.5, 0.5])
    market, _ = market_arrays(daily(), ALONE)
    assert (market["adj_factor"] == 1).all()


def test_vwap_and_amount_come_from_each_other() -> None:
    given = [1000.0, 1105.0, None, 0.0, 1400.0]
    market, _ = market_arrays(daily(amount=given), ALONE)
    np.testing.assert_array_equal(market["vwap"][:, 0], [10, 11.05, NAN, NAN, 14])
    market, _ = market_arrays(daily(vwap=[10, 11, 12, None, 14]), ALONE)
    np.testing.assert_array_equal(market["amount"][:, 0], [1000, 1100, 1200, NAN, 1400])
    both = daily(amount=given, vwap=[10.05, None, 12.05, None, 14.05])
    market, _ = market_arrays(both, ALONE)
    np.testing.assert_array_equal(market["vwap"][:, 0], [10.05, 11.05, 12.05, NAN, 14.05])
    market, _ = market_arrays(daily(), ALONE)
    assert {"vwap", "amount"}.isdisjoint(market)


@pytest.mark.parametrize("factor", [1e-4, 0.01, 0.4, 2.1, 100.0])
def test_amounts_in_other_units_are_refused(factor: float) -> None:
    amount = [100 * (10.0 + k) * factor for k in range(5)]
    with pytest.raises(PanelError, match=r"amount / volume is .* shares \(not lots\)"):
        market_arrays(daily(amount=amount), ALONE)


def test_a_vwap_outside_the_day_is_missing_and_a_table_of_them_is_refused() -> None:
    market = {name: np.full((20, 1), 10.0) for name in ("low", "high", "close")}
    market |= {"volume": np.full((20, 1), 100.0), "vwap": np.full((20, 1), 10.0)}
    market["vwap"][3] = 10.5
    arrays._derive_vwap_and_amount(market)
    assert np.isnan(market["vwap"][:, 0]).nonzero()[0].tolist() == [3]
    market["vwap"] = np.linspace(10.0, 15.0, 20)[:, None]
    with pytest.raises(PanelError, match=r"outside \[low, high\] on .* look adjusted"):
        arrays._derive_vwap_and_amount(market)


def test_amounts_that_cannot_be_checked_pass() -> None:
    market, _ = market_arrays(daily(volume=[0.0] * 5, amount=[0.0] * 5), ALONE)
    assert np.isnan(market["vwap"]).all()


def test_special_treatment_and_market_values_hold_until_told_otherwise() -> None:
    frame = daily(st=[None, True, None, False, None], total_cap=[None, 5.0, None, 7.0, None])
    market, flags = market_arrays(frame, ALONE)
    assert flags["st"][:, 0].tolist() == [False, True, True, False, False]
    np.testing.assert_array_equal(market["total_cap"][:, 0], [NAN, 5, 5, 7, 7])


def test_columns_that_are_empty_throughout_are_absent() -> None:
    frame = daily().with_columns(amount=pl.lit(None, dtype=pl.Float64))
    assert "amount" not in market_arrays(frame, ALONE)[0]
