from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from alpha_lightning.artefacts.provenance import fingerprint_file
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.vendor import DAILY, FUNDAMENTALS, INDUSTRIES, read_vendor_table

Bars = Callable[..., pl.DataFrame]
HEAD = "date,symbol,open,high,low,close,volume"
BOM = "\ufeff"


def read_csv(folder: Path, *lines: str, head: str = HEAD) -> pl.DataFrame:
    file = folder / "daily.csv"
    file.write_text("\n".join((head, *lines)), encoding="utf-8")
    return read_vendor_table(file, DAILY).frame


@pytest.mark.parametrize("suffix", ["parquet", "csv", "CSV", "Parquet"])
def test_a_file_is_read_with_places(tmp_path: Path, bars: Bars, suffix: str) -> None:
    frame, file = bars(), tmp_path / f"daily.{suffix}"
    (frame.write_csv if suffix.lower() == "csv" else frame.write_parquet)(file)
    table = read_vendor_table(file, DAILY)
    assert table.frame.select(frame.columns).equals(frame)
    assert table.frame["_row"].to_list() == list(range(1, 91))
    assert table.frame["_file"].unique().to_list() == [0]
    assert table.frame["_unreadable"].null_count() == 90
    assert table.source() == {
        "table": "daily",
        "rows": 90,
        "files": {f"daily.{suffix}": fingerprint_file(file)},
    }


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path, bars: Bars) -> None:
    frame = bars()
    days = frame["date"].unique().sort()
    for day in days:
        (tmp_path / str(day.year)).mkdir(exist_ok=True)
        rows = frame.filter(pl.col("date") == day)
        if day.day % 2:
            rows.write_csv(tmp_path / str(day.year) / f"{day}.csv")
        else:
            rows.write_parquet(tmp_path / str(day.year) / f"{day}.parquet")
    (tmp_path / "README.txt").write_text("not a table")
    (tmp_path / "._leftover.csv").write_text("not a table")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "copy.csv").write_text("not a table")
    table = read_vendor_table(tmp_path, DAILY)
    assert table.frame.select(frame.columns).equals(frame)
    assert table.file_name(0) == "2024/2024-01-02.parquet"
    files = table.source()["files"]
    assert isinstance(files, dict)
    assert list(files) == ["30 files"]  # not a list of thousands in every panel
    (tmp_path / "2024" / "2024-01-02.parquet").unlink()
    assert read_vendor_table(tmp_path, DAILY).source()["files"] != files


def test_files_may_have_different_optional_columns(tmp_path: Path, bars: Bars) -> None:
    frame = bars(days=4)
    first, rest = frame.head(6), frame.tail(6)
    first.with_columns(amount=pl.lit(1.0)).write_parquet(tmp_path / "1.parquet")
    rest.select(reversed(rest.columns)).with_columns(st=pl.lit(value=True)).write_csv(
        tmp_path / "2.csv"
    )
    read = read_vendor_table(tmp_path, DAILY).frame
    assert read["amount"].to_list() == [1.0] * 6 + [None] * 6
    assert read["st"].to_list() == [None] * 6 + [True] * 6
    assert read.select(frame.columns).equals(frame)


@pytest.mark.parametrize(
    "text",
    ["2024-01-31", "2024-1-31", " 2024-01-31 ", "2024-01-31 00:00:00", "2024-01-31T00:00:00.000"],
)
def test_spellings_of_a_date(tmp_path: Path, text: str) -> None:
    frame = read_csv(tmp_path, f"{text},A,1,1,1,1,1")
    assert frame["date"].to_list() == [date(2024, 1, 31)]


@pytest.mark.parametrize(
    "text",
    [
        *("20240131", "2024/01/31", "31.01.2024", "24-01-31", "2024-02-30"),
        *("2024-01-31 15:00:00", "2024-01-31T00:00:00+08:00", "2024-01-31T00:00:00Z"),
    ],
)
def test_other_spellings_are_refused_with_the_right_one(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        PanelError, match=r"daily\.csv: no value of column 'date' is a date such as"
    ):
        read_csv(tmp_path, f"{text},A,1,1,1,1,1")
    frame = read_csv(tmp_path, f"{text},A,1,1,1,1,1", "2024-01-31,A,1,1,1,1,1")
    assert frame["_unreadable"].to_list() == [f"date '{text}'", None]


@pytest.mark.parametrize("dtype", [pl.Datetime(unit) for unit in ("ms", "us", "ns")])
def test_midnights_are_dates(tmp_path: Path, bars: Bars, dtype: pl.DataType) -> None:
    stamps = bars().with_columns(pl.col("date").cast(dtype))
    stamps.write_parquet(tmp_path / "d.parquet")
    assert read_vendor_table(tmp_path, DAILY).frame["date"].equals(bars()["date"])
    noon = pl.when(pl.int_range(pl.len()) == 4).then(pl.datetime(2024, 1, 3, 12))
    stamps.with_columns(noon.otherwise("date").cast(dtype).alias("date")).write_parquet(
        tmp_path / "d.parquet"
    )
    assert read_vendor_table(tmp_path, DAILY).frame["date"].null_count() == 1


def test_csv_symbols_keep_zeros_and_may_be_called_na(tmp_path: Path) -> None:
    lines = [f"2024-01-31,{name},1,1,1,1,1" for name in ("000001", " NA ", "null", '"A,B"', "1.0")]
    frame = read_csv(tmp_path, *lines)
    assert frame["symbol"].to_list() == ["000001", "NA", "null", "A,B", "1.0"]
    assert frame["_unreadable"].null_count() == 5


def test_spellings_of_missing_numbers(tmp_path: Path) -> None:
    spelt = ["", "NA", "nan", "NaN", " null ", "None", "1e3", " 2.5 "]
    frame = read_csv(tmp_path, *(f"2024-01-31,A,1,1,1,1,{text}" for text in spelt))
    assert frame["volume"].to_list() == [None] * 6 + [1000.0, 2.5]
    assert frame["_unreadable"].null_count() == 8


def test_what_is_no_number_is_kept_for_the_message(tmp_path: Path) -> None:
    frame = read_csv(tmp_path, '2024-01-31,A,1,1,1,--,"1,000"', "2024-01-31,A,1,1,1,1,1")
    assert frame["close"].to_list() == [None, 1.0]
    assert frame["_unreadable"].to_list() == ["close '--', volume '1,000'", None]


@pytest.mark.parametrize("start", [BOM, ""])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_byte_order_marks_and_line_ends_do_not_matter(
    tmp_path: Path, bars: Bars, start: str, newline: str
) -> None:
    text = start + bars().write_csv().replace("\n", newline)
    (tmp_path / "daily.csv").write_bytes(text.encode())
    read = read_vendor_table(tmp_path / "daily.csv", DAILY).frame
    assert read.select(bars().columns).equals(bars())


@pytest.mark.parametrize(
    "dtype", [pl.Float32, pl.Int64, pl.Int16, pl.UInt32, pl.Decimal(12, 2), pl.Null]
)
def test_any_numeric_type_will_do(tmp_path: Path, bars: Bars, dtype: type[pl.DataType]) -> None:
    frame = bars().with_columns(amount=pl.lit(7 if dtype != pl.Null else None).cast(dtype))
    frame.write_parquet(tmp_path / "d.parquet")
    read = read_vendor_table(tmp_path, DAILY).frame
    assert read.schema["amount"] == pl.Float64
    assert read["amount"].to_list() == [7.0 if dtype != pl.Null else None] * 90


def test_nan_is_missing_like_null(tmp_path: Path, bars: Bars) -> None:
    odd = pl.int_range(pl.len()) % 2 == 1
    for hole in (None, float("nan")):
        frame = bars().with_columns(pl.when(odd).then(hole).otherwise("open").alias("open"))
        frame.write_parquet(tmp_path / "d.parquet")
        assert read_vendor_table(tmp_path, DAILY).frame["open"].null_count() == 45


@pytest.mark.parametrize("values", [[True, False, None], [1, 0, None], ["True", "false", None]])
def test_spellings_of_flags(tmp_path: Path, bars: Bars, values: list[object]) -> None:
    frame = bars(days=1).with_columns(suspended=pl.Series(values))
    frame.write_parquet(tmp_path / "d.parquet")
    read = read_vendor_table(tmp_path, DAILY).frame
    assert read["suspended"].to_list() == [True, False, None]


def test_categories_are_text(tmp_path: Path, bars: Bars) -> None:
    for dtype in (pl.Categorical(), pl.Enum(["A", "B", "C"])):
        bars().with_columns(pl.col("symbol").cast(dtype)).write_parquet(tmp_path / "d.parquet")
        read = read_vendor_table(tmp_path, DAILY).frame
        assert read["symbol"].equals(bars()["symbol"])


def test_an_open_ended_table_keeps_other_numbers(tmp_path: Path) -> None:
    frame = pl.DataFrame({"date": [date(2024, 1, 2)], "symbol": ["A"], "roe": [1], "note": ["x"]})
    frame.write_parquet(tmp_path / "f.parquet")
    assert read_vendor_table(tmp_path, FUNDAMENTALS).frame["roe"].to_list() == [1.0]
    assert "note" not in read_vendor_table(tmp_path, FUNDAMENTALS).frame.columns
    with pytest.raises(PanelError, match="lacks column 'industry' of industries"):
        read_vendor_table(tmp_path, INDUSTRIES)
