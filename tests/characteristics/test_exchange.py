import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from alpha_lightning.characteristics.exchange import (
    MINUTE_COLUMNS,
    TRADE_COLUMNS,
    CharacteristicsError,
    Exchange,
    MinuteFeed,
    TradeFeed,
    read_exchange,
    seconds_of,
)
from alpha_lightning.characteristics.feed import minute_feed, trade_feed
from alpha_lightning.characteristics.feed_index import index_feed
from alpha_lightning.characteristics.intraday import Prints
from alpha_lightning.characteristics.l2chars import l2chars
from alpha_lightning.characteristics.schema import l2chars_columns
from alpha_lightning.characteristics.trade_table import trade_days

CONFIGS = Path(__file__).parents[2] / "configs" / "market"
CN = Exchange(
    "cn", "Asia/Shanghai", [("09:30", "11:30"), ("13:00", "15:00")], lot=100,
    opening_auction=("09:15", "09:30"), closing_auction=("14:57", "15:00"),
)  # fmt: skip


def test_hours_of_shanghai_and_new_york() -> None:
    cn, us = read_exchange(CONFIGS / "cn.yaml"), read_exchange(CONFIGS / "us.yaml")
    assert (cn.periods, cn.day_seconds, cn.period_seconds, cn.lot) == (8, 4 * 3600, 1800, 100)
    assert cn.seconds == ((34200, 41400), (46800, 54000))
    assert (us.periods, us.day_seconds) == (13, 23400)
    assert us.opening_auction is None
    assert us.trades.missing_side == "tick"
    assert cn.trades.sides == {"B": "buy", "S": "sell", "N": "neither"}


def test_seconds_too() -> None:
    assert seconds_of("14:57:30") == 53850


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timezone": "Asia/Atlantis"}, "timezone 'Asia/Atlantis' is unknown"),
        ({"sessions": []}, "give start and end of each session in order"),
        ({"sessions": [("13:00", "15:00"), ("09:30", "11:30")]}, "in order"),
        ({"sessions": [("09:30", "09:30")]}, "in order"),
        ({"sessions": [("9.30", "11:30")]}, "'9.30' is no time of day"),
        ({"sessions": [(34200, "11:30")]}, 'write it in quotes, such as "09:30"'),
        ({"sessions": [("09:30", "11:45")]}, "do not tile the session 09:30 to 11:45"),
        ({"period_minutes": 0}, "period of a minute or more"),
        ({"opening_auction": ("09:15", "09:31")}, "must end by the first session's start"),
        ({"opening_auction": ("09:25", "09:25")}, "must end by"),
        ({"closing_auction": ("14:57", "15:01")}, "inside the last session"),
        ({"closing_auction": ("12:57", "15:00")}, "inside the last session"),
        ({"extended_hours": ("10:00", "16:00")}, "must hold the sessions"),
        ({"lot": 0}, "at least 1 and 0"),
        ({"volume_tolerance": float("nan")}, "at least 1 and 0"),
        ({"trades": TradeFeed(delay_seconds=-5)}, "trades.delay_seconds is -5: give 0 or more"),
        ({"trades": TradeFeed(delay_seconds=float("nan"))}, "delay_seconds is nan"),
        ({"trades": TradeFeed(delay_seconds=180)}, "180 seconds that the closing auction lasts"),
        (
            {"trades": TradeFeed(delay_seconds=5400), "closing_auction": None},
            "5400 seconds until the next session, after 11:30",
        ),
        (
            {"trades": TradeFeed(delay_seconds=1800), "sessions": [("20:00", "23:30")]}
            | {"closing_auction": None},
            "1800 seconds until the next session, after 23:30",
        ),
        (
            {"minute": MinuteFeed(columns={"turnover": "amount"})},
            "minute.columns has 'turnover', .* first .*, as in amount: turnover",
        ),
        (
            {"trades": TradeFeed(columns={"qty": "size"})},
            r"trades.columns has 'qty', .* \(time, symbol, price, .*after the colon$",
        ),
        (
            {"minute": MinuteFeed(columns={"volume": "amount"})},
            "both 'volume' and 'amount' from the vendor's 'amount': name another",
        ),
        (
            {"trades": TradeFeed(columns={"buy_order": "id", "sell_order": "id"})},
            "both 'buy_order' and 'sell_order' from the vendor's 'id'",
        ),
        ({"minute": MinuteFeed(bar_minutes=4)}, "bar_minutes is 4: give one of 1, 2, 3, 5, 6, 10"),
        (
            {"minute": MinuteFeed(bar_minutes=15), "period_minutes": 20},
            "one of 1, 2, 5, 10, which tile the periods of 20 minutes",
        ),
    ],
)
def test_a_day_that_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CharacteristicsError, match=message):
        replace(CN, **change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cn.yaml describes no exchange .*No such file"),
        ("", "describes no exchange"),
        ("name: x", "describes no exchange"),
        ("stocks: 4", "describes no exchange .*stocks"),
        ("- a", "describes no exchange"),
        ("{", "describes no exchange"),
    ],
)
def test_a_file_that_describes_none(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "cn.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(CharacteristicsError, match=message):
        read_exchange(file)


def test_habits_of_a_vendor(tmp_path: Path) -> None:
    file = tmp_path / "vendor.yaml"
    text = (CONFIGS / "cn.yaml").read_text()
    habits = "minute:\n  columns: {time: datetime}\n  bar_minutes: 5\n"
    file.write_text(text.replace("minute:\n", habits))
    minute = read_exchange(file).minute
    assert (minute.columns, minute.bar_minutes) == ({"time": "datetime"}, 5)


def vendor(folder: Path, old: str, new: str) -> Path:
    """The file of Shanghai and Shenzhen with something else in it."""
    text = (CONFIGS / "cn.yaml").read_text()
    assert old in text
    file = folder / "vendor.yaml"
    file.write_text(text.replace(old, new))
    return file


def test_sides_may_be_numbers(tmp_path: Path) -> None:
    sides = "{B: buy, S: sell, N: neither}"
    file = vendor(tmp_path, sides, "{1: buy, -1: sell, 0: neither}")
    assert read_exchange(file).trades.sides == {"1": "buy", "-1": "sell", "0": "neither"}
    file = vendor(tmp_path, sides, '{1: buy, "1": sell}')
    with pytest.raises(CharacteristicsError, match=r"vendor.yaml: trades.sides .* twice"):
        read_exchange(file)


def prints_of(folder: Path, exchange: Exchange, rows: list[dict[str, Any]]) -> Prints:
    (folder / "t").mkdir()
    stock = {"symbol": "A", "volume": 100.0}
    pl.DataFrame([stock | row for row in rows]).write_parquet(folder / "t" / "trades.parquet")
    index = index_feed(trade_feed(folder / "t", exchange), folder / "index.parquet")
    (day,) = trade_days(index, [rows[0]["time"].date()])
    return day.prints


def test_a_table_whose_sides_are_numbers(tmp_path: Path) -> None:
    file = vendor(tmp_path, "{B: buy, S: sell, N: neither}", "{1: buy, 2: sell, 0: neither}")
    time = dt.datetime.fromisoformat("2024-01-02 10:00")
    rows = [{"time": time, "price": 10.0, "side": side} for side in (1, 2, 0, 1)]
    assert prints_of(tmp_path, read_exchange(file), rows).sign.tolist() == [1, -1, 0, 1]


@pytest.mark.parametrize("printed", ["16:00:00.350", "16:01:04.221"])
def test_the_closing_cross_of_new_york_counts(tmp_path: Path, printed: str) -> None:
    us = read_exchange(CONFIGS / "us.yaml")
    stated = {"09:30:00.400": 20.0, "15:59:59": 20.5, printed: 21.0, "16:02:00.001": 30.0}
    rows = [
        {"time": dt.datetime.fromisoformat(f"2024-01-02 {clock}"), "price": price}
        for clock, price in stated.items()
    ]
    prints = prints_of(tmp_path, us, rows)
    assert prints.price.tolist() == [20, 20.5, 21]
    (values,) = l2chars(prints, 1, us.periods, us.period_seconds)
    found = dict(zip([name for name, _ in l2chars_columns(us.periods)], values, strict=True))
    assert found["vwap"] == pytest.approx(20.5)
    assert found["aret"] == pytest.approx(5)
    assert found["aret_13"] == pytest.approx(5)


def test_what_is_wrong_is_told_with_the_file(tmp_path: Path) -> None:
    file = vendor(tmp_path, "delay_seconds: 5", "delay_seconds: -5")
    with pytest.raises(CharacteristicsError, match=r"vendor.yaml: exchange cn: .*delay_seconds"):
        read_exchange(file)


def test_our_columns_are_those_of_the_tables(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("time")
    for feed, columns in (
        (minute_feed(tmp_path, CN), MINUTE_COLUMNS),
        (trade_feed(tmp_path, CN), TRADE_COLUMNS),
    ):
        assert ("time", "symbol", *feed.required, *feed.optional) == columns
