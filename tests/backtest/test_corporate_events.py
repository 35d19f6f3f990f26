from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.corporate_events import CorporateEvents, read_events
from alpha_lightning.panel.store import Panel


@pytest.fixture
def panel(market: Callable[..., Any], tmp_path: Path) -> Panel:
    """Ten weekdays from Wednesday 2020-01-01 on, stocks S000 to S005."""
    return Panel.open(market(10, 6, suspended=0.0).write(tmp_path / "market").path)


Row = tuple[str | None, str | None, float | None, float | None]


def table(path: Path, *rows: Row) -> Path:
    frame = pl.DataFrame(rows, ("date", "symbol", "cash", "shares"), orient="row")
    frame.with_columns(pl.col("date").str.to_date()).write_parquet(path / "events.parquet")
    return path / "events.parquet"


def contents(events: CorporateEvents) -> list[tuple[int, int, float, float]]:
    parts = (events.rows, events.columns, events.cash, events.shares)
    return list(zip(*(part.tolist() for part in parts), strict=True))


def test_events_by_row_then_column(panel: Panel, tmp_path: Path) -> None:
    file = table(
        tmp_path,
        ("2020-01-07", "S004", 0.25, None),
        ("2020-01-03", "S002", None, 0.3),
        ("2020-01-07", "S001", 0.0, -0.5),
    )
    events = read_events(file, panel)
    assert contents(events) == [(2, 2, 0.0, 0.3), (4, 1, 0.0, -0.5), (4, 4, 0.25, 0.0)]
    assert (events.first, events.last, events.warnings) == (2, 4, ())
    assert [events.covers(row) for row in range(1, 6)] == [False, True, True, True, False]


def test_csv_without_any_shares(panel: Panel, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("date,symbol,cash,shares\n2020-01-03,S002,0.1,\n", encoding="utf-8")
    assert contents(read_events(file, panel)) == [(2, 2, 0.1, 0.0)]


def test_events_of_some_stocks(panel: Panel, tmp_path: Path) -> None:
    rows: list[Row] = [("2020-01-07", "S004", 0.25, 0.5), ("2020-01-07", "S001", 0.1, None)]
    events = read_events(table(tmp_path, *rows, ("2020-01-08", "S000", 9.0, 9.0)), panel)
    cash, shares, known = events.of(4, np.array([5, 4, 0, 1]))
    assert_array_equal(cash, [0, 0.25, 0, 0.1])
    assert_array_equal(shares, [0, 0.5, 0, 0])
    assert_array_equal(known, [False, True, False, True])
    for row in (3, 9):
        found = events.of(row, np.array([5, 4]))
        assert [part.tolist() for part in found] == [[0, 0], [0, 0], [False, False]]


def test_an_ex_date_without_trading_moves_to_the_next_day(panel: Panel, tmp_path: Path) -> None:
    # Saturday and Sunday of one stock fall on Monday, one after the other.
    rows: list[Row] = [("2020-01-05", "S001", 0.3, 1.0), ("2020-01-04", "S001", 0.1, 0.5)]
    events = read_events(table(tmp_path, *rows, ("2020-01-06", "S002", 0.3, 0.0)), panel)
    assert contents(events) == [(3, 1, pytest.approx(0.1 + 1.5 * 0.3), 2.0), (3, 2, 0.3, 0.0)]
    assert (events.first, events.last) == (3, 3)


def test_events_outside_the_panel_are_left_out(panel: Panel, tmp_path: Path) -> None:
    file = table(
        tmp_path,
        ("2019-12-31", "S001", 0.1, 0.0),
        ("2020-01-02", "S001", 0.2, 0.0),
        ("2021-01-04", "S001", 0.3, 0.0),
    )
    events = read_events(file, panel)
    assert contents(events) == [(1, 1, 0.2, 0.0)]
    assert (events.first, events.last) == (0, 9)


def test_unknown_symbols_are_counted(panel: Panel, tmp_path: Path) -> None:
    rows: list[Row] = [("2020-01-02", symbol, 0.1, 0.0) for symbol in ("S001", "XYZ", "S009")]
    events = read_events(table(tmp_path, *rows), panel)
    assert contents(events) == [(1, 1, 0.1, 0.0)]
    (warning,) = events.warnings
    assert "2 of 3 corporate actions are of symbols" in warning
    assert "such as XYZ" in warning


BAD: list[tuple[list[Row], str]] = [
    ([("2020-01-02", "S001", -0.1, 0.0)], "row 1, 2020-01-02 S001: cash per share that is neg"),
    ([("2020-01-02", "S001", float("inf"), 0.0)], "negative or infinite"),
    ([("2020-01-02", "S000", 0, 0), ("2020-01-02", "S001", 0.0, -1.0)], "row 2, .* of -1 or less"),
    ([("2020-01-02", "S001", 0.1, 0.0)] * 2, r"date and symbol that it repeats \(2 rows in all\)"),
    ([("2020-01-02", "S001", 0, 0), (None, "S001", 0.1, 0.0)], "row 2, None S001: no date"),
]


@pytest.mark.parametrize(("rows", "message"), BAD)
def test_bad_rows_are_refused(panel: Panel, tmp_path: Path, rows: list[Row], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read_events(table(tmp_path, *rows), panel)
    assert "events.parquet" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bad_tables_are_refused(panel: Panel, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    with pytest.raises(UserError, match="does not exist"):
        read_events(file, panel)
    file.write_text("date,symbol,cash\n2020-01-02,S001,0.1\n", encoding="utf-8")
    with pytest.raises(UserError, match="lacks column 'shares' of corporate actions"):
        read_events(file, panel)
    text = "date,symbol,cash,shares\n2020-01-02,S001,0.1,0\n2020-01-03,S001,much,0\n"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="row 2, 2020-01-03 S001: a value that cannot be read"):
        read_events(file, panel)


def test_whether_a_stock_has_an_event_between_two_rows() -> None:
    zero = np.zeros(2)
    events = CorporateEvents(np.array([2, 4]), np.array([1, 0]), zero, zero, 0, 9)
    assert events.any_of(1, 2, 3)
    assert not events.any_of(1, 0, 2)
    assert not events.any_of(1, 3, 9)
    assert events.any_of(0, 0, 5)
