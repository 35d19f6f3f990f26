"""Checks of one day after another against small daily bars."""

import datetime as dt
import io
from collections.abc import Mapping

import numpy as np
import pytest

from alpha_lightning.characteristics.day_store import StockDay
from alpha_lightning.characteristics.sifting import Sifting
from alpha_lightning.panel.day_checks import (
    ABSENT,
    ALL_ABSENT,
    IDLE,
    UNKNOWN,
    VOLUME,
    DailyRow,
    DayChecks,
)

SYMBOLS = np.array(["A", "B", "C"])
DATE = np.datetime64("2024-01-02")
ROW = DailyRow(DATE, np.array([True, True, False]), np.array([1000.0, 500.0, 0.0]))
FINE = (1000.0, 9.0, 8.0, 0.0, 0.0, 0.0)


@pytest.fixture
def checks() -> DayChecks:
    """With a tolerance of 2 % and lots of 100."""
    return DayChecks(io.StringIO(), SYMBOLS, 0.02, 100)


def day_of(facts: Mapping[str, tuple[float, ...]], sifting: Sifting | None = None) -> StockDay:
    symbols, matrix = np.array(list(facts)), np.array(list(facts.values()))
    values = np.zeros((len(facts), 1))
    return StockDay(dt.date(2024, 1, 2), symbols, values, matrix, sifting or Sifting())


def lines(checks: DayChecks) -> list[str]:
    checks.file.seek(0)
    header, *rest = checks.file.read().splitlines()
    assert header == "date,symbol,what,value"
    return rest


def test_volumes_are_compared_up_to_the_tolerance(checks: DayChecks) -> None:
    day = day_of({"A": (1019.0, *FINE[1:]), "B": (515.0, *FINE[1:])})
    checks.add(ROW, day, np.array([0, 1]))
    assert lines(checks) == [f"2024-01-02,B,{VOLUME},0.03"]
    assert (checks.compared, checks.many_times, checks.counts[VOLUME]) == (2, 0, 1)


def test_a_lots_number_of_times_is_noticed_both_ways(checks: DayChecks) -> None:
    day = day_of({"A": (10.0, *FINE[1:]), "B": (50_000.0, *FINE[1:])})
    checks.add(ROW, day, np.array([0, 1]))
    assert (checks.compared, checks.many_times) == (2, 2)


def test_stocks_that_only_one_of_the_two_knows(checks: DayChecks) -> None:
    day = day_of({"A": FINE, "C": FINE, "Z": FINE})
    checks.add(ROW, day, np.array([0, 2, -1]))
    assert lines(checks) == [
        f"2024-01-02,B,{ABSENT},500",
        f"2024-01-02,C,{IDLE},1000",
        f"2024-01-02,Z,{UNKNOWN},9",
    ]
    assert checks.heard
    assert checks.unheard() == ["B"]
    assert checks.strangers == {"Z": 1}


def test_a_day_without_rows(checks: DayChecks) -> None:
    nothing = np.empty(0, dtype=np.intp)
    checks.add(ROW, None, nothing)
    idle = DailyRow(DATE + 1, np.zeros(3, dtype=bool), np.zeros(3))
    checks.add(idle, None, nothing)
    assert lines(checks) == [f"2024-01-02,,{ALL_ABSENT},2"]
    assert checks.absent_dates == [DATE]
    assert not checks.heard
    assert checks.unheard() == ["A", "B"]


def test_oddities_and_rows_left_out_are_listed_in_order(checks: DayChecks) -> None:
    sifting = Sifting(9, {"negative volume": 2}, {"repeated": 3})
    facts = {"A": (1000.0, 1.0, 0.0, 3.0, 0.0, 0.0), "B": (500.0, 9.0, 8.0, 0.0, 4.0, 5.0)}
    checks.add(ROW, day_of(facts, sifting), np.array([0, 1]))
    assert [line.removeprefix("2024-01-02,") for line in lines(checks)] == [
        ",bad rows: negative volume,2",
        ",left out: repeated,3",
        "A,a single trade,1000",
        "A,repeated rows,3",
        "A,trades in an auction only,1000",
        "B,missing sides,4",
        "B,sides that contradict the order numbers,5",
    ]
