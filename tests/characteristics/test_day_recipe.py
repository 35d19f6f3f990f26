import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alpha_lightning.characteristics.day_recipe import (
    Recipe,
    describe,
    of_minutes,
    of_minutes_for_trades,
    of_trades,
)
from alpha_lightning.characteristics.exchange import Exchange, MinuteFeed, TradeFeed
from alpha_lightning.characteristics.feed import minute_feed, trade_feed
from alpha_lightning.characteristics.feed_index import index_feed
from alpha_lightning.characteristics.l2chars import l2chars
from alpha_lightning.characteristics.minute_table import minute_days
from alpha_lightning.characteristics.mschars import mschars
from alpha_lightning.characteristics.proxy import l2chars_proxy
from alpha_lightning.characteristics.trade_table import trade_days
from alpha_lightning.characteristics.trailing_amounts import TrailingAmounts

CN = Exchange("cn", "Asia/Shanghai", [("09:30", "11:30"), ("13:00", "15:00")], lot=100)
DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=k) for k in range(24)]


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file a day of 15-minute bars; a stock is listed later, another leaves for some days."""
    folder = tmp_path_factory.mktemp("minute")
    rng = np.random.default_rng(0)
    clock = [570 + 15 * k for k in range(1, 9)] + [780 + 15 * k for k in range(1, 9)]
    for t, day in enumerate(DAYS):
        symbols = ["A", "B", *(["C"] if t >= 6 else []), *(["D"] if not 8 < t < 12 else [])]
        times = [dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=m) for m in clock]
        price = np.round(rng.uniform(9, 11, len(symbols) * 16), 2)
        frame = pl.DataFrame({"time": times * len(symbols), "symbol": np.repeat(symbols, 16)})
        frame = frame.with_columns(
            *(pl.Series(name, price) for name in ("open", "high", "low", "close")),
            volume=pl.Series(rng.integers(1, 99, len(price))),
        ).with_columns(amount=pl.col("close") * pl.col("volume"))
        frame.write_parquet(folder / f"{day}.parquet")
    return folder


def recipe_of(folder: Path, room: Path, exchange: Exchange = CN) -> Recipe:
    return of_minutes(index_feed(minute_feed(folder, exchange), room / "index.parquet"))


def keys(recipe: Recipe, days: Sequence[dt.date] = DAYS) -> list[str]:
    return [recipe.key(day, DAYS[max(k - recipe.before, 0) : k]) for k, day in enumerate(days)]


def test_bars_become_mschars(minute: Path, tmp_path: Path) -> None:
    recipe = recipe_of(minute, tmp_path)
    assert (recipe.name, recipe.folder, recipe.proxy, recipe.before) == (
        "mschars",
        "mschars",
        False,
        0,
    )
    days = list(recipe.make(DAYS[:7]))
    for made, read in zip(
        days, minute_days(recipe.index, DAYS[:7], recipe.bar_seconds), strict=True
    ):
        np.testing.assert_array_equal(made.values, mschars(read.bars, 8))
        np.testing.assert_array_equal(made.facts, read.facts.matrix())
        assert made.symbols.tolist() == read.symbols.tolist()
    assert describe(recipe, DAYS[0])["bar_minutes"] == 15
    assert list(describe(recipe, DAYS[0])["files"]) == ["2024-01-01.parquet"]


def test_trades_become_l2chars(tmp_path: Path) -> None:
    times = [dt.datetime.combine(DAYS[0], dt.time(10, k)) for k in range(50)]
    price = np.linspace(10, 11, 50)
    frame = pl.DataFrame({"time": times, "symbol": ["A", "B"] * 25, "price": price, "volume": 100})
    frame.with_columns(side=pl.lit("B")).write_parquet(tmp_path / "t.parquet")
    recipe = of_trades(index_feed(trade_feed(tmp_path / "t.parquet", CN), tmp_path / "index"))
    (made,), (read,) = recipe.make(DAYS[:1]), trade_days(recipe.index, DAYS[:1])
    np.testing.assert_array_equal(made.values, l2chars(read.prints, 2, 8, 1800))
    assert (recipe.name, recipe.folder) == ("l2chars", "l2chars")
    assert "bar_minutes" not in describe(recipe, DAYS[0])


def test_the_window_of_the_proxy_is_that_of_each_stock(minute: Path, tmp_path: Path) -> None:
    bars = recipe_of(minute, tmp_path)
    recipe = of_minutes_for_trades(bars)
    assert (recipe.name, recipe.folder, recipe.before) == ("l2chars", "l2chars_proxy", 19)
    made = {day.date: day for day in recipe.make(DAYS)}
    # The same with all stocks on every day, absent ones without a trade.
    trailing, names = TrailingAmounts(20), np.array(["A", "B", "C", "D"])
    for read in minute_days(bars.index, DAYS, bars.bar_seconds):
        place = np.searchsorted(names, read.symbols)
        amounts = np.full((4, 16), np.nan)
        amounts[place] = read.bars.amount
        large = trailing.add(amounts)
        own = type(large)(large.p1[place], large.p5[place])
        np.testing.assert_array_equal(made[read.date].values, l2chars_proxy(read.bars, own, 8))
    bought = [name for name, _ in recipe.columns].index("bamt_p5")
    assert [bool(np.isfinite(made[day].values[0, bought])) for day in DAYS[18:20]] == [False, True]
    again = list(of_minutes_for_trades(bars).make(DAYS[4:24]))[-1]
    np.testing.assert_array_equal(again.values, made[DAYS[23]].values)


def test_a_proxy_without_money_says_nothing(minute: Path, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    pl.read_parquet(minute / "2024-01-01.parquet").drop("amount").write_parquet(
        tmp_path / "m" / "x.parquet"
    )
    made = next(of_minutes_for_trades(recipe_of(tmp_path / "m", tmp_path)).make(DAYS[:1]))
    assert np.isnan(made.values).all()


def test_keys_cover_what_a_day_is_made_of_and_nothing_else(minute: Path, tmp_path: Path) -> None:
    bars = recipe_of(minute, tmp_path)
    proxy = of_minutes_for_trades(bars)
    first, first_proxy = keys(bars), keys(proxy)
    assert len(set(first + first_proxy)) == 48
    for other in (
        replace(CN, name="other"),
        replace(CN, volume_tolerance=1.0),
        replace(CN, trades=TradeFeed(delay_seconds=3)),
    ):
        assert keys(recipe_of(minute, tmp_path, other)) == first
    for other in (
        replace(CN, lot=10),
        replace(CN, period_minutes=60),
        replace(CN, minute=MinuteFeed(volume_unit="lots")),
        replace(CN, closing_auction=("14:57", "15:00")),
    ):
        assert not set(keys(recipe_of(minute, tmp_path, other))) & set(first)
    copied = tmp_path / "copied"
    copied.mkdir()
    for file in minute.glob("*.parquet"):
        (copied / f"x{file.name}").write_bytes(file.read_bytes())
    assert keys(recipe_of(copied, tmp_path)) == first  # names and places do not matter
    changed = copied / "x2024-01-03.parquet"
    pl.read_parquet(changed).with_columns(pl.col("volume") + 1).write_parquet(changed)
    later = recipe_of(copied, tmp_path)
    assert [k for k, key in enumerate(keys(later)) if key != first[k]] == [2]
    reached = [
        k for k, key in enumerate(keys(of_minutes_for_trades(later))) if key != first_proxy[k]
    ]
    assert reached == list(range(2, 22))
