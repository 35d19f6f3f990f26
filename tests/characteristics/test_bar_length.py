import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from alpha_lightning.characteristics.bar_length import bar_seconds
from alpha_lightning.characteristics.exchange import CharacteristicsError, Exchange, MinuteFeed
from alpha_lightning.characteristics.feed import minute_feed
from alpha_lightning.characteristics.feed_index import index_feed

DAYS = [dt.date(2024, 1, day) for day in (2, 3, 4, 5)]


def lengths(
    folder: Path,
    days: Sequence[Sequence[float]],
    stamp: Literal["end", "start"] = "end",
    period: int = 30,
    bar_minutes: int | None = None,
    others: int = 0,
) -> list[float]:
    """Minutes of the bars of each day, from the minutes after 09:30 of their stamps.

    The last rows, so many, are of another stock.
    """
    feed = MinuteFeed(stamp=stamp, bar_minutes=bar_minutes)
    exchange = Exchange("x", "UTC", [("09:30", "15:30")], 1, period_minutes=period, minute=feed)
    opening = dt.timedelta(hours=9, minutes=30)
    times = [
        dt.datetime.combine(day, dt.time()) + opening + dt.timedelta(minutes=minutes)
        for day, stamps in zip(DAYS, days, strict=False)
        for minutes in stamps
    ]
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    frame = pl.DataFrame({"time": times}).with_columns(
        symbol=pl.Series(["A"] * (len(times) - others) + ["B"] * others),
        **{name: pl.lit(value) for name, value in prices.items()},
    )
    frame.write_parquet(folder / "bars.parquet")
    index = index_feed(minute_feed(folder / "bars.parquet", exchange), folder / "index")
    return [seconds / 60 for seconds in bar_seconds(index).values()]


@pytest.mark.parametrize("minutes", [1, 2, 3, 5, 6, 10, 15, 30])
@pytest.mark.parametrize("stamp", ["end", "start"])
def test_the_length_is_the_grid_of_the_stamps(
    tmp_path: Path, minutes: int, stamp: Literal["end", "start"]
) -> None:
    first = minutes if stamp == "end" else 0
    day = range(first, 360 + first, minutes)
    assert lengths(tmp_path, [day, day], stamp) == [minutes, minutes]


def test_gaps_do_not_make_bars_longer(tmp_path: Path) -> None:
    full = range(5, 361, 5)
    assert lengths(tmp_path, [full, [30, 60, 90], [35]]) == [5, 5, 5]


def test_a_thin_beginning_knows_nothing_of_later_days(tmp_path: Path) -> None:
    thin, full = [30, 60], range(1, 361)
    assert lengths(tmp_path, [thin, full]) == [30, 1]
    assert lengths(tmp_path, [thin]) == [30]
    assert lengths(tmp_path, [[37], full]) == [1, 1]
    assert lengths(tmp_path, [[0], full], stamp="end") == [30, 1]  # no bar of a session at all


@pytest.mark.parametrize("minutes", [4, 7, 20, 45, 60])
def test_bars_that_do_not_tile(tmp_path: Path, minutes: int) -> None:
    with pytest.raises(CharacteristicsError) as told:
        lengths(tmp_path, [range(minutes, 360, minutes)])
    assert f"bars of {minutes} minutes do not tile the periods of 30 minutes" in str(told.value)
    assert "bars.parquet, A, 2024-01-02" in str(told.value)


def test_bars_tile_the_periods_of_the_exchange(tmp_path: Path) -> None:
    assert lengths(tmp_path, [range(15, 361, 15)], period=60) == [15]
    with pytest.raises(CharacteristicsError, match="give bars of one length of 1, 2, 3, 6 minutes"):
        lengths(tmp_path, [range(15, 361, 15)], period=12)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (
            [range(5, 361, 5), range(1, 361)],
            "bars of 5 minutes before 2024-01-03, of 1 m",
        ),
        (
            [range(1, 361), range(5, 361, 5)],
            "bars of 1 minutes before 2024-01-03, of 5 m",
        ),
    ],
)
def test_bars_of_two_lengths(tmp_path: Path, days: list[Sequence[float]], told: str) -> None:
    with pytest.raises(CharacteristicsError, match=told):
        lengths(tmp_path, days)


FIVE = list(range(5, 361, 5))
ONE = list(range(1, 361))


@pytest.mark.parametrize("stray", [31, 32, 37.5])
@pytest.mark.parametrize("day", [0, 1, 2])
def test_a_row_off_the_grid_is_a_mistake_not_a_shorter_bar(
    tmp_path: Path, stray: float, day: int
) -> None:
    days: list[Sequence[float]] = [2 * FIVE, 2 * FIVE, 2 * FIVE]
    days[day] = [*(2 * FIVE)[1:], stray]
    assert lengths(tmp_path, days) == [5, 5, 5]
    assert lengths(tmp_path, days[: day + 1]) == [5] * (day + 1)


def test_once_the_length_is_known_a_thin_day_may_have_a_stray(tmp_path: Path) -> None:
    assert lengths(tmp_path, [FIVE, [35, 61]]) == [5, 5]
    assert lengths(tmp_path, [FIVE, [*FIVE, 7]]) == [5, 5]
    with pytest.raises(CharacteristicsError, match=r"of 1 minutes on it .*, A, 2024-01-03 09:37"):
        lengths(tmp_path, [FIVE, [*FIVE[:20], 7, 8, 9, 11]])


def test_shorter_bars_with_gaps_stay_short(tmp_path: Path) -> None:
    # Four of five lie on the grid of five minutes.
    mostly = [m for m in ONE if m % 5 == 0 or m % 20 == 1]
    assert sum(m % 5 == 0 for m in mostly) / len(mostly) == pytest.approx(0.8)
    assert lengths(tmp_path, [mostly]) == [1]
    assert lengths(tmp_path, [[30, 60, 61]]) == [1]
    assert lengths(tmp_path, [[2, 4, 6, 8, 10, 12, 14, 15]]) == [1]


@pytest.mark.parametrize("number", [8, 40, 72])
def test_a_length_in_doubt_is_to_be_told(tmp_path: Path, number: int) -> None:
    day = [*FIVE[:number], 31]
    if number == 8:
        day = [30, 60, 90, 120, 150, 180, 210, 241]
    with pytest.raises(CharacteristicsError) as told:
        lengths(tmp_path, [day])
    on, every = (7, 8) if number == 8 else (number, number + 1)
    length, clock = (30, "13:31") if number == 8 else (5, "10:01")
    assert f"{on} of {every} bars lie on a grid of {length} minutes" in str(told.value)
    assert f"bars.parquet, A, 2024-01-02 {clock}:00): mend those" in str(told.value)
    assert lengths(tmp_path, [day], bar_minutes=1) == [1]
    assert lengths(tmp_path, [day], bar_minutes=length) == [length]


def test_a_thin_day_before_that_was_off_the_grid(tmp_path: Path) -> None:
    with pytest.raises(
        CharacteristicsError, match=r"72 of 73 .*first: bars.parquet, A, 2024-01-02"
    ):
        lengths(tmp_path, [[31], FIVE])
    with pytest.raises(CharacteristicsError, match=r"720 of 721 .*bars.parquet, A, 2024-01-02"):
        lengths(tmp_path, [[31], 10 * FIVE])


def test_the_length_told_is_not_that_of_the_bars(tmp_path: Path) -> None:
    with pytest.raises(CharacteristicsError, match=r"5 minutes \(bar_minutes\) before 2024-01-02"):
        lengths(tmp_path, [ONE], bar_minutes=5)
    with pytest.raises(CharacteristicsError, match="is 1, but all bars lie on a grid of 5 minutes"):
        lengths(tmp_path, [FIVE, [5]], bar_minutes=1)
    assert lengths(tmp_path, [FIVE, [6]], bar_minutes=1) == [1, 1]


def test_most_rows_off_the_whole_minutes(tmp_path: Path) -> None:
    with pytest.raises(CharacteristicsError, match="bars off the whole minutes do not tile"):
        lengths(tmp_path, [[m + 0.5 for m in FIVE]])


def test_a_stray_does_not_hide_bars_that_do_not_tile(tmp_path: Path) -> None:
    with pytest.raises(CharacteristicsError, match="90 of 91 bars lie on a grid of 4 minutes"):
        lengths(tmp_path, [[*range(4, 361, 4), 31]])
    with pytest.raises(CharacteristicsError, match="bars of 4 minutes do not tile"):
        lengths(tmp_path, [[*(2 * list(range(4, 361, 4))), 31]])


def test_a_stock_of_shorter_bars_among_others(tmp_path: Path) -> None:
    with pytest.raises(
        CharacteristicsError, match=r"most of B on 2024-01-02 .*, B, 2024-01-02 09:31"
    ):
        lengths(tmp_path, [[*(100 * FIVE), *(ONE[:60])]], others=60)


def test_bars_of_many_stocks_at_one_time_tell_no_more_than_one(tmp_path: Path) -> None:
    # Each stock has a bar at the close, a few another in between: minutes, not 39 of them.
    thin = [*([360] * 60), 7, 31, 58, 101, 140, 213, 277, 301]
    assert lengths(tmp_path, [thin, range(1, 361)]) == [1, 1]


def test_a_date_of_one_time_does_not_tell_another_length(tmp_path: Path) -> None:
    close, full = [360] * 60, list(range(5, 361, 5))
    assert lengths(tmp_path, [close, full, close]) == [30, 5, 5]
    assert lengths(tmp_path, [full, close]) == [5, 5]
