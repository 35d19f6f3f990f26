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
    days: Sequence[Sequence[int]],
    stamp: Literal["end", "start"] = "end",
    period: int = 30,
) -> list[float]:
    """Minutes of the bars of each day, from the minutes after 09:30 of their stamps."""
    exchange = Exchange(
        "x", "UTC", [("09:30", "15:30")], 1, period_minutes=period, minute=MinuteFeed(stamp=stamp)
    )
    opening = dt.timedelta(hours=9, minutes=30)
    times = [
        dt.datetime.combine(day, dt.time()) + opening + dt.timedelta(minutes=minutes)
        for day, stamps in zip(DAYS, days, strict=False)
        for minutes in stamps
    ]
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    frame = pl.DataFrame({"time": times}).with_columns(
        symbol=pl.lit("A"), **{name: pl.lit(value) for name, value in prices.items()}
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
            [range(5, 361, 5), [*range(5, 361, 5), 7]],
            "bars of 5 minutes before 2024-01-03, of 1 m",
        ),
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
def test_bars_of_two_lengths(tmp_path: Path, days: list[Sequence[int]], told: str) -> None:
    with pytest.raises(CharacteristicsError, match=told):
        lengths(tmp_path, days)
