"""Raw characteristics as rows of the panel: adjustment, suspension, listing."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.characteristics.day_recipe import Recipe
from alpha_lightning.characteristics.day_store import DayStore, StockDay
from alpha_lightning.characteristics.exchange import Exchange
from alpha_lightning.characteristics.feed import minute_feed
from alpha_lightning.characteristics.feed_index import index_feed
from alpha_lightning.characteristics.sifting import Sifting
from alpha_lightning.panel.assemble import AdjustedRows, Source, assemble
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.panel.store import Panel

DAYS = [dt.date(2024, 1, day) for day in (2, 3, 4, 5)]
OWN = (
    ("close", "price"),
    ("volume", "shares"),
    ("amount", "amount"),
    ("rkurt_1", "moment"),
    ("vhhi", "ratio"),
)
OTHERS = (("vwap", "price"), ("bamt", "amount"), ("bopct_p1", "ratio"))
CN = Exchange("cn", "Asia/Shanghai", [("09:30", "11:30"), ("13:00", "15:00")], lot=100)


def make_nothing(_: Any) -> Iterator[StockDay]:
    yield from ()


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    """A has a factor of 2 from the third day on, B is suspended then, C is listed on the second."""
    rows = [
        {
            "date": day,
            "symbol": symbol,
            "close": 10.0 + t,
            "adj_factor": 1.0 + (symbol == "A") * (t > 1),
        }
        for t, day in enumerate(DAYS)
        for symbol in "ABC"
        if (symbol, t) not in {("B", 2), ("C", 0)}
    ]
    close = pl.col("close")
    frame = pl.DataFrame(rows).with_columns(open=close, high=close, low=close, volume=pl.lit(100.0))
    frame.write_parquet(tmp_path / "daily.parquet")
    return Panel.open(ingest(str(tmp_path / "panel"), daily=str(tmp_path / "daily.parquet")))


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Source]:
    """Day files of some symbols: each feature is 1, 2, ... and ten times the day's number more."""

    def make(symbols: str = "ABC", columns: Any = OWN, days: list[dt.date] = DAYS) -> Source:
        prices = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
        times = [dt.datetime.combine(day, dt.time(9, 40)) for day in days]
        frame = pl.DataFrame({"time": times}).with_columns(symbol=pl.lit("A"))
        frame.with_columns(**{k: pl.lit(v) for k, v in prices.items()}).write_parquet(
            tmp_path / "m.parquet"
        )
        index = index_feed(minute_feed(tmp_path / "m.parquet", CN), tmp_path / "index")
        recipe = Recipe("mschars", columns, index, make_nothing)
        store = DayStore(tmp_path / "days", columns)
        for t, day in enumerate(DAYS):
            if day in days:
                values = np.tile(np.arange(1.0, 1 + len(columns)) + 10 * t, (len(symbols), 1))
                facts = np.tile(
                    [100.0, 9, 8, 0, 0, 0, 0, 10 + t, 10 + t, 10 + t, 100 * (10 + t)],
                    (len(symbols), 1),
                )
                store.write(
                    StockDay(day, np.array(list(symbols)), values, facts, Sifting(rows=1)), {}
                )
        return Source(recipe, store, frozenset(days), Sifting(), "refuse")

    return make


def array_of(panel: Panel, source: Source) -> tuple[Any, dict[str, Any]]:
    out = panel.path.parent / "x.npy"
    told = assemble(panel, source, out, panel.path.parent / "x.csv")
    return np.load(out), told


def test_prices_and_shares_are_adjusted(panel: Panel, source: Callable[..., Source]) -> None:
    array, _ = array_of(panel, source())
    assert array.dtype == np.float32
    assert array.shape == (4, 3, 5)
    np.testing.assert_array_equal(array[1, 0], [11, 12, 13, 14, 15])
    np.testing.assert_array_equal(array[2, 0], [21 * 2, 22 / 2, 23, 24, 25])
    np.testing.assert_array_equal(array[3, 0], [31 * 2, 32 / 2, 33, 34, 35])


def test_a_suspended_day_has_the_last_close_of_the_data_set(
    panel: Panel, source: Callable[..., Source]
) -> None:
    array, _ = array_of(panel, source())
    np.testing.assert_array_equal(array[2, 1], [11, 0, 0, 3, 1])  # whatever the table says of it
    for days in ([DAYS[0], *DAYS[2:]], DAYS[2:]):
        array, _ = array_of(panel, source(days=days))
        # The panel's close of the day before, of which the table says nothing.
        np.testing.assert_array_equal(array[2, 1], [11, 0, 0, 3, 1])


def test_a_data_set_without_a_close_takes_the_panels(
    panel: Panel, source: Callable[..., Source]
) -> None:
    array, _ = array_of(panel, source(columns=OTHERS, days=DAYS[2:]))
    np.testing.assert_array_equal(array[2, 1], [11, 0, 50])


def test_nothing_is_known_before_the_listing_or_without_a_row(
    panel: Panel, source: Callable[..., Source]
) -> None:
    array, told = array_of(panel, source("AC"))
    assert np.isnan(array[0, 2]).all()
    assert np.isnan(array[[0, 1, 3], 1]).all()
    assert "No bars for 1 symbols of the panel: B." in told["lacking"]
    array, told = array_of(panel, source(days=DAYS[:3]))
    assert np.isnan(array[3]).all()
    assert told["checks"]["no stock has rows"] == 1


def test_order_and_strangers_do_not_matter(panel: Panel, source: Callable[..., Source]) -> None:
    expected, _ = array_of(panel, source())
    found, told = array_of(panel, source("0ABCZ"))
    np.testing.assert_array_equal(found, expected)
    assert told["checks"]["symbol is not in the panel"] == 8


def test_the_description_is_plain_json(panel: Panel, source: Callable[..., Source]) -> None:
    array, told = array_of(panel, source())
    assert json.loads(json.dumps(told)) == told
    assert told["features"][0] == {"name": "close", "kind": "price"}
    assert told["exchange"] == "cn"
    assert told["rows"] == 4
    other, again = array_of(panel, source())
    assert told["fingerprint"] == again["fingerprint"]
    np.testing.assert_array_equal(array, other)
    assert array_of(panel, source("AB"))[1]["fingerprint"] != told["fingerprint"]


def test_a_feature_is_lacking_when_no_traded_row_has_it(
    panel: Panel, source: Callable[..., Source]
) -> None:
    made = source()
    for t, day in enumerate(DAYS):
        old = made.store.read(day)
        values = old.values.copy()
        values[:, 3] = np.nan
        values[:, 4] = np.nan if t != 1 else values[:, 4]
        made.store.write(StockDay(day, old.symbols, values, old.facts, old.sifting), {})
    array, told = array_of(panel, made)
    assert array[2, 1, 3] == 3  # a neutral value is no value
    assert [text for text in told["lacking"] if "missing" in text] == [
        "mschars: rkurt_1 is missing: minute gives no value of it on any date."
    ]


def test_no_symbol_in_common(panel: Panel, source: Callable[..., Source]) -> None:
    with pytest.raises(
        PanelError, match=r"none of its symbols \(the first is 'a'\).*'a' here and 'A'"
    ):
        array_of(panel, source("abc"))


def test_a_damaged_day_is_named(panel: Panel, source: Callable[..., Source]) -> None:
    made = source()
    made.store.path(DAYS[2]).write_bytes(b"x")
    with pytest.raises(ArtefactError, match=r"2024-01-04.parquet is damaged"):
        array_of(panel, made)


def test_rows_come_one_after_another(panel: Panel, source: Callable[..., Source]) -> None:
    made = source()
    rows = AdjustedRows(panel, made.recipe)
    whole, _ = array_of(panel, made)
    for t, day in enumerate(DAYS):
        row = rows.row(t, made.store.read(day), np.arange(3))
        np.testing.assert_array_equal(row.astype(np.float32), whole[t])
