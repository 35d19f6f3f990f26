"""What the command says of a table beside the panel: sides, dates, prices and money."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel.store import Panel

MakeVendor = Callable[..., Any]
Change = Callable[[pl.DataFrame], pl.DataFrame]
Given = Callable[..., None]
TIME, SYMBOL = pl.col("time"), pl.col("symbol")
B = (TIME.dt.date() == dt.date(2024, 1, 3)) & SYMBOL.eq("B")


@pytest.fixture
def given(workplace: Any, vendor: MakeVendor) -> Given:
    """Run the command over a changed table of three days, in which it finds nothing to refuse."""
    tables = vendor(3)
    workplace.ingest(tables.daily)

    def run(name: str, change: Change, exchange: Any = "cn.yaml") -> None:
        folder = workplace.write(name, change(getattr(tables, name)), "all")
        told = workplace.run(f"--{name}", str(folder), "--exchange", str(exchange))
        assert told == (0, "")

    return run


def lines(workplace: Any, name: str) -> list[str]:
    text: str = (workplace.panel / "datasets" / f"{name}.checks.csv").read_text()
    return text.splitlines()[1:]


def lacking(workplace: Any, name: str) -> str:
    return " ".join(Panel.open(workplace.panel).dataset(name).lacking)


def test_dates_that_the_panel_does_not_know(workplace: Any, vendor: MakeVendor) -> None:
    tables = vendor(5)
    date = pl.col("date")
    first, third, last = (dt.date(2024, 1, day) for day in (2, 4, 8))
    workplace.ingest(tables.daily.filter(~date.is_in([first, third, last])))
    folder = workplace.write("minute", tables.minute)
    assert workplace.run("--minute", str(folder)) == (0, "")
    told = lacking(workplace, "mschars")
    assert "minute has 2 dates that the panel lacks, passed over: first 2024-01-04." in told


@pytest.mark.parametrize("column", [True, False])
def test_orders_tell_the_sides_of_a_table_without_any(
    workplace: Any, given: Given, column: bool
) -> None:
    given("trades", lambda f: f)
    expected = np.array(Panel.open(workplace.panel).dataset("l2chars").array)
    # Those of the auctions stay: nothing tells them but the side itself.
    lost = pl.when(pl.col("side") == "N").then("side") if column else pl.lit(None, pl.String)
    exchange = workplace.exchange(trades={"missing_side": "half" if column else "tick"})

    def lose(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(side=lost) if column else frame.drop("side")

    given("trades", lose, exchange=exchange)
    told = lacking(workplace, "l2chars")
    assert "the later of its two orders tells the aggressor of each." in told
    assert not [line for line in lines(workplace, "l2chars") if "contradict" in line]
    found = Panel.open(workplace.panel).dataset("l2chars")
    if column:
        np.testing.assert_array_equal(found.array, expected)
        exchange = workplace.exchange(trades={"orders_in_time": False})
        given("trades", lose, exchange=exchange)
        told = lacking(workplace, "l2chars")
        assert "'side' that is empty throughout: half of each trade counts as bought" in told


def test_files_of_which_only_some_have_a_side(workplace: Any, vendor: MakeVendor) -> None:
    tables = vendor(3)
    workplace.ingest(tables.daily)
    own = TIME.dt.date() == dt.date(2024, 1, 3)
    folder = workplace.write("trades", tables.trades.filter(~own))
    orderless = tables.trades.filter(own).drop("side", "buy_order", "sell_order")
    orderless.write_parquet(folder / "2024-01-03.parquet")
    exchange = workplace.exchange(trades={"missing_side": "tick"})
    assert workplace.run("--trades", str(folder), "--exchange", str(exchange)) == (0, "")
    told = lacking(workplace, "l2chars")
    assert "trades have a column 'side' that is missing on" in told
    assert "tick rule" in told
    count = tables.trades.filter(own & (TIME.dt.time() > dt.time(9, 30))).height
    (line,) = [line for line in lines(workplace, "l2chars") if "side" in line]
    assert line.startswith("2024-01-03,,no trade tells its side,")
    assert 0 < float(line.rpartition(",")[2]) <= count


def test_prices_and_money_that_do_not_fit(workplace: Any, given: Given) -> None:
    prices = ("open", "high", "low", "close")
    given("minute", lambda f: f)
    assert lines(workplace, "mschars") == []
    given(
        "minute",
        lambda f: f.with_columns(
            pl.when(B).then(pl.col(p) / 2).otherwise(p).alias(p) for p in prices
        ),
    )
    told = [line.split(",")[1:3] for line in lines(workplace, "mschars")]
    assert told == [
        ["B", "amount / volume outside the day's low to high"],
        ["B", "close differs from the daily bar's"],
        ["B", "high or low outside the daily bar's"],
    ]
    one = (
        "Prices or money do not fit: the close differs from the daily bar's by more than 0.5% on 1,"
    )
    assert one in lacking(workplace, "mschars")
    given("minute", lambda f: f.with_columns(pl.col("amount") * 1e4))
    assert len(lines(workplace, "mschars")) == 11
    told_of_all = "amount / volume lies outside the day's low to high on 11 of 11 stock-days. Are"
    assert told_of_all in lacking(workplace, "mschars")
    given("trades", lambda f: f.with_columns(pl.col("price") * 100))
    assert "differs from the daily bar's by more than 0.5% on 11" in lacking(workplace, "l2chars")
