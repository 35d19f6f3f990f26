"""A small panel with everything that goes wrong in one, and a copy of the simulated one."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from alpha_lightning.panel.ingest import SideTables, ingest
from alpha_lightning.panel.store import Panel

DAYS, STOCKS = 75, 27


def difficult_bars(seed: int = 0, change_after: int = DAYS) -> pl.DataFrame:
    """Listings, suspensions (rows missing, rows without volume), amounts missing, ties, a split.

    Every number of a day from ``change_after`` on is another one, and so is who trades.
    """
    past, future = np.random.default_rng(seed), np.random.default_rng(seed + 100)
    days = np.arange("2024-01-01", "2024-12-31", dtype="datetime64[D]")
    days = days[np.is_busday(days)][:DAYS]
    rows = []
    price = 10 + past.random(STOCKS)
    for t, day in enumerate(days):
        rng = past if t < change_after else future
        # Moves in ticks: many stocks do the same on a date.
        price = (price * (1 + np.round(rng.normal(size=STOCKS) * 0.02, 2))).clip(1)
        idle, amounts, kept, shares = rng.random((4, STOCKS))
        for n in range(STOCKS):
            late = n == 0 and t < 20
            away = n == 1 and 40 <= t < 52
            if late or away or kept[n] < 0.03:
                continue
            split = 2.0 if n == 2 and t >= 45 else 1.0
            volume = 0.0 if idle[n] < 0.04 else 1e6 * split * (0.5 + shares[n])
            raw = float(price[n]) / split
            amount = volume * raw * 1.001 if amounts[n] > 0.05 else None
            bar = (raw * 0.99, raw * 1.02, raw * 0.98, raw, volume, amount, split)
            rows.append((day.item(), f"S{n:02d}", *bar))
    names = ["date", "symbol", "open", "high", "low", "close", "volume", "amount", "adj_factor"]
    return pl.DataFrame(rows, schema=names, orient="row")


def index_of(frame: pl.DataFrame) -> pl.DataFrame:
    """An index of all but the last stock, of which the first five leave half-way."""
    names = sorted(frame["symbol"].unique())[:-1]
    first, half = frame["date"].min(), sorted(frame["date"].unique())[DAYS // 2]
    lists = [(first, "big", name) for name in names] + [(half, "big", n) for n in names[5:]]
    return pl.DataFrame(lists, schema=["date", "index", "symbol"], orient="row")


@pytest.fixture(scope="session")
def ingest_bars(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The panel of a table of daily bars and an index of it."""

    def make(frame: pl.DataFrame) -> Path:
        folder = tmp_path_factory.mktemp("bars")
        frame.write_parquet(folder / "daily.parquet")
        index_of(frame).write_parquet(folder / "members.parquet")
        tables = SideTables(index_members=str(folder / "members.parquet"))
        return ingest(str(folder / "panel"), daily=str(folder / "daily.parquet"), tables=tables)

    return make


@pytest.fixture(scope="session")
def small_path(ingest_bars: Callable[..., Path]) -> Path:
    """75 days of 27 stocks; tests leave the data as it is."""
    return ingest_bars(difficult_bars())


@pytest.fixture(scope="session")
def changed_path(ingest_bars: Callable[..., Path]) -> Path:
    """The panel of `small_path` with another market from day 60 on."""
    return ingest_bars(difficult_bars(change_after=60))


@pytest.fixture
def own_path(small_path: Path, tmp_path: Path) -> Path:
    """A copy of `small_path` without statistics, to be written to."""
    ignore = shutil.ignore_patterns("*.scale-*")
    return Path(shutil.copytree(small_path, tmp_path / "panel", ignore=ignore))


@pytest.fixture(scope="session")
def market_panel(panel_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the simulated panel beside which statistics may be kept."""
    target = tmp_path_factory.mktemp("copy") / "panel"
    return Path(shutil.copytree(panel_path, target))


@pytest.fixture
def rewrite() -> Callable[..., None]:
    """Put other values into the data set of a panel, as if it had been ingested like that."""

    def put(path: Path, change: Callable[[NDArray[Any]], None]) -> None:
        file = path / "datasets" / "rawbar.npy"
        values = np.load(file)
        change(values)
        np.save(file, values)
        description = path / "panel.json"
        old = Panel.open(path).dataset("rawbar").fingerprint
        new = hashlib.sha256(values.tobytes()).hexdigest()[:16]
        description.write_text(description.read_text().replace(old, new))

    return put
