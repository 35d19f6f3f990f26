"""Small day files become rows of a small panel."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.characteristics.day_recipe import Recipe
from alpha_lightning.characteristics.day_store import DayStore, StockDay
from alpha_lightning.characteristics.exchange import read_exchange
from alpha_lightning.characteristics.feed import trade_feed
from alpha_lightning.characteristics.feed_index import index_feed
from alpha_lightning.characteristics.sifting import Sifting
from alpha_lightning.panel.assemble import AdjustedRows, Source, assemble, no_shared_symbol
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.panel.store import Panel

CN = Path(__file__).parents[2] / "configs" / "market" / "cn.yaml"
COLUMNS = (("close", "price"), ("volume", "shares"), ("amount", "amount"), ("rkurt", "moment"))
DAYS = [dt.date(2024, 1, 2), dt.date(2024, 1, 3), dt.date(2024, 1, 4)]
A_AND_B = np.array([0, 1])


@pytest.fixture
def panel(tmp_path: Path, bars: Callable[..., pl.DataFrame]) -> Panel:
    """A and B on three days; B is suspended on the second, A has a factor of 2 from then on."""
    date, symbol = pl.col("date"), pl.col("symbol")
    later = (date >= DAYS[1]) & (symbol == "A")
    frame = bars(3, 2).with_columns(
        adj_factor=pl.when(later).then(2.0).otherwise(1.0),
        suspended=(date == DAYS[1]) & (symbol == "B"),
    )
    frame.write_parquet(tmp_path / "daily.parquet")
    return Panel.open(ingest(str(tmp_path / "panel"), daily=str(tmp_path / "daily.parquet")))


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Of a trade table that is not read again."""
    row = {"time": ["2024-01-02 10:00:00"], "symbol": ["A"], "price": ["5"], "volume": ["1"]}
    pl.DataFrame(row | {"side": ["B"]}).write_csv(tmp_path / "trades.csv")
    feed = trade_feed(tmp_path / "trades.csv", read_exchange(CN))
    index = index_feed(feed, tmp_path / "index.parquet")
    return Recipe("l2chars", COLUMNS, index, lambda _: iter(()))


def day_of(t: int, rows: dict[str, tuple[float, ...]]) -> StockDay:
    # Volumes of the daily bars, so that nothing is odd but what a test makes so.
    facts = [[1000.0 + 10 * (symbol != "A"), 9, 9, 0, 0, 0] for symbol in rows]
    values = np.array(list(rows.values()))
    return StockDay(DAYS[t], np.array(list(rows)), values, np.array(facts), Sifting(len(rows)))


FIRST = day_of(0, {"A": (10, 1000, 9.0, 5.0), "B": (11, 1010, 8.0, 6.0)})
SECOND = day_of(1, {"A": (5, 1000, 7.0, 4.0), "B": (99, 99, 99, 99)})


def test_rows_are_adjusted_and_suspended_stocks_stand_still(panel: Panel, recipe: Recipe) -> None:
    rows = AdjustedRows(panel, recipe)
    np.testing.assert_array_equal(rows.row(0, FIRST, A_AND_B), FIRST.values)
    expected = [[10, 500, 7, 4], [11, 0, 0, 3]]
    np.testing.assert_array_equal(rows.row(1, SECOND, A_AND_B), expected)
    assert np.isnan(rows.row(2, None, np.empty(0, dtype=np.intp))).all()


def test_before_a_stock_has_traded_nothing_is_known(panel: Panel, recipe: Recipe) -> None:
    # As if the panel began on the day on which B is suspended.
    row = AdjustedRows(panel, recipe).row(1, SECOND, A_AND_B)
    assert np.isnan(row[1]).all()
    np.testing.assert_array_equal(row[0], [10, 500, 7, 4])


def run(panel: Panel, recipe: Recipe, days: list[StockDay], room: Path) -> dict[str, Any]:
    store = DayStore(room / "days", COLUMNS)
    store.folder.mkdir(exist_ok=True)
    for day in days:
        store.write(day, {"key": "k"})
    source = Source(recipe, store, [day.date for day in days], Sifting(1), "drop")
    return assemble(panel, source, room / "out.npy", room / "out.csv")


def test_the_array_and_its_description(panel: Panel, recipe: Recipe, tmp_path: Path) -> None:
    told = run(panel, recipe, [FIRST, SECOND], tmp_path)
    array = np.load(tmp_path / "out.npy")
    assert (array.shape, array.dtype) == ((3, 2, 4), np.float32)
    np.testing.assert_array_equal(array[0], FIRST.values)
    np.testing.assert_array_equal(array[1], [[10, 500, 7, 4], [11, 0, 0, 3]])
    assert np.isnan(array[2]).all()
    assert told["rows"] == 5
    assert told["features"][1] == {"name": "volume", "kind": "shares"}
    assert told["bad_rows"] == {"mode": "drop", "counts": {}, "first": []}
    assert told["lacking"] == ["trades has no trades on 1 of 3 dates: first 2024-01-04."]
    assert told["checks"] == {"no stock has rows": 1, "trades on a day without a daily bar": 1}
    assert json.loads(json.dumps(told)) == told
    assert (tmp_path / "out.csv").read_text().splitlines() == [
        "date,symbol,what,value",
        "2024-01-03,B,trades on a day without a daily bar,1010",
        "2024-01-04,,no stock has rows,2",
    ]


def test_the_future_changes_no_earlier_row(panel: Panel, recipe: Recipe, tmp_path: Path) -> None:
    told = run(panel, recipe, [FIRST, SECOND], tmp_path)
    before = np.load(tmp_path / "out.npy")
    third = day_of(2, {"A": (6, 1000, 7.0, 4.0), "B": (12, 1010, 8.0, 6.0)})
    other = run(panel, recipe, [FIRST, SECOND, third], tmp_path)
    after = np.load(tmp_path / "out.npy")
    np.testing.assert_array_equal(after[:2], before[:2])
    assert not np.isnan(after[2]).any()
    assert told["fingerprint"] != other["fingerprint"]


def test_a_table_of_other_stocks_is_refused(panel: Panel, recipe: Recipe, tmp_path: Path) -> None:
    stranger = day_of(0, {"A.XX": (10, 1000, 9.0, 5.0)})
    with pytest.raises(PanelError, match=r"none of its symbols \(the first is 'A.XX'\)"):
        run(panel, recipe, [stranger], tmp_path)
    message = str(no_shared_symbol(panel, recipe, ["b", "z"]))
    assert "('b' here and 'B' there may be the same)" in message
    assert message.endswith("write them alike in both")
