"""What a small table lacks, in sentences."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alpha_lightning.characteristics.day_recipe import Recipe
from alpha_lightning.characteristics.exchange import TradeFeed, read_exchange
from alpha_lightning.characteristics.feed import trade_feed
from alpha_lightning.characteristics.feed_index import index_feed
from alpha_lightning.characteristics.sifting import OUTSIDE_HOURS, Sifting
from alpha_lightning.panel.day_checks import VOLUME, DayChecks
from alpha_lightning.panel.lacking import on_features, sentences, symbol_hint

CN = Path(__file__).parents[2] / "configs" / "market" / "cn.yaml"
MakeRecipe = Callable[..., Recipe]


@pytest.fixture
def recipe(tmp_path: Path) -> MakeRecipe:
    """Of a single trade, with or without its side."""

    def make(names: Sequence[str] = ("vwap",), side: bool = True) -> Recipe:
        exchange = replace(read_exchange(CN), trades=TradeFeed(missing_side="tick"))
        row = {"time": ["2024-01-02 10:00:00"], "symbol": ["A"], "price": ["5"], "volume": ["1"]}
        file = tmp_path / "trades.csv"
        pl.DataFrame(row | ({"side": ["B"]} if side else {})).write_csv(file)
        index = index_feed(trade_feed(file, exchange), tmp_path / "index.parquet")
        return Recipe("l2chars", tuple((n, "price") for n in names), index, lambda _: iter(()))

    return make


@pytest.fixture
def checks() -> DayChecks:
    """Of three symbols that have not been looked at yet."""
    return DayChecks(io.StringIO(), np.array(["A", "B", "C"]), 0.02, 100)


def test_nothing_lacks(recipe: MakeRecipe, checks: DayChecks) -> None:
    assert sentences(recipe(), checks, Sifting(rows=1), np.array([True]), 1) == []


def test_features_without_a_value_are_named_once(recipe: MakeRecipe) -> None:
    names = ["a", "b", "c", "d", "e", "f", "g"]
    reason = "missing: trades gives no value of it on any date."
    seen = np.ones(7, dtype=bool)
    seen[2] = False
    assert on_features(recipe(names), seen) == [f"l2chars: c is {reason}"]
    seen[4] = False
    assert on_features(recipe(names), seen) == [f"l2chars: c, e are {reason}"]
    everything = [f"l2chars: a ... g (7 features) are {reason}"]
    assert on_features(recipe(names), np.zeros(7, dtype=bool)) == everything


def test_the_most_far_reaching_comes_first(recipe: MakeRecipe, checks: DayChecks) -> None:
    checks.absent_dates.append(np.datetime64("2024-01-03"))
    checks.strangers.update([f"Z{k}" for k in range(6)])
    checks.counts[VOLUME], checks.compared, checks.many_times = 3, 4, 3
    found = Sifting(4, {OUTSIDE_HOURS: 3}, {"repeated": 1})
    told = sentences(recipe(side=False), checks, found, np.array([False]), 9)
    assert told == [
        "l2chars: vwap is missing: trades gives no value of it on any date.",
        "trades name no side: tick rule (each takes the sign of the last price change).",
        "trades has no trades on 1 of 9 dates: first 2024-01-03.",
        "6 symbols of trades are not in the panel: Z0, Z1, Z2, Z3, Z4, ....",
        "trades had 3 bad rows (outside the sessions: 3): left out.",
        "trades had rows that were left out (repeated: 1).",
        "Most times lie outside the sessions: are the times UTC? Asia/Shanghai is taken for"
        " granted.",
        "Day volumes differ from the daily bars' by more than 2% on 3 of 4 stock-days.",
        "On most the one is about 100 times the other: is the trades table's volume_unit shares,"
        " as the exchange's file says?",
    ]


def test_few_volumes_that_differ_say_nothing_of_lots(recipe: MakeRecipe, checks: DayChecks) -> None:
    checks.counts[VOLUME], checks.compared, checks.many_times = 3, 4, 2
    told = sentences(recipe(), checks, Sifting(rows=1), np.array([True]), 1)
    assert len(told) == 1
    assert told[0].endswith("3 of 4 stock-days.")


@pytest.mark.parametrize("theirs", ["SH600000", "sh.600000", "600000"])
def test_a_symbol_written_otherwise_is_recognised(theirs: str) -> None:
    hint = symbol_hint(["1", theirs], ["000001.SZ", "600000.SH"])
    assert hint == f" ({theirs!r} here and '600000.SH' there may be the same)"


def test_no_hint_without_a_likeness() -> None:
    assert symbol_hint(["MSFT"], ["AAPL", "600000.SH"]) == ""
    assert symbol_hint([], ["AAPL"]) == ""
