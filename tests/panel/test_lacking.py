import datetime as dt
import io
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pytest

from alpha_lightning.characteristics.day_recipe import (
    Recipe,
    of_minutes,
    of_minutes_for_trades,
    of_trades,
)
from alpha_lightning.characteristics.exchange import Exchange, TradeFeed
from alpha_lightning.characteristics.feed import minute_feed, trade_feed
from alpha_lightning.characteristics.feed_index import index_feed
from alpha_lightning.characteristics.sifting import EXTENDED_HOURS, Sifting
from alpha_lightning.panel.day_checks import DayChecks
from alpha_lightning.panel.lacking import on_features, sentences, symbol_hint

CN = Exchange("cn", "Asia/Shanghai", [("09:30", "11:30"), ("13:00", "15:00")], lot=100)


def recipe_of(
    folder: Path,
    table: Literal["minute", "trades"] = "minute",
    minutes: int = 10,
    exchange: Exchange = CN,
    drop: tuple[str, ...] = (),
) -> Recipe:
    start = dt.datetime.fromisoformat("2024-01-02 09:30:00")
    times = [start + dt.timedelta(minutes=minutes * k) for k in range(1, 120 // minutes)]
    columns = {c: pl.lit(1.0) for c in ("open", "high", "low", "close", "volume", "amount")}
    columns |= {"price": pl.lit(1.0), "side": pl.lit("B")}
    frame = pl.DataFrame({"time": times}).with_columns(symbol=pl.lit("A"), **columns).drop(drop)
    frame.write_parquet(folder / "t.parquet")
    feed = {"minute": minute_feed, "trades": trade_feed}[table](folder / "t.parquet", exchange)
    index = index_feed(feed, folder / "index")
    return of_minutes(index) if table == "minute" else of_trades(index)


def missing(recipe: Recipe, *stems: str) -> list[str]:
    seen = np.array([not name.startswith(stems) for name, _ in recipe.columns])
    return on_features(recipe, seen)


def told(
    recipe: Recipe, checks: DayChecks | None = None, found: Sifting | None = None
) -> list[str]:
    given = checks or DayChecks(io.StringIO(), np.array(["A"]), 0.02, 100)
    seen = np.ones(len(recipe.columns), dtype=bool)
    return sentences(recipe, given, found or Sifting(rows=10), seen, 60)


def test_nothing_to_say(tmp_path: Path) -> None:
    assert told(recipe_of(tmp_path)) == []


def test_features_without_a_value_are_named_with_the_reason(tmp_path: Path) -> None:
    assert missing(recipe_of(tmp_path, minutes=15), "rvol_", "jump_8") == [
        "mschars: rvol_1 ... jump_8 (9 features) are missing: bars of 15 minutes leave fewer than"
        " three in a half-hour."
    ]
    long = Exchange("x", "UTC", [("09:30", "11:30")], 1, period_minutes=60)
    assert missing(recipe_of(tmp_path, minutes=30, exchange=long), "rvol_1") == [
        "mschars: rvol_1 is missing: bars of 30 minutes leave fewer than three in a period of 60"
        " minutes."
    ]
    recipe = recipe_of(tmp_path)
    assert missing(recipe, "auction_volume", "rvol_1") == [
        "mschars: auction_volume is missing: the opening auction is not told apart from the first"
        " bar.",
        "mschars: rvol_1 is missing: minute gives no value of it on any date.",
    ]
    assert missing(of_minutes_for_trades(recipe), "closing_auction_amount") == [
        "l2chars: closing_auction_amount is missing: no bar begins as the closing auction does."
    ]
    assert missing(recipe_of(tmp_path, drop=("amount",)), "amount_1", "amount_2") == [
        "mschars: amount_1, amount_2 are missing: minute has no column 'amount'."
    ]
    assert missing(recipe_of(tmp_path, "trades"), "auction_amount") == [
        "l2chars: auction_amount is missing: trades gives no value of it on any date."
    ]


def test_days_stocks_and_rows(tmp_path: Path) -> None:
    checks = DayChecks(io.StringIO(), np.array(["A"]), 0.02, 100)
    checks.absent_dates = [np.datetime64("2024-01-05"), np.datetime64("2024-01-08")]
    checks.strangers.update({"Z": 3, "Y": 1})
    found = Sifting(100, {"negative volume": 2}, {"repeated": 1})
    assert told(recipe_of(tmp_path), checks, found) == [
        "minute has no bars on 2 of 60 dates: first 2024-01-05.",
        "2 symbols of minute are not in the panel: Y, Z.",
        "minute had 2 bad rows (negative volume: 2): left out.",
        "minute had rows that were left out (repeated: 1).",
    ]
    (late,) = told(recipe_of(tmp_path), None, Sifting(10, {}, {EXTENDED_HOURS: 6}))[1:]
    assert late.startswith("Most times lie outside the sessions: are the times UTC?")


def test_volumes(tmp_path: Path) -> None:
    checks = DayChecks(io.StringIO(), np.array(["A"]), 0.02, 100, compared=1000, many_times=3)
    checks.counts["volume differs from the daily bar's"] = 7
    only = "Day volumes differ from the daily bars' by more than 2% on 7 of 1,000 stock-days."
    assert told(recipe_of(tmp_path), checks) == [only]
    checks.many_times = 600
    assert "is the minute table's volume_unit shares" in told(recipe_of(tmp_path), checks)[1]


def test_trades_without_sides(tmp_path: Path) -> None:
    tick = Exchange("x", "UTC", CN.sessions, 1, trades=TradeFeed(missing_side="tick"))
    recipe = recipe_of(tmp_path, "trades", exchange=tick, drop=("side",))
    assert told(recipe) == [
        "trades name no side: tick rule (each takes the sign of the last price change)."
    ]


def test_trades_whose_orders_tell_the_sides(tmp_path: Path) -> None:
    tick = Exchange("x", "UTC", CN.sessions, 1, trades=TradeFeed(missing_side="tick"))
    absent = recipe_of(tmp_path, "trades", exchange=tick, drop=("side",))
    checks = DayChecks(io.StringIO(), np.array(["A"]), 0.02, 100)
    checks.totals.update(continuous=1000, by_order=400)
    tells = "the later of its two orders tells the aggressor of"
    assert told(absent, checks) == [
        f"trades name no side: {tells} 400 of these 1,000; for the others: tick rule (each takes"
        " the sign of the last price change)."
    ]
    empty = recipe_of(tmp_path, "trades")
    assert told(empty, checks) == []
    checks.totals.update(unsided=100)
    assert told(empty, checks) == []
    checks.totals.update(unsided=400)
    assert told(empty, checks) == [
        f"trades have a column 'side' that is missing on 500 of 1,000 trades: {tells} 400 of these"
        " 500; for the others: half of each trade counts as bought and half as sold."
    ]
    checks.totals.update(unsided=500, by_order=600)
    missing = "trades have a column 'side' that is empty throughout"
    assert told(empty, checks) == [f"{missing}: {tells} each."]
    del checks.totals["by_order"]
    assert told(empty, checks) == [
        f"{missing}: half of each trade counts as bought and half as sold."
    ]


def test_prices_and_money(tmp_path: Path) -> None:
    checks = DayChecks(io.StringIO(), np.array(["A"]), 0.02, 100, compared=1000)
    checks.counts["high or low outside the daily bar's"] = 4
    checks.counts["amount / volume outside the day's low to high"] = 3
    only = (
        "Prices or money do not fit: the high or the low lies outside the daily bar's on 4,"
        " amount / volume lies outside the day's low to high on 3 of 1,000 stock-days."
    )
    assert told(recipe_of(tmp_path), checks) == [only]
    checks.counts["close differs from the daily bar's"] = 600
    (line,) = told(recipe_of(tmp_path), checks)
    assert "the close differs from the daily bar's by more than 0.5% on 600, the high" in line
    assert line.endswith(
        "Are all prices raw (not adjusted), and prices and amounts in one unit of money?"
    )


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("600000.SH", "SH600000"), ("600000", "600000.SH"), ("aapl", "AAPL"), ("AAPL.O", "AAPL")],
)
def test_symbols_that_may_mean_the_same(theirs: str, ours: str) -> None:
    expected = f" ({theirs!r} here and {ours!r} there may be the same)"
    assert symbol_hint(["X1", theirs], ["Y", ours]) == expected
    assert symbol_hint([theirs], ["600001.SZ", "MSFT"]) == ""
    assert symbol_hint([ours], [ours]) == ""
