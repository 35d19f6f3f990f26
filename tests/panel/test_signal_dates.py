import datetime as dt

import numpy as np

from alpha_lightning.panel.signal_dates import signal_rows, typical_step


def test_weekly_is_the_last_trading_day_of_each_iso_week() -> None:
    generator = np.random.default_rng(0)
    days = np.arange("2018-11-01", "2022-02-01", dtype="datetime64[D]")
    days = days[np.is_busday(days)]
    dates = days[generator.random(len(days)) > 0.3]
    last_of_week: dict[tuple[int, int], int] = {}
    for row, date in enumerate(dates.tolist()):
        assert isinstance(date, dt.date)
        last_of_week[date.isocalendar()[:2]] = row
    expected = [row for row in last_of_week.values() if row < len(dates) - 1]
    assert signal_rows(dates).tolist() == expected


def test_a_longer_calendar_keeps_every_weekly_signal() -> None:
    days = np.arange("2020-01-01", "2020-03-01", dtype="datetime64[D]")
    days = days[np.is_busday(days)]
    whole = signal_rows(days)
    for length in range(2, len(days)):
        assert signal_rows(days[:length]).tolist() == whole[whole < length - 1].tolist()


def test_daily_is_every_date() -> None:
    dates = np.arange("2020-01-01", "2020-01-11", dtype="datetime64[D]")
    assert signal_rows(dates, "daily").tolist() == list(range(10))


def test_typical_step_ignores_holidays() -> None:
    assert typical_step(np.array([0, 5, 8, 13, 18])) == 5
    assert typical_step(np.array([7])) == 1


def test_monthly_is_the_last_trading_day_of_each_month_and_every_leaves_some_out() -> None:
    days = np.arange("2020-01-01", "2020-05-01", dtype="datetime64[D]")
    dates = days[np.is_busday(days)]
    months = signal_rows(dates, "monthly")
    assert dates[months].astype(str).tolist() == ["2020-01-31", "2020-02-28", "2020-03-31"]
    assert signal_rows(dates, "monthly", every=2).tolist() == [months[0], months[2]]
    assert signal_rows(dates, every=3).tolist() == signal_rows(dates)[::3].tolist()
    assert signal_rows(dates, "daily", every=5).tolist() == list(range(0, len(dates), 5))
