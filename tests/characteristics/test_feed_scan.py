import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from alpha_lightning.characteristics.exchange import CharacteristicsError, Exchange, TradeFeed
from alpha_lightning.characteristics.feed import Feed, minute_feed, trade_feed
from alpha_lightning.characteristics.feed_scan import (
    collect,
    columns_given,
    has_rows,
    scan_file,
)

CN = Exchange("cn", "Asia/Shanghai", [("09:30", "11:30")], lot=100)
TIMES = [dt.datetime.fromisoformat(f"2024-01-0{day} 09:31:00") for day in (2, 3, 4)]
BARS = pl.DataFrame(
    {"time": TIMES, "symbol": ["001", "001", "NA"]}
    | {c: [1, 2, 3] for c in ("open", "high", "low", "close", "volume")}
)
PRINTS = pl.DataFrame(
    {"time": TIMES, "symbol": ["A"] * 3, "price": [1.0, 2.0, float("nan")], "volume": [100, 200, 0]}
    | {"side": ["B", "S", None], "buy_order": [1, 2, None], "sell_order": [3.0, 4.0, None]}
)


def feed_of(folder: Path, frame: pl.DataFrame, suffix: str = "parquet", **kind: Any) -> Feed:
    file = folder / f"table.{suffix}"
    frame.write_csv(file) if suffix == "csv" else frame.write_parquet(file)
    feed: Feed = kind.get("feed", minute_feed)(file, kind.get("exchange", CN))
    return feed


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_names_types_and_places(tmp_path: Path, suffix: str) -> None:
    feed = feed_of(tmp_path, BARS, suffix)
    scan = scan_file(feed, 0)
    found = collect(scan.frame, feed.files[0])
    assert scan.given == {"time", "symbol", "open", "high", "low", "close", "volume"} - {"time"} | {
        "time"
    }
    assert found["time"].to_list() == TIMES
    assert found["symbol"].to_list() == ["001", "001", "NA"]  # no numbers, nothing missing
    assert found["close"].to_list() == [1.0, 2.0, 3.0]
    assert found["_row"].to_list() == [1, 2, 3]
    assert found["_file"].to_list() == [0, 0, 0]
    assert found["amount"].null_count() == 3
    assert found["_unreadable"].null_count() == 3


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_few_days_keep_their_row_numbers(tmp_path: Path, suffix: str) -> None:
    feed = feed_of(tmp_path, BARS, suffix)
    frame = scan_file(feed, 0, [dt.date(2024, 1, 3), dt.date(2024, 1, 4)]).frame
    assert collect(frame, feed.files[0])["_row"].to_list() == [2, 3]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_trades_with_sides_and_orders(tmp_path: Path, suffix: str) -> None:
    whole = PRINTS.with_columns(pl.col("sell_order").cast(pl.Int64)) if suffix == "csv" else PRINTS
    feed = feed_of(tmp_path, whole, suffix, feed=trade_feed)
    found = collect(scan_file(feed, 0).frame, feed.files[0])
    assert found["side"].to_list() == ["B", "S", None]
    assert found["buy_order"].to_list() == [1, 2, None]
    assert found["sell_order"].to_list() == [3, 4, None]
    assert found["price"].fill_nan(None).to_list() == [1.0, 2.0, None]


def test_text_that_is_no_number(tmp_path: Path) -> None:
    text = BARS.with_columns(
        pl.Series("close", ["1", "many", "N/A"]), pl.Series("volume", ["x", "2", " 3 "])
    )
    feed = feed_of(tmp_path, text, "csv")
    found = collect(scan_file(feed, 0).frame, feed.files[0])
    assert found["_unreadable"].to_list() == ["volume 'x'", "close 'many'", None]
    assert found["close"].to_list() == [1.0, None, None]
    assert found["volume"].to_list() == [None, 2.0, 3.0]


def test_the_side_may_be_left_out_when_ticks_stand_in(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, PRINTS.drop("side"), feed=trade_feed)
    with pytest.raises(CharacteristicsError, match=r"table.parquet lacks column 'side' of trades"):
        scan_file(feed, 0)
    tick = Exchange("us", "UTC", [("09:30", "11:30")], 1, trades=TradeFeed(missing_side="tick"))
    feed = feed_of(tmp_path, PRINTS.drop("side"), feed=trade_feed, exchange=tick)
    assert "side" not in columns_given(feed)
    assert collect(scan_file(feed, 0).frame, feed.files[0])["side"].null_count() == 3


def test_sides_may_be_numbers_or_categories(tmp_path: Path) -> None:
    for side in (pl.Series([1, 2, None]), pl.Series(["1", "2", None], dtype=pl.Categorical)):
        feed = feed_of(tmp_path, PRINTS.with_columns(side=side), feed=trade_feed)
        found = collect(scan_file(feed, 0).frame, feed.files[0])
        assert found["side"].to_list() == ["1", "2", None]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (BARS.drop("close"), r"lacks column 'close' of minute; it has time, symbol"),
        (BARS.rename({"close": "Close "}), r"has a column 'Close ': rename it to 'close'"),
        (BARS.with_columns(symbol=1), r"'symbol' has type Int32, it should be text"),
        (
            BARS.with_columns(pl.col("open").cast(pl.String)),
            r"'open' has type String, it should be a n",
        ),
        (
            BARS.with_columns(pl.col("time").dt.date()),
            r"'time' has type Date, it should be a timestamp",
        ),
    ],
)
def test_columns_that_are_wrong(tmp_path: Path, change: pl.DataFrame, told: str) -> None:
    with pytest.raises(CharacteristicsError, match=told):
        scan_file(feed_of(tmp_path, change), 0)


def test_a_file_whose_pages_are_damaged(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, pl.concat([BARS] * 1000))
    frame = scan_file(feed, 0).frame
    content = bytearray(feed.files[0].read_bytes())
    content[4:400] = bytes(396)  # what comes last, and says what there is, is whole
    feed.files[0].write_bytes(content)
    with pytest.raises(CharacteristicsError, match=r"table.parquet cannot be read as parquet"):
        collect(frame, feed.files[0])


def test_a_file_that_is_whole_is_not_called_damaged(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, BARS)
    frame = scan_file(feed, 0).frame
    for wrong in (frame.filter(pl.col("close") == pl.lit([1])), frame.select("nothing")):
        with pytest.raises(CharacteristicsError, match=r"can be read, but not be worked with \("):
            collect(wrong, feed.files[0])


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_whether_a_file_has_rows(tmp_path: Path, suffix: str) -> None:
    assert has_rows(feed_of(tmp_path, BARS, suffix), 0)
    assert not has_rows(feed_of(tmp_path, BARS.head(0), suffix), 0)
    pl.DataFrame(schema={"time": pl.Null}).write_parquet(tmp_path / "table.parquet")
    assert not has_rows(feed_of(tmp_path, BARS.head(0).select("time"), suffix), 0)
