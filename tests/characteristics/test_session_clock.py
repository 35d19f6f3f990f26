import datetime as dt
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import polars as pl
import pytest

from alpha_lightning.characteristics.exchange import Exchange, MinuteFeed, TradeFeed
from alpha_lightning.characteristics.intraday import CLOSING, CONTINUOUS, OPENING
from alpha_lightning.characteristics.session_clock import (
    AUCTION,
    EXTENDED,
    LEFT_OUT,
    NOWHERE,
    OFF_GRID,
    OUTSIDE,
    SECOND,
    PhaseTable,
    bar_place,
    grid_offset,
    local_time,
    places_of_minutes,
    trade_phase,
    trading_clock,
    within_days,
)

CN = Exchange(
    "cn", "Asia/Shanghai", [("09:30", "11:30"), ("13:00", "15:00")], lot=100,
    opening_auction=("09:15", "09:30"), closing_auction=("14:57", "15:00"),
)  # fmt: skip
US = Exchange(
    "us", "America/New_York", [("09:30", "16:00")], lot=100, extended_hours=("04:00", "20:00")
)


def seconds(text: str) -> int:
    time = dt.time.fromisoformat(text)
    return round((3600 * time.hour + 60 * time.minute + time.second) * SECOND + time.microsecond)


def at(exprs: pl.Expr, *times: str) -> list[Any]:
    stamps = [dt.datetime.fromisoformat(f"2024-01-02 {time}") for time in times]
    return pl.DataFrame({"time": stamps}).select(exprs.alias("x"))["x"].to_list()


def with_stamp(exchange: Exchange, stamp: Literal["end", "start"]) -> Exchange:
    return replace(exchange, minute=MinuteFeed(stamp=stamp))


def test_places_of_bars_by_hand() -> None:
    times = (
        "09:25",
        "09:30",
        "09:31",
        "11:30",
        "11:31",
        "13:00",
        "13:01",
        "15:00",
        "15:01",
        "08:00",
    )
    by_end = [AUCTION, AUCTION, 0, 119, OUTSIDE, OUTSIDE, 120, 239, OUTSIDE, OUTSIDE]
    assert at(bar_place(with_stamp(CN, "end"), 60), *times) == by_end
    by_start = [AUCTION, 0, 1, OUTSIDE, OUTSIDE, 120, 121, OUTSIDE, OUTSIDE, OUTSIDE]
    assert at(bar_place(with_stamp(CN, "start"), 60), *times) == by_start
    halves = ("09:00", "09:30", "10:00", "15:30", "16:00", "16:30", "21:00")
    by_end = [EXTENDED, EXTENDED, 0, 11, 12, EXTENDED, OUTSIDE]
    assert at(bar_place(with_stamp(US, "end"), 1800), *halves) == by_end
    by_start = [EXTENDED, 0, 1, 12, EXTENDED, EXTENDED, OUTSIDE]
    assert at(bar_place(with_stamp(US, "start"), 1800), *halves) == by_start


@pytest.mark.parametrize("stamp", ["end", "start"])
def test_off_the_grid_inside_a_session(stamp: Literal["end", "start"]) -> None:
    times = ("09:29", "09:31", "09:34:30", "11:26", "12:01", "13:07", "14:59")
    five = [AUCTION, OFF_GRID, OFF_GRID, OFF_GRID, OUTSIDE, OFF_GRID, OFF_GRID]
    assert at(bar_place(with_stamp(CN, stamp), 300), *times) == five
    # Inside a session it is no matter of extended hours either.
    assert at(bar_place(with_stamp(US, stamp), 300), "09:31", "15:59") == [OFF_GRID, OFF_GRID]


@pytest.mark.parametrize("exchange", [CN, US])
@pytest.mark.parametrize("stamp", ["end", "start"])
@pytest.mark.parametrize("minutes", [1, 2, 3, 5, 6, 10, 15, 30])
def test_every_bar_has_its_own_place(
    exchange: Exchange, stamp: Literal["end", "start"], minutes: int
) -> None:
    stamped = with_stamp(exchange, stamp)
    expected, number = np.full(1440, -9), 0
    for begin, end in exchange.seconds:
        for start in range(begin // 60, end // 60, minutes):
            expected[start + (minutes if stamp == "end" else 0)] = number
            number += 1
    found = places_of_minutes(stamped, 60 * minutes)
    on_grid = expected >= 0
    np.testing.assert_array_equal(found[on_grid], expected[on_grid])
    assert number == exchange.day_seconds // 60 // minutes
    clock = pl.int_range(1440, eager=True) * 60 * SECOND
    frame = pl.DataFrame({"time": clock.cast(pl.Datetime("us"))})
    offset = frame.select(grid_offset(stamped)).to_series()
    assert (offset.to_numpy()[on_grid] % (60 * minutes * SECOND) == 0).all()


def test_phases_of_trades_by_hand() -> None:
    slow = replace(CN, trades=TradeFeed(delay_seconds=5))
    cases = {
        "09:14:59": NOWHERE,
        "09:15:00": OPENING,
        "09:29:59.999999": OPENING,
        "09:30:00": CONTINUOUS,
        "11:30:05": CONTINUOUS,
        "11:30:05.000001": NOWHERE,
        "12:59:59": NOWHERE,
        "13:00:00": CONTINUOUS,
        "14:57:05": CONTINUOUS,
        "14:57:05.000001": CLOSING,
        "15:00:05": CLOSING,
        "15:00:06": NOWHERE,
    }
    assert at(trade_phase(slow), *cases) == list(cases.values())
    hours = {
        "03:59": NOWHERE,
        "04:00": LEFT_OUT,
        "09:30": CONTINUOUS,
        "16:00": CONTINUOUS,
        "16:01": LEFT_OUT,
    }
    assert at(trade_phase(US), *hours) == list(hours.values())


@pytest.mark.parametrize("delay", [0.0, 0.5, 5.0])
def test_the_table_of_phases_says_the_same(delay: float) -> None:
    rng = np.random.default_rng(0)
    for plain in (CN, US):
        exchange = replace(plain, trades=TradeFeed(delay_seconds=delay))
        table = PhaseTable.of(exchange)
        edges = np.concatenate([table.begins + k for k in (-1, 0, 1)])
        clock = np.concatenate([rng.integers(0, 86400 * SECOND, 5000), edges[edges >= 0]])
        frame = pl.DataFrame({"time": pl.Series(clock).cast(pl.Datetime("us"))})
        expected = frame.select(trade_phase(exchange)).to_series().to_numpy()
        np.testing.assert_array_equal(table.at(clock), expected)


def test_the_trading_clock_leaves_breaks_out() -> None:
    three = Exchange(
        "x", "UTC", [("09:00", "10:00"), ("11:00", "12:00"), ("13:00", "14:00")], lot=1
    )
    times = {
        "08:00": 0.0,
        "09:30": 1800.0,
        "10:00": 3599.999999,  # the end of a session is not yet the next one's start
        "10:30": 3599.999999,
        "11:00": 3600.0,
        "12:00": 7199.999999,
        "13:00": 7200.0,
        "13:59:59": 10799.0,
        "14:00": 10800.0,
        "15:00": 10800.0,
    }
    clock = np.array([seconds(time) for time in times])
    np.testing.assert_allclose(trading_clock(three, clock), list(times.values()), rtol=0, atol=1e-9)


TEXTS = {
    "2024-03-08 09:31:00": "2024-03-08T09:31:00",
    "2024-03-08T09:31": "2024-03-08T09:31:00",
    " 2024-03-08 09:31:00.250 ": "2024-03-08T09:31:00.250000",
    "2024-03-08T14:31:00Z": "2024-03-08T09:31:00",  # before the clocks are set forward
    "2024-03-11T13:31:00Z": "2024-03-11T09:31:00",  # and after
    "2024-03-11 21:31:00+08:00": "2024-03-11T09:31:00",
    "soon": None,
    None: None,
}


def test_times_as_text() -> None:
    frame = pl.DataFrame({"t": list(TEXTS)}, schema={"t": pl.String})
    found = frame.select(local_time("t", pl.String(), "America/New_York")).to_series()
    assert found.dtype == pl.Datetime("us")
    assert [None if t is None else t.isoformat() for t in found] == list(TEXTS.values())


def test_times_with_and_without_a_zone() -> None:
    stamps = pl.Series([dt.datetime.fromisoformat("2024-03-11 13:31:00")])
    for unit in ("ms", "us", "ns"):
        naive = stamps.cast(pl.Datetime(unit)).to_frame("t")
        assert naive.select(local_time("t", naive.schema["t"], "UTC")).item().hour == 13
        aware = naive.with_columns(pl.col("t").dt.replace_time_zone("UTC"))
        assert aware.select(local_time("t", aware.schema["t"], "America/New_York")).item().hour == 9


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_rows_of_some_days(zone: str | None) -> None:
    exchange_zone = "America/New_York"
    hours = [dt.datetime(2024, 3, 7, tzinfo=dt.UTC) + dt.timedelta(hours=k) for k in range(144)]
    frame = pl.DataFrame({"t": hours}).with_columns(pl.col("t").dt.convert_time_zone(exchange_zone))
    local = frame["t"].dt.replace_time_zone(None)
    stored = frame["t"].dt.convert_time_zone(zone) if zone else local
    days = [dt.date(2024, 3, 8), dt.date(2024, 3, 10), dt.date(2024, 3, 11)]
    wanted = within_days("t", stored.dtype, days, exchange_zone)
    assert wanted is not None
    found = pl.DataFrame({"t": stored, "day": local.dt.date()}).filter(wanted)["day"]
    assert found.to_list() == [day for day in local.dt.date() if day in days]
    assert within_days("t", pl.String(), days, exchange_zone) is None
