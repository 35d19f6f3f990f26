"""Intraday tables that are not what they should be: refused by name, or counted and listed."""

import datetime as dt
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from alpha_lightning.panel.store import Panel

MakeVendor = Callable[..., Any]
Change = Callable[[pl.DataFrame], pl.DataFrame]
TIME, SYMBOL = pl.col("time"), pl.col("symbol")
SECOND_DAY = pl.col("time").dt.date() == dt.date(2024, 1, 3)


def at(symbol: str, hour: int, minute: int) -> pl.Expr:
    return SECOND_DAY & SYMBOL.eq(symbol) & TIME.dt.time().eq(dt.time(hour, minute))


def put(column: str, value: Any, where: pl.Expr) -> Change:
    then = pl.lit(value) if not isinstance(value, pl.Expr) else value
    return lambda frame: frame.with_columns(
        pl.when(where).then(then).otherwise(column).alias(column)
    )


@pytest.fixture
def given(workplace: Any, vendor: MakeVendor) -> Callable[..., tuple[int, str]]:
    """Run the command over a changed table of three days; ``split`` is one file by default."""
    tables = vendor(3)
    workplace.ingest(tables.daily)

    def run(
        name: str, change: Change, *options: str, split: str = "all", kind: str = "parquet"
    ) -> Any:
        folder = workplace.write(name, change(getattr(tables, name)), split, kind)
        told: tuple[int, str] = workplace.run(f"--{name}", str(folder), *options)
        return told

    return run


def checks(workplace: Any, name: str) -> list[str]:
    lines: list[str] = (
        (workplace.panel / "datasets" / f"{name}.checks.csv").read_text().splitlines()
    )
    return lines[1:]


def lacking(workplace: Any, name: str) -> str:
    return " ".join(Panel.open(workplace.panel).dataset(name).lacking)


def about(workplace: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = Panel.open(workplace.panel).meta["datasets"][name]
    return found


BAR = at("B", 9, 40)
OFF = "off the grid of bars of"
TRADE = SECOND_DAY & (SYMBOL == "B") & (pl.int_range(pl.len()).over("symbol", TIME.dt.date()) == 5)
BAD_ROWS: list[tuple[str, str, Change, str]] = [
    ("minute", "half minute", put("time", TIME.dt.offset_by("30s"), BAR), f"{OFF} 10 minutes"),
    ("minute", "odd minute", put("time", TIME.dt.offset_by("3m"), BAR), f"{OFF} 10 minutes"),
    ("minute", "negative volume", put("volume", -100, BAR), "negative volume"),
    ("minute", "price of nothing", put("open", 0.0, BAR), "zero or negative price"),
    ("minute", "infinite price", put("close", float("inf"), BAR), "infinite price"),
    ("minute", "price that is not there", put("low", None, BAR), "missing price"),
    ("minute", "no volume", put("volume", None, BAR), "missing volume"),
    ("minute", "no money", put("amount", None, BAR), "missing amount"),
    ("minute", "debt", put("amount", -1.0, BAR), "negative amount"),
    ("minute", "high below low", put("high", 1.0, BAR), "high below low"),
    ("minute", "close outside", put("close", 99.0, BAR), "close outside [low, high]"),
    ("minute", "open outside", put("open", 1.0, BAR), "open outside [low, high]"),
    ("minute", "at lunch", put("time", TIME.dt.offset_by("150m"), BAR), "outside the sessions"),
    ("minute", "nameless", put("symbol", None, BAR), "no symbol"),
    (
        "minute",
        "two bars in one",
        lambda f: pl.concat([f, f.filter(BAR).with_columns(close=pl.col("low"))]),
        "other bars of the same symbol and time differ",
    ),
    ("trades", "negative volume", put("volume", -100, TRADE), "negative volume"),
    ("trades", "price of nothing", put("price", -1.0, TRADE), "zero or negative price"),
    ("trades", "no price", put("price", None, TRADE), "missing price"),
    ("trades", "unknown side", put("side", "X", TRADE), "unknown side"),
    ("trades", "at night", put("time", TIME.dt.offset_by("12h"), TRADE), "outside the sessions"),
]


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [case[0:1] + case[2:] for case in BAD_ROWS],
    ids=[f"{case[0]}: {case[1]}" for case in BAD_ROWS],
)
def test_rows_that_cannot_be_true(
    workplace: Any, given: Callable[..., Any], name: str, change: Change, reason: str
) -> None:
    status, message = given(name, change)
    assert status == 1
    lines = message.splitlines()
    count = 2 if "differ" in reason else 1
    assert lines[0].startswith(f"error: {name}: {count} bad row")
    assert f"({reason}: {count})" in lines[0]
    assert "all.parquet row " in lines[1]
    assert "2024-01-03" in lines[1]
    assert "--bad-rows drop" in lines[-1]
    assert given(name, change, "--bad-rows", "drop") == (0, "")
    data_set = {"minute": "mschars", "trades": "l2chars"}[name]
    assert about(workplace, data_set)["bad_rows"]["counts"] == {reason: count}
    assert f"{count} bad row" in lacking(workplace, data_set)
    assert any(f"bad rows: {reason}" in line for line in checks(workplace, data_set))
    # And what was dropped is refused again.
    assert given(name, change)[0] == 1


def test_many_bad_rows_are_counted_and_twenty_are_shown(given: Callable[..., Any]) -> None:
    status, message = given("minute", put("volume", -1, SYMBOL == "A"), split="day")
    assert status == 1
    lines = message.splitlines()
    assert len(lines) == 22
    assert "negative volume: 7" in lines[0] or "negative volume: 8" in lines[0]
    assert "2024-01-02.parquet row 1, 2024-01-02 09:25:00 A: negative volume [open " in lines[1]


def test_values_that_cannot_be_read(given: Callable[..., Any]) -> None:
    text = put("volume", "many", BAR)
    status, message = given(
        "minute", lambda f: text(f.with_columns(pl.col("volume").cast(pl.String))), kind="csv"
    )
    assert status == 1
    assert "value that is not of the column's type: 1" in message
    assert "(volume 'many')" in message


def test_sides_under_other_words(workplace: Any, given: Callable[..., Any]) -> None:
    def small(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col("side").str.to_lowercase())

    status, message = given("trades", small)
    assert status == 1
    advice = "Tell what each value of the side means under trades.sides of the exchange's file."
    assert message.splitlines()[-2] == advice
    status, message = given("trades", small, "--bad-rows", "drop")
    assert status == 1
    rows = 62 * 11
    assert f"trades: of {rows} rows none of a symbol of the panel is left: {rows} bad" in message
    assert f"(unknown side: {rows})" in message
    assert advice in message


def test_trades_of_nothing_only(given: Callable[..., Any]) -> None:
    status, message = given("trades", lambda f: f.with_columns(volume=0))
    assert status == 1
    assert f"is left: {62 * 11} left out: of volume 0." in message


def test_times_of_which_none_can_be_read(workplace: Any, vendor: MakeVendor) -> None:
    tables = vendor(3)
    workplace.ingest(tables.daily)
    folder = workplace.room / "minute"
    folder.mkdir()
    slashed = tables.minute.with_columns(TIME.dt.to_string("%Y/%m/%d %H:%M:%S"))
    slashed.write_csv(folder / "all.csv")
    late = tables.minute.with_columns(TIME.dt.offset_by("1y").dt.to_string("%Y-%m-%d %H:%M:%S"))
    for extra in (None, late):
        if extra is not None:
            extra.write_csv(folder / "late.csv")
        for mode in ("refuse", "drop"):
            status, message = workplace.run("--minute", str(folder), "--bad-rows", mode)
            assert status == 1
            lines = message.splitlines()
            count = tables.minute.height
            assert lines[0] == (
                f"error: minute: {count} bad rows (no readable time: {count}). The first:"
            )
            assert lines[1].startswith(
                "  all.csv row 1, None A: no readable time (time '2024/01/02"
            )
            assert len(lines) == 23
            assert "text such as 2024-01-31 09:35:00" in lines[-2]
            assert lines[-1] == "Mend the table."


def test_a_day_of_other_symbols_is_no_reason_to_refuse(workplace: Any, vendor: MakeVendor) -> None:
    # Only the fourth of five days names stocks as the panel does.
    tables = vendor(5)
    workplace.ingest(tables.daily)
    fourth = TIME.dt.date() == dt.date(2024, 1, 5)
    other = tables.minute.with_columns(
        symbol=pl.when(fourth).then("symbol").otherwise("Z" + SYMBOL)
    )
    folder = workplace.write("minute", other)
    assert workplace.run("--minute", str(folder)) == (0, "")
    assert "4 symbols of minute are not in the panel" in lacking(workplace, "mschars")


def test_a_store_or_a_panel_inside_a_table(workplace: Any, given: Callable[..., Any]) -> None:
    inside = workplace.room / "minute" / "store"
    status, message = given("minute", lambda f: f, "--store", str(inside))
    assert status == 1
    assert "the store" in message
    assert "lies inside the minute table" in message
    assert "give --store a folder outside it" in message
    status, message = workplace.run("--minute", str(workplace.room))
    assert status == 1
    assert "ingest the panel into a folder outside it" in message


def test_rows_without_a_time_belong_to_no_day(workplace: Any, vendor: MakeVendor) -> None:
    tables = vendor(3)
    workplace.ingest(tables.daily)
    text = tables.minute.with_columns(
        time=pl.when(BAR).then(pl.lit("soon")).otherwise(TIME.dt.to_string("%Y-%m-%dT%H:%M:%S"))
    )
    folder = workplace.room / "minute"
    folder.mkdir()
    text.write_csv(folder / "all.csv")
    status, message = workplace.run("--minute", str(folder))
    assert status == 1
    assert "1 bad row (no readable time: 1)" in message
    assert "(time 'soon')" in message
    assert workplace.run("--minute", str(folder), "--bad-rows", "drop") == (0, "")
    assert about(workplace, "mschars")["bad_rows"]["counts"] == {"no readable time": 1}


@pytest.mark.parametrize("minutes", [7, 4, 20, 45, 60])
def test_bars_that_do_not_tile_the_half_hours(given: Callable[..., Any], minutes: int) -> None:
    def regular(frame: pl.DataFrame) -> pl.DataFrame:
        number = 1 + pl.int_range(pl.len()).over("symbol", TIME.dt.date())
        stamp = TIME.dt.truncate("1d") + pl.duration(minutes=570 + minutes * number)
        return frame.with_columns(time=stamp).filter(TIME.dt.time() <= dt.time(11, 30))

    status, message = given("minute", regular)
    assert status == 1
    assert f"bars of {minutes} minutes do not tile the periods of 30 minutes" in message
    assert "all.parquet, A, 2024-01-02" in message
    assert "give bars of one length of 1, 2, 3, 5, 6, 10, 15, 30 minutes" in message


def test_bars_of_two_lengths(given: Callable[..., Any]) -> None:
    more = SECOND_DAY & (TIME.dt.time() < dt.time(11))
    later = TIME.dt.offset_by("5m")
    status, message = given("minute", lambda f: pl.concat([f, f.filter(more).with_columns(later)]))
    assert status == 1
    assert "bars of 10 minutes before 2024-01-03, of 5 minutes on it" in message
    assert "all.parquet, A, 2024-01-03 09:45:00" in message


TABLES: list[tuple[str, str, Change, str]] = [
    ("minute", "column", lambda f: f.drop("close"), "lacks column 'close' of minute; it has time,"),
    ("minute", "capitals", lambda f: f.rename({"amount": "Amount"}), "rename it to 'amount'"),
    (
        "minute",
        "text",
        lambda f: f.with_columns(pl.col("open").cast(pl.String)),
        "'open' has type Str",
    ),
    ("minute", "dates", lambda f: f.with_columns(TIME.dt.date()), "'time' has type Date"),
    (
        "minute",
        "year",
        lambda f: f.with_columns(TIME.dt.offset_by("1y")),
        "none of its dates (2025-",
    ),
    ("minute", "names", lambda f: f.with_columns(SYMBOL + ".X"), "none of its symbols (the first"),
    ("minute", "names", lambda f: f.with_columns(SYMBOL + ".X"), "'A.X' here and 'A' there may be"),
    (
        "minute",
        "case",
        lambda f: f.with_columns(SYMBOL.str.to_lowercase()),
        "'a' here and 'A' there",
    ),
    ("trades", "column", lambda f: f.drop("volume"), "lacks column 'volume' of trades"),
    ("trades", "no side", lambda f: f.drop("side"), "missing_side: tick under trades"),
    (
        "trades",
        "year",
        lambda f: f.with_columns(TIME.dt.offset_by("1y")),
        "trades: none of its dates",
    ),
]


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [case[0:1] + case[2:] for case in TABLES],
    ids=[f"{case[0]}: {case[1]}" for case in TABLES],
)
def test_tables_that_cannot_be_used(
    given: Callable[..., Any], name: str, change: Change, told: str
) -> None:
    status, message = given(name, change)
    assert status == 1
    assert told in message
    assert len(message.splitlines()) == 1


def test_files_that_are_empty_damaged_or_not_there(workplace: Any, vendor: MakeVendor) -> None:
    tables = vendor(2)
    workplace.ingest(tables.daily)
    folder = workplace.write("minute", tables.minute)
    good = (folder / "2024-01-03.parquet").read_bytes()
    for _ in range(2):  # the second time from the index that was kept
        # Of a stock that was suspended throughout there is a header at most, or columns of nothing.
        tables.minute.head(0).write_csv(folder / "0.csv")
        pl.DataFrame(schema=dict.fromkeys(tables.minute.columns, pl.Null)).write_parquet(
            folder / "2024-01-04.parquet"
        )
        assert workplace.run("--minute", str(folder)) == (0, "")
        told = lacking(workplace, "mschars")
        assert "2 files of minute have no row: 0.csv, 2024-01-04.parquet." in told
    (workplace.room / "headers").mkdir()
    tables.minute.head(0).write_csv(workplace.room / "headers" / "x.csv")
    told = workplace.run("--minute", str(workplace.room / "headers"))[1]
    assert "has a row (the first is x.csv): write the table again" in told
    for content in (b"", good[: len(good) // 2], b"\0" * 100):
        (folder / "2024-01-04.parquet").write_bytes(content)
        status, message = workplace.run("--minute", str(folder))
        assert status == 1
        assert "2024-01-04.parquet " in message
        assert "write" in message
    (folder / "2024-01-04.parquet").unlink()
    (folder / "x.csv").write_bytes(b"t\0i\0m\0e\0")
    assert "x.csv is not UTF-8 text" in workplace.run("--minute", str(folder))[1]
    (workplace.room / "nothing").mkdir()
    for path, told in (
        ("none.parquet", "does not exist: check the path of the minute table"),
        ("nothing", "holds no .parquet or .csv file: name the folder of the minute table"),
        ("exchange.yaml", "is neither .parquet nor .csv: convert the minute table"),
    ):
        workplace.exchange()
        assert f"{path} {told}" in workplace.run("--minute", str(workplace.room / path))[1]


def test_no_table_and_no_panel(workplace: Any, vendor: MakeVendor) -> None:
    workplace.ingest(vendor(1).daily)
    status, message = workplace.run()
    assert status == 1
    assert "characterise reads --minute (bars), --trades, or both" in message
    (workplace.panel / "panel.json").unlink()
    assert "is not a panel" in workplace.run("--minute", "m.parquet")[1]


def test_columns_under_other_names(workplace: Any, given: Callable[..., Any]) -> None:
    exchange = str(workplace.exchange(minute={"columns": {"time": "stamp", "amount": "money"}}))
    told = given("minute", lambda f: f, "--exchange", exchange)[1]
    assert "lacks column 'time' of minute (called 'stamp' by the exchange's file)" in told
    renamed = {"time": "stamp", "amount": "money"}
    assert given("minute", lambda f: f.rename(renamed), "--exchange", exchange) == (0, "")
    told = given("minute", lambda f: f.rename({"time": "stamp"}), "--exchange", exchange)[1]
    assert "lacks column 'amount' of minute (called 'money'" in told


def test_times_in_another_zone_are_suspected(workplace: Any, given: Callable[..., Any]) -> None:
    def utc(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(TIME.dt.offset_by("-8h"))

    status, message = given("trades", utc)
    assert status == 1
    assert "Most times lie outside the sessions: are the times UTC?" in message
    zoned = given("trades", lambda f: utc(f).with_columns(TIME.dt.replace_time_zone("UTC")))
    assert zoned == (0, "")


def test_a_store_that_cannot_be_written(
    workplace: Any, given: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace.room / "file").write_text("")
    status, message = given("minute", lambda f: f, "--store", str(workplace.room / "file" / "s"))
    assert status == 1
    assert "a part of the path is a file, not a folder" in message

    def refuse(self: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refuse)  # the tests may run as root
        status, message = given("minute", lambda f: f)
    assert status == 1
    assert "permission denied: choose a folder you may write to" in message


def test_an_exchange_whose_bars_do_not_fit(workplace: Any, given: Callable[..., Any]) -> None:
    exchange = str(workplace.exchange(period_minutes=24))
    status, message = given("minute", lambda f: f, "--exchange", exchange)
    assert status == 1
    assert "bars of 10 minutes do not tile the periods of 24 minutes" in message
