"""Tables that cannot be a panel: one message with place and remedy, and nothing written."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from alpha_lightning.panel.store import Panel

Bars = Callable[..., pl.DataFrame]
Ingested = Callable[..., Any]
Change = Callable[[pl.DataFrame], pl.DataFrame]


def recast(**exprs: Any) -> Change:
    return lambda frame: frame.with_columns(**exprs)


BAD_TABLES: list[tuple[str, Change, str]] = [
    (
        "missing column",
        lambda f: f.drop("close"),
        "lacks column 'close' of daily (it has date, symb",
    ),
    (
        "capitals",
        lambda f: f.rename({"close": "Close"}),
        "has a column 'Close': rename it to 'close'",
    ),
    ("space", lambda f: f.rename({"date": " date"}), "has a column ' date': rename it to 'date'"),
    (
        "optional column in capitals",  # passed over, the prices would be taken as adjusted
        recast(ADJ_FACTOR=pl.lit(1.0)),
        "has a column 'ADJ_FACTOR': rename it to 'adj_factor'",
    ),
    (
        "numbers as text",
        recast(close=pl.col("close").cast(pl.String)),
        "column 'close' has type String, it should be a number: convert the column",
    ),
    (
        "lists",
        recast(volume=pl.concat_list("volume")),
        "column 'volume' has type List(Float64), it should be a number",
    ),
    (
        "symbols as integers",
        recast(symbol=pl.lit(600519)),
        "column 'symbol' has type Int32, it should be text",
    ),
    (
        "dates as integers",
        recast(date=pl.col("date").dt.strftime("%Y%m%d").cast(pl.Int64)),
        "column 'date' has type Int64, it should be a date such as 2024-01-31: convert",
    ),
    (
        "dates with slashes",
        recast(date=pl.col("date").dt.strftime("%Y/%m/%d")),
        "no value of column 'date' is a date such as 2024-01-31 (the first is '2024/01/02')",
    ),
    (
        "dates with a time zone",
        recast(date=pl.col("date").cast(pl.Datetime).dt.replace_time_zone("Asia/Shanghai")),
        "column 'date' has time zone Asia/Shanghai: convert it to exchange-local dates",
    ),
    (
        "times of the close",
        recast(date=pl.col("date").cast(pl.Datetime) + pl.duration(hours=15)),
        "is a date such as 2024-01-31 (the first is '2024-01-02 15:00:00')",
    ),
    (
        "flags as fractions",
        recast(suspended=pl.lit(0.5)),
        "column 'suspended' has type Float64, it should be true or false",
    ),
    ("no rows", lambda f: f.head(0), "is empty: remove it or write it again"),
    ("a column of nothing", recast(close=pl.lit(None)), "'close' of daily is missing in every row"),
    ("a column of NaN", recast(close=pl.lit(float("nan"))), "'close' of daily is missing in every"),
    (
        "amount in thousands",
        recast(amount=pl.col("close") * pl.col("volume") / 1000),
        "amount / volume is 0.001 times the close",
    ),
    (
        "volume in lots",
        recast(amount=pl.col("close") * pl.col("volume") * 100),
        "volume to shares (not lots)",
    ),
]


@pytest.mark.parametrize(
    ("change", "told"), [case[1:] for case in BAD_TABLES], ids=[c[0] for c in BAD_TABLES]
)
def test_bad_tables(ingested: Ingested, bars: Bars, change: Change, told: str) -> None:
    status, message, _ = ingested(change(bars()))
    assert status == 1
    assert told in message
    assert "daily" in message.splitlines()[0]
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_damaged_files(tmp_path: Path, ingested: Ingested, bars: Bars, suffix: str) -> None:
    file = tmp_path / f"d.{suffix}"
    bars().write_parquet(file)
    good = file.read_bytes()
    for content in (b"", good[: len(good) // 2], good[:-1], b"\x00\xff" * 500):
        file.write_bytes(content)
        status, message, _ = ingested(None, "--daily", str(file))
        assert status == 1
        assert f"{file} " in message
        assert "write" in message  # ... it again


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("date,symbol,open,high,low,close,volume\n", "is empty: remove it"),
        ("d\0a\0t\0e\0", "is not UTF-8 text (UTF-16, or compressed?)"),
        ("date;symbol;open;high;low;close;volume\n1;2;3;4;5;6;7\n", "lacks column 'date'"),
        ("date,symbol,open,high,low,close,volume\n1,2,3,4,5,6,7,8,9\n", "cannot be read as csv"),
        ("date,symbol,open,high,low,close,volume\n2024-01-02,\udcc4\n", "invalid utf-8"),
        ("date,symbol,open,high,low,close,close\n1,2,3,4,5,6,7\n", "lacks column 'volume'"),
    ],
)
def test_broken_csv(tmp_path: Path, ingested: Ingested, text: str, told: str) -> None:
    (tmp_path / "d.csv").write_text(text, errors="surrogateescape")
    status, message, _ = ingested(None, "--daily", str(tmp_path / "d.csv"))
    assert status == 1
    assert told in message


def test_paths_that_hold_no_table(tmp_path: Path, ingested: Ingested) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "daily.xlsx").write_text("")
    for path, told in (
        ("none.parquet", "does not exist: check the path of the daily table"),
        ("empty", "holds no .parquet or .csv file"),
        ("daily.xlsx", "is neither .parquet nor .csv: convert"),
    ):
        status, message, _ = ingested(None, "--daily", str(tmp_path / path))
        assert status == 1
        assert f"{tmp_path / path} {told}" in message


def test_one_source_of_bars(ingested: Ingested, bars: Bars) -> None:
    for frame, options in ((None, ()), (bars(), ("--qlib", "x"))):
        status, message, _ = ingested(frame, *options)
        assert status == 1
        assert "either --daily (a table) or --qlib (a Qlib folder): give one" in message


def members(**columns: Any) -> pl.DataFrame:
    rows = {"date": [date(2024, 1, 2)] * 2, "index": ["300", "300"], "symbol": ["A", "B"]}
    return pl.DataFrame(rows | columns)


BAD_SIDE_TABLES: list[tuple[str, pl.DataFrame, str]] = [
    (
        "index_members",
        members(weight=[40.0, 60.0]),
        "weights of 300 on 2024-01-02 sum to 100, not 1",
    ),
    ("index_members", members(weight=[40.0, 60.0]), "they look like per cent, divide by 100"),
    (
        "index_members",
        members(weight=[0.5, 0.6]),
        "sum to 1.1, not 1 (1 such dates): mend the table",
    ),
    (
        "index_members",
        members(weight=[0.5, float("inf")]),
        "row 2: index_members has an empty or inf",
    ),
    ("index_members", members(symbol=["A", "A"]), "several rows for 2024-01-02, 300, A: keep one"),
    ("index_members", members(symbol=["A", None]), "row 2: index_members has an empty"),
    (
        "index_members",
        members(symbol=["SZ1", "SZ2"]),
        "none of its symbols (the first is 'SZ1') has",
    ),
    ("index_members", members(index=["all", "all"]), "'all' means every listed stock"),
    ("index_members", members(index=["a/b", "a/b"]), "'a/b' cannot name a file: rename it"),
    ("index_members", members().drop("index"), "lacks column 'index' of index_members"),
    ("industries", members(industry=["x", ""]), "row 2: industries has industry ''"),
    (
        "industries",
        members(symbol=["c", "d"], industry=["x", "y"]),
        "industries: none of its symbols",
    ),
    (
        "fundamentals",
        members(roe=[0.1, float("inf")]),
        "row 2: fundamentals has an empty or infinite",
    ),
    ("fundamentals", members(**{"p/e": [0.1, 2.0]}), "'p/e' cannot name a file"),
    ("index_levels", members(close=[1.0, 2.0]), "several rows for 2024-01-02, 300: keep one"),
    (
        "index_levels",
        members(index=["1", "2"], close=[1.0, None]),
        "row 2: index_levels has an empty",
    ),
]


@pytest.mark.parametrize(("name", "frame", "told"), BAD_SIDE_TABLES)
def test_bad_side_tables(
    tmp_path: Path, ingested: Ingested, bars: Bars, name: str, frame: pl.DataFrame, told: str
) -> None:
    frame.write_parquet(tmp_path / "side.parquet")
    status, message, _ = ingested(bars(), f"--tables.{name}", str(tmp_path / "side.parquet"))
    assert status == 1
    assert told in message


def test_members_without_bars_are_counted(tmp_path: Path, ingested: Ingested, bars: Bars) -> None:
    file = tmp_path / "m.parquet"
    members(symbol=["A", "NOBODY"]).write_parquet(file)
    status, _, out = ingested(bars(), "--tables.index_members", str(file))
    assert status == 0
    panel = Panel.open(out)
    assert "1 members of 300 have no daily bars." in panel.switched_off
    assert panel.members("300").any(axis=0).tolist() == [True, False, False]


def test_a_calendar_that_does_not_fit(tmp_path: Path, ingested: Ingested, bars: Bars) -> None:
    days = bars()["date"].unique().sort()
    file = tmp_path / "days.txt"
    file.write_text("\n".join(str(day) for day in days[5:]))
    status, message, _ = ingested(bars(), "--calendar", str(file))
    assert status == 1
    assert "15 bad rows (not a trading day: 15)" in message
    file.write_text("2024-01-02\nsoon\n")
    status, message, _ = ingested(bars(), "--calendar", str(file))
    assert f"calendar {file} line 2: 'soon'" in message


def test_a_wrong_option_is_refused(ingested: Ingested, bars: Bars) -> None:
    with pytest.raises(SystemExit) as stop:
        ingested(bars(), "--bad-rows", "ignore")
    assert stop.value.code == 2
