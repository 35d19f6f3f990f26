from pathlib import Path

import pytest

from alpha_lightning.characteristics.exchange import (
    CharacteristicsError,
    Exchange,
    MinuteFeed,
    TradeFeed,
)
from alpha_lightning.characteristics.feed import minute_feed, trade_feed

CN = Exchange(
    "cn", "Asia/Shanghai", [("09:30", "11:30")], lot=100,
    minute=MinuteFeed(columns={"time": "datetime"}, volume_unit="lots"),
    trades=TradeFeed(columns={"volume": "size"}),
)  # fmt: skip


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.parquet", "a.csv", "deep/c.PARQUET", ".hidden.csv", ".git/d.csv", "e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    feed = minute_feed(tmp_path, CN)
    assert [feed.file_name(k) for k in range(len(feed.files))] == [
        "a.csv",
        "b.parquet",
        "deep/c.PARQUET",
    ]
    assert (feed.name, feed.shares) == ("minute", 100)
    assert (feed.theirs("time"), feed.theirs("close")) == ("datetime", "close")
    assert list(feed.optional) == ["amount"]


def test_a_single_file(tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    file.write_text("")
    feed = trade_feed(file, CN)
    assert feed.files == (file,)
    assert feed.file_name(0) == "trades.csv"
    assert (feed.name, feed.shares, feed.theirs("volume")) == ("trades", 1, "size")
    assert "sell_order" in feed.optional


def test_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("")
    for path, told in (
        (tmp_path, "holds no .parquet or .csv file: name the folder of the trades table"),
        (tmp_path / "y", "does not exist: check the path of the trades table"),
        (tmp_path / "x.txt", "is neither .parquet nor .csv: convert the trades table"),
    ):
        with pytest.raises(CharacteristicsError, match=told):
            trade_feed(path, CN)
