import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.characteristics.day_store import DayStore, StockDay
from alpha_lightning.characteristics.sifting import Sifting
from alpha_lightning.characteristics.stock_facts import StockFacts

DAY = dt.date(2024, 1, 2)
SIFTING = Sifting(3, {"negative volume": 1}, {"repeated": 1}, ({"row": 1, "values": {"x": 0.1}},))


@pytest.fixture
def store(tmp_path: Path) -> DayStore:
    return DayStore(tmp_path / "mschars", (("close", "price"), ("volume", "shares")))


def a_day(count: int = 3) -> StockDay:
    rng = np.random.default_rng(0)
    values = rng.random((count, 2))
    values[:1, 1] = np.nan
    symbols = np.array(["000001.SZ", "600000.SH", "A"])[:count]
    return StockDay(DAY, symbols, values, rng.random((count, len(StockFacts.names()))), SIFTING)


@pytest.mark.parametrize("count", [3, 1, 0])
def test_a_day_comes_back_as_it_was(store: DayStore, count: int) -> None:
    day = a_day(count)
    store.write(day, {"key": "k"})
    found = store.read(DAY)
    assert found.symbols.tolist() == day.symbols.tolist()
    np.testing.assert_array_equal(found.values, day.values)
    np.testing.assert_array_equal(found.facts, day.facts)
    assert (found.date, found.sifting) == (DAY, SIFTING)


def test_the_file_opens_without_us(store: DayStore) -> None:
    store.write(a_day(), {"key": "k", "exchange": "cn"})
    frame = pl.read_parquet(store.path(DAY))
    assert frame.columns[:3] == ["symbol", "close", "volume"]
    assert frame.columns[3:5] == ["day_volume", "trades"]
    assert store.about(DAY)["exchange"] == "cn"
    assert store.about(DAY)["date"] == "2024-01-02"


def test_the_same_day_is_the_same_bytes(store: DayStore) -> None:
    store.write(a_day(), {"key": "k"})
    first = store.path(DAY).read_bytes()
    store.write(a_day(), {"key": "k"})
    assert store.path(DAY).read_bytes() == first


def test_what_is_damaged_is_not_there(store: DayStore) -> None:
    assert store.about(DAY) == {}
    store.write(a_day(), {"key": "k"})
    whole = store.path(DAY).read_bytes()
    for content in (b"", whole[:50], whole[:-1]):
        store.path(DAY).write_bytes(content)
        assert store.about(DAY) == {}
        with pytest.raises(ArtefactError, match=r"2024-01-02.parquet is damaged \(.*remove it"):
            store.read(DAY)
    store.path(DAY).unlink()
    store.path(DAY).symlink_to("nowhere")
    assert store.about(DAY) == {}
