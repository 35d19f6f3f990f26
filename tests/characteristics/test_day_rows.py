import datetime as dt

import numpy as np
import polars as pl
import pytest

from alpha_lightning.characteristics.day_rows import DayRows, split_by_day

FIRST, SECOND = dt.date(2024, 1, 2), dt.date(2024, 1, 3)


def frame_of(*rows: tuple[str | None, str]) -> pl.DataFrame:
    times = [dt.datetime.fromisoformat(time) for _, time in rows]
    symbols = pl.Series([symbol for symbol, _ in rows], dtype=pl.String)
    return pl.DataFrame({"time": times, "symbol": symbols, "place": range(len(rows))})


ROWS = (
    ("B", "2024-01-03 09:31:00"),
    ("A ", "2024-01-02 09:32:00"),
    (None, "2024-01-02 09:30:00"),
    ("A", "2024-01-03 09:31:00"),
    ("C", "2024-01-02 09:31:00"),
    ("", "2024-01-03 09:31:00"),
    ("A", "2024-01-02 09:32:00"),
)


def test_days_and_stocks_are_told_apart_in_any_order() -> None:
    first, second, third = split_by_day(frame_of(*ROWS), [FIRST, SECOND, dt.date(2024, 1, 4)])
    assert first.frame["place"].to_list() == [1, 2, 4, 6]
    assert second.frame["place"].to_list() == [0, 3, 5]
    assert third.frame.height == 0
    assert first.names.tolist() == ["A", "B", "C"]
    assert first.frame["_code"].to_list() == [0, -1, 2, 0]
    assert second.frame["_code"].to_list() == [1, 0, -1]
    symbols, stock = first.keep(pl.col("_code") >= 0).stocks()
    assert symbols.tolist() == ["A", "C"]
    assert stock.tolist() == [0, 1, 0]
    assert first.clock().tolist() == [60_000_000 * (570 + k) for k in (2, 0, 1, 2)]
    assert third.stocks()[0].tolist() == []


@pytest.mark.parametrize("order", ["stock", "time", "none"])
def test_rows_are_put_in_the_order_of_stock_and_time(order: str) -> None:
    rng = np.random.default_rng(0)
    count = 400
    symbols = np.array(["A", "B", "C"])[rng.integers(0, 3, count)]
    minutes = rng.integers(0, 50, count)
    sequence = {
        "stock": np.lexsort((minutes, symbols)),
        "time": np.argsort(minutes, kind="stable"),
        "none": np.arange(count),
    }[order]
    rows = [(str(symbols[k]), f"2024-01-02 10:{minutes[k]:02}:00") for k in sequence]
    (day,) = split_by_day(frame_of(*rows), [FIRST])
    expected = sorted(range(count), key=lambda k: rows[k])  # as reported among equals
    place = day.frame["place"].to_numpy()[day.order()]
    assert place.tolist() == expected
    assert isinstance(day.order(), slice) == (order == "stock")
    assert len(np.unique(day.time_key())) == len(set(rows))


def test_a_column_is_added() -> None:
    (day,) = split_by_day(frame_of(*ROWS), [FIRST])
    assert isinstance(day, DayRows)
    assert day.tag("x", np.array([4, 3, 2, 1])).frame["x"].to_list() == [4, 3, 2, 1]
