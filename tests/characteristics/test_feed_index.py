import datetime as dt
import os
from pathlib import Path

import polars as pl
import pytest

from alpha_lightning.characteristics import feed_index as module
from alpha_lightning.characteristics.exchange import CharacteristicsError, Exchange, MinuteFeed
from alpha_lightning.characteristics.feed import Feed, minute_feed, trade_feed
from alpha_lightning.characteristics.feed_index import FeedIndex, index_feed
from alpha_lightning.characteristics.session_clock import SECOND

CN = Exchange("cn", "Asia/Shanghai", [("09:30", "11:30"), ("13:00", "15:00")], lot=100)
DAYS = [dt.date(2024, 1, day) for day in (2, 3, 4, 5)]


def bars(*days: dt.date, symbol: str = "A", minutes: int = 10) -> pl.DataFrame:
    """The first three bars of each day, and one at night."""
    clock = [dt.timedelta(minutes=m) for m in (570 + minutes, 570 + 2 * minutes, 570, 1320)]
    times = [dt.datetime.combine(day, dt.time()) + time for day in days for time in clock]
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    return pl.DataFrame({"time": times}).with_columns(
        symbol=pl.lit(symbol), **{name: pl.lit(value) for name, value in prices.items()}
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file of the first two days, and one of the second and the third."""
    (tmp_path / "table").mkdir()
    bars(*DAYS[:2]).write_parquet(tmp_path / "table" / "a.parquet")
    bars(*DAYS[1:3], symbol="B", minutes=15).write_csv(tmp_path / "table" / "b.csv")
    return tmp_path / "table"


def index_of(folder: Path, exchange: Exchange = CN) -> FeedIndex:
    return index_feed(minute_feed(folder, exchange), folder.parent / "index.parquet")


def test_days_files_and_grids(folder: Path) -> None:
    index = index_of(folder)
    assert index.by_date == {DAYS[0]: [0], DAYS[1]: [0, 1], DAYS[2]: [1]}
    assert index.rows == {DAYS[0]: 4, DAYS[1]: 8, DAYS[2]: 4}
    assert index.table["grid"].to_list() == [g * 60 * SECOND for g in (10, 10, 15, 15)]
    assert index.table["bars"].to_list() == [2, 2, 2, 2]  # nor 09:30, nor the night
    assert index.untimed() == {}
    assert index.prints_of(DAYS[1]) == [
        index.about[n]["fingerprint"] for n in ("a.parquet", "b.csv")
    ]
    assert list(index.source(DAYS[2])) == ["b.csv"]
    assert list(index.source()) == ["a.parquet", "b.csv"]


def test_rows_of_some_days_come_as_reported(folder: Path) -> None:
    index = index_of(folder)
    rows = index.read(DAYS[1:3], lambda scan: scan.frame)
    assert rows["_file"].to_list() == [0] * 4 + [1] * 8
    assert rows["_row"].to_list() == [5, 6, 7, 8, *range(1, 9)]


def test_files_that_have_not_changed_are_not_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = index_of(folder)
    opened: list[int] = []
    real = module._days_of

    def spy(feed: Feed, number: int) -> pl.DataFrame:
        opened.append(number)
        return real(feed, number)

    monkeypatch.setattr(module, "_days_of", spy)
    assert index_of(folder).table.equals(first.table)
    os.utime(folder / "a.parquet", ns=(1, 1))  # touched, but the same
    assert index_of(folder).table.equals(first.table)
    assert opened == []
    bars(DAYS[3], symbol="C").write_parquet(folder / "aa.parquet")  # numbers of files move
    index = index_of(folder)
    assert opened == [1]
    assert index.by_date[DAYS[2]] == [2]
    bars(*DAYS[:2], minutes=5).write_parquet(folder / "a.parquet")
    assert index_of(folder).table["grid"][0] == 5 * 60 * SECOND
    assert opened == [1, 0]


def test_an_index_of_other_settings_or_a_damaged_one_is_made_again(folder: Path) -> None:
    assert index_of(folder).table["bars"].sum() == 8
    begins = Exchange("x", "Asia/Shanghai", CN.sessions, lot=1, minute=MinuteFeed(stamp="start"))
    assert index_of(folder, begins).table["bars"].sum() == 12  # 09:30 begins a bar
    kept = folder.parent / "index.parquet"
    for content in (b"", kept.read_bytes()[:100]):
        kept.write_bytes(content)
        assert index_of(folder).table["bars"].sum() == 8
    pl.DataFrame({"x": [1]}).write_parquet(kept, metadata={"alpha_lightning": "{}"})
    assert index_of(folder).table["bars"].sum() == 8


def test_the_index_is_kept_as_it_grows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEEP_EVERY", 1)
    (folder / "c.csv").write_text("nonsense\n1\n")
    with pytest.raises(CharacteristicsError, match=r"c.csv lacks column 'time'"):
        index_of(folder)
    assert len(pl.read_parquet(folder.parent / "index.parquet")) == 4


def test_many_files_are_told_by_one_fingerprint(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LISTED_FILES", 1)
    assert list(index_of(folder).source()) == ["2 files"]


def test_trades_and_rows_without_a_time(tmp_path: Path) -> None:
    times = ["2024-01-02 09:30:00.5", "2024-01-03 09:31:00", "noon", None]
    frame = pl.DataFrame({"time": times, "symbol": "A", "price": 1.0, "volume": 1, "side": "B"})
    frame.write_csv(tmp_path / "t.csv")
    frame.head(1).write_csv(tmp_path / "u.csv")
    index = index_feed(trade_feed(tmp_path, CN), tmp_path / "i" / "index.parquet")
    assert index.rows == {DAYS[0]: 2, DAYS[1]: 1}
    assert index.untimed() == {0: 2}
    assert index.table["grid"].to_list() == [0, 0, 0, 0]


def test_files_without_a_row_are_passed_over(folder: Path) -> None:
    whole = index_of(folder)
    bars(DAYS[0]).head(0).write_csv(folder / "a0.csv")
    for _ in range(2):  # the second time from the index that was kept
        index = index_of(folder)
        assert index.empty == ("a0.csv",)
        assert (index.by_date, index.rows) == (whole.by_date, whole.rows)
        assert [file.name for file in index.feed.files] == ["a.parquet", "b.csv"]
        assert list(index.source()) == ["a.parquet", "b.csv"]
    bars(DAYS[3]).write_csv(folder / "a0.csv")
    assert DAYS[3] in index_of(folder).by_date


def test_a_table_without_a_row_is_named(tmp_path: Path) -> None:
    bars(DAYS[0]).head(0).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(
        CharacteristicsError, match=r"no file below .* has a row \(the first is x.p"
    ):
        index_feed(minute_feed(tmp_path, CN), tmp_path / "index")


def test_batches_are_bounded_by_rows_and_days(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = index_of(folder)
    assert list(index.batches(DAYS[:3])) == [DAYS[:3]]
    monkeypatch.setattr(module, "_ROWS", 12)
    assert list(index.batches(DAYS[:3])) == [DAYS[:2], DAYS[2:3]]
    monkeypatch.setattr(module, "_DAYS", 1)
    assert list(index.batches(DAYS[:3])) == [[day] for day in DAYS[:3]]
    assert list(index.batches([])) == []


def test_days_that_share_no_file_are_read_apart(folder: Path) -> None:
    index = index_of(folder)
    assert index.apart([DAYS[0], DAYS[2]]) == [[DAYS[0]], [DAYS[2]]]
    assert index.apart(DAYS[:2]) == [DAYS[:2]]
