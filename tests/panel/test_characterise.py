"""From intraday tables to data sets: what the numbers are, and that files do not matter."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.characteristics.exchange import read_exchange
from alpha_lightning.characteristics.schema import l2chars_columns, mschars_columns
from alpha_lightning.panel.characterise import characterise
from alpha_lightning.panel.store import Panel

MakeVendor = Callable[..., Any]


def array(workplace: Any, name: str) -> Any:
    return np.load(workplace.panel / "datasets" / f"{name}.npy")


def feature(panel: Panel, name: str, column: str) -> Any:
    dataset = panel.dataset(name)
    return dataset.array[..., [f.name for f in dataset.features].index(column)]


@pytest.fixture
def both(workplace: Any, vendor: MakeVendor) -> Any:
    """Both data sets of five days."""
    tables = vendor()
    workplace.ingest(tables.daily)
    minute = workplace.write("minute", tables.minute)
    trades = workplace.write("trades", tables.trades)
    assert workplace.run("--minute", str(minute), "--trades", str(trades)) == (0, "")
    return workplace


def test_the_data_sets_are_in_the_panel(both: Any) -> None:
    panel = Panel.open(both.panel)
    assert panel.datasets == ("rawbar", "mschars", "l2chars")
    for name, columns in (("mschars", mschars_columns(8)), ("l2chars", l2chars_columns(8))):
        dataset = panel.dataset(name)
        assert dataset.array.shape == (5, 4, len(columns))
        assert dataset.array.dtype == np.float32
        assert tuple((f.name, f.kind) for f in dataset.features) == columns
        assert not dataset.proxy
    about = panel.meta["datasets"]["mschars"]
    assert about["exchange"] == "cn"
    assert about["bar_minutes"] == [10]
    assert about["bad_rows"] == {"mode": "refuse", "counts": {}, "first": []}
    assert list(about["sources"][0]["files"]) == [
        f"2024-01-0{day}.parquet" for day in (2, 3, 4, 5, 8)
    ]


def test_days_add_up_to_the_daily_bars(both: Any) -> None:
    panel = Panel.open(both.panel)
    traded, factor = panel.traded, panel.market("adj_factor")
    for name, scale in (("open", factor), ("high", factor), ("low", factor), ("close", factor)):
        expected = (panel.market(name) * scale)[traded]
        np.testing.assert_allclose(feature(panel, "mschars", name)[traded], expected, rtol=1e-6)
    volume = (panel.market("volume") / factor)[traded]
    np.testing.assert_allclose(feature(panel, "mschars", "volume")[traded], volume, rtol=1e-6)
    money = panel.market("amount")[traded]
    np.testing.assert_allclose(feature(panel, "mschars", "amount")[traded], money, rtol=1e-6)
    vwap = panel.adjusted("vwap")[traded]
    np.testing.assert_allclose(feature(panel, "l2chars", "vwap")[traded], vwap, rtol=1e-6)
    for name, column in (("mschars", "auction_volume"), ("l2chars", "auction_amount")):
        assert (feature(panel, name, column)[traded] > 0).all()


def test_a_suspended_day_repeats_the_close_and_is_neutral(both: Any) -> None:
    panel = Panel.open(both.panel)
    assert np.argwhere(~panel.traded).tolist() == [[2, 2]]
    close = panel.adjusted("close")[1, 2]
    expected = {"price": close, "shares": 0, "amount": 0, "return": 0}
    special = {"rkurt": 3, "vhhi": 1, "bopct": 50}
    for name in ("mschars", "l2chars"):
        dataset = panel.dataset(name)
        for f, value in zip(dataset.features, dataset.array[2, 2], strict=True):
            neutral = special.get(f.name.split("_")[0], expected.get(f.kind, 0))
            assert value == pytest.approx(neutral, rel=1e-6), f.name


def test_nothing_is_lacking_but_what_ten_minutes_cannot_show(both: Any) -> None:
    panel = Panel.open(both.panel)
    assert panel.dataset("mschars").lacking == ()
    told = "l2chars: bopct_p1_1 is missing: trades gives no value of it on any date."
    assert panel.dataset("l2chars").lacking == (told,)  # the one large trade is never that early
    checks = (both.panel / "datasets" / "mschars.checks.csv").read_text().splitlines()
    assert checks == ["date,symbol,what,value"]


@pytest.mark.parametrize(
    ("split", "kind"), [("symbol", "parquet"), ("all", "parquet"), ("day", "csv"), ("all", "csv")]
)
def test_files_may_be_split_anyhow(both: Any, vendor: MakeVendor, split: str, kind: str) -> None:
    expected = {name: array(both, name) for name in ("mschars", "l2chars")}
    tables = vendor()
    shuffled = tables.minute.sample(fraction=1, shuffle=True, seed=1)
    minute = both.write("other_minute", shuffled if split == "all" else tables.minute, split, kind)
    trades = both.write("other_trades", tables.trades, split, kind)
    store = both.room / "other_store"
    given = ("--minute", str(minute), "--trades", str(trades), "--store", str(store))
    assert both.run(*given) == (0, "")
    for name, values in expected.items():
        np.testing.assert_array_equal(array(both, name), values)


def test_one_file_instead_of_a_folder(both: Any, vendor: MakeVendor) -> None:
    expected = array(both, "l2chars")
    by_time = vendor().trades.sort("time", maintain_order=True)
    file = both.write("single", by_time, "all") / "all.parquet"
    assert both.run("--trades", str(file)) == (0, "")
    np.testing.assert_array_equal(array(both, "l2chars"), expected)


def times(folder: Path) -> dict[str, int]:
    return {
        f.relative_to(folder).as_posix(): f.stat().st_mtime_ns for f in folder.rglob("2*.parquet")
    }


def test_a_new_day_adds_its_file_and_touches_no_other(workplace: Any, vendor: MakeVendor) -> None:
    tables = vendor(6)
    workplace.ingest(tables.daily)
    last = pl.col("time").dt.date() == pl.col("time").dt.date().max()
    minute = workplace.write("minute", tables.minute.filter(~last))
    trades = workplace.write("trades", tables.trades.filter(~last))
    given = ("--minute", str(minute), "--trades", str(trades))
    assert workplace.run(*given) == (0, "")
    before = times(workplace.days)
    assert len(before) == 10
    assert (
        "minute has no bars on 1 of 6 dates: first 2024-01-09."
        in Panel.open(workplace.panel).dataset("mschars").lacking
    )
    assert np.isnan(array(workplace, "mschars")[5]).all()
    workplace.write("minute", tables.minute.filter(last))
    workplace.write("trades", tables.trades.filter(last))
    assert workplace.run(*given) == (0, "")
    after = times(workplace.days)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"mschars/2024-01-09.parquet", "l2chars/2024-01-09.parquet"}
    assert not np.isnan(array(workplace, "mschars")[5]).all(axis=1).any()


def test_a_second_run_changes_nothing(both: Any) -> None:
    def everything() -> dict[str, bytes]:
        files = [*both.panel.rglob("*"), *both.days.rglob("*")]
        return {str(f): f.read_bytes() for f in files if f.is_file()}

    before, stamps = everything(), times(both.days)
    given = ("--minute", str(both.room / "minute"), "--trades", str(both.room / "trades"))
    assert both.run(*given) == (0, "")
    assert everything() == before
    assert times(both.days) == stamps
    # A file that is copied is the same file.
    os.utime(both.room / "minute" / "2024-01-03.parquet", ns=(1, 1))
    assert both.run(*given) == (0, "")
    assert times(both.days) == stamps


def test_a_changed_file_or_exchange_makes_its_days_again(both: Any, vendor: MakeVendor) -> None:
    stamps = times(both.days)
    third = vendor().minute.filter(pl.col("time").dt.day() == 4).with_columns(pl.col("volume") * 2)
    both.write("minute", third)
    assert (
        both.run("--minute", str(both.room / "minute"), "--trades", str(both.room / "trades"))[0]
        == 0
    )
    changed = {name for name, stamp in times(both.days).items() if stamp != stamps[name]}
    assert changed == {"mschars/2024-01-04.parquet"}
    exchange = both.exchange(trades={"delay_seconds": 6})
    given = ("--trades", str(both.room / "trades"), "--exchange", str(exchange))
    stamps = times(both.days)
    assert both.run(*given)[0] == 0
    changed = {name for name, stamp in times(both.days).items() if stamp != stamps[name]}
    assert changed == {name for name in stamps if name.startswith("l2chars")}


def test_bars_stand_in_for_trades_until_there_are_some(workplace: Any, vendor: MakeVendor) -> None:
    tables = vendor(23)
    workplace.ingest(tables.daily)
    minute = str(workplace.write("minute", tables.minute))
    assert workplace.run("--minute", minute) == (0, "")
    panel = Panel.open(workplace.panel)
    assert panel.dataset("l2chars").proxy
    assert not panel.dataset("mschars").proxy
    large = feature(panel, "l2chars", "bamt_p5")
    assert np.isnan(large[:19][panel.traded[:19]]).all()
    assert not np.isnan(large[19:]).all(axis=1).any()
    stamps = times(workplace.days / "l2chars_proxy")
    # The window of a day reaches back over days whose files are there already.
    (workplace.days / "l2chars_proxy" / f"{panel.dates[21]}.parquet").unlink()
    proxy = array(workplace, "l2chars")
    assert workplace.run("--minute", minute) == (0, "")
    np.testing.assert_array_equal(array(workplace, "l2chars"), proxy)
    again = times(workplace.days / "l2chars_proxy")
    assert {k for k in stamps if again[k] != stamps[k]} == {f"{panel.dates[21]}.parquet"}
    trades = str(workplace.write("trades", tables.trades))
    assert workplace.run("--trades", trades) == (0, "")
    assert not Panel.open(workplace.panel).dataset("l2chars").proxy
    assert workplace.run("--minute", minute) == (0, "")  # and the bars do not push them out
    assert not Panel.open(workplace.panel).dataset("l2chars").proxy


def test_days_before_the_panel_fill_the_window_of_its_first(
    workplace: Any, vendor: MakeVendor
) -> None:
    tables = vendor(21)
    workplace.ingest(tables.daily.filter(pl.col("date") >= pl.date(2024, 1, 29)))
    minute = str(workplace.write("minute", tables.minute))
    assert workplace.run("--minute", minute) == (0, "")
    large = feature(Panel.open(workplace.panel), "l2chars", "bamt_p5")
    assert len(large) == 2
    assert not np.isnan(large).any()


def test_statistics_of_the_old_numbers_go(both: Any, vendor: MakeVendor) -> None:
    stale = both.panel / "datasets" / "mschars.scale-0123.npy"
    other = both.panel / "datasets" / "rawbar.scale-0123.npy"
    for file in (stale, other):
        file.write_bytes(b"")
    given = ("--minute", str(both.room / "minute"), "--trades", str(both.room / "trades"))
    assert both.run(*given) == (0, "")
    assert stale.exists()  # nothing has changed
    first = vendor().minute.filter(pl.col("time").dt.day() == 2).with_columns(pl.col("volume") * 2)
    both.write("minute", first)
    assert both.run(*given) == (0, "")
    assert not stale.exists()
    assert other.exists()


def test_the_function_takes_the_same_words(workplace: Any, vendor: MakeVendor) -> None:
    tables = vendor(2)
    workplace.ingest(tables.daily)
    trades = str(workplace.write("trades", tables.trades))
    exchange = read_exchange(workplace.exchange())
    out = characterise(
        str(workplace.panel), exchange, trades=trades, store=str(workplace.room / "s")
    )
    assert out == workplace.panel
    assert sorted(p.name for p in (workplace.room / "s").iterdir()) == ["l2chars", "trades.parquet"]
    metadata = pl.read_parquet_metadata(workplace.room / "s" / "l2chars" / "2024-01-02.parquet")
    about = json.loads(metadata["alpha_lightning"])
    assert about["files"]["2024-01-02.parquet"]["size"] > 0
    assert about["exchange"] == "cn"
    assert about["sifting"]["rows"] == 248
