import datetime as dt

import numpy as np
import pytest

from alpha_lightning.simulation.trading_days import month_of, trading_days


def is_open(day: dt.date) -> bool:
    closed = (
        (day.month, day.day) in {(1, 1), (4, 4), (4, 5), (6, 10)}
        or (day.month in {2, 10} and day.day <= 7)
        or (day.month == 5 and day.day <= 5)
    )
    return day.weekday() < 5 and not closed


def test_the_calendar_is_the_rule_applied_day_by_day() -> None:
    day = dt.date(2019, 1, 1)
    expected: list[dt.date] = []
    while len(expected) < 1500:
        if is_open(day):
            expected.append(day)
        day += dt.timedelta(days=1)
    assert trading_days("2019-01-01", 1500).tolist() == expected


@pytest.mark.parametrize("start", ["2019-01-01", "2018-12-29", "2019-01-02"])
def test_the_first_day_is_the_start_or_the_next_open_day(start: str) -> None:
    first = trading_days(start, 1)[0]
    assert str(first) == ("2018-12-31" if start == "2018-12-29" else "2019-01-02")


def test_a_longer_calendar_begins_with_the_shorter() -> None:
    assert (trading_days("2010-03-01", 5000)[:700] == trading_days("2010-03-01", 700)).all()


def test_a_year_has_about_243_trading_days() -> None:
    years = trading_days("2000-01-01", 9000).astype("datetime64[Y]")
    counts = np.unique(years, return_counts=True)[1][:-1]
    assert counts.min() >= 241
    assert counts.max() <= 247


def test_months_are_those_of_the_standard_library() -> None:
    for day in trading_days("1969-01-01", 600):
        assert month_of(day) == dt.date.fromisoformat(str(day)).month
