"""Small panels, made by the real ingestion, and factor matrices over them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import DatedTable, write_dated_table
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.panel.store import Panel

Array = NDArray[Any]


def weekdays(first: str, last: str) -> Array:
    days = np.arange(first, last, dtype="datetime64[D]")
    return days[np.is_busday(days)]


def write_daily(path: Path, dates: Array, close: Array, volume: Array) -> None:
    """Flat-ish bars around ``close`` ``(T, N)``; NaN has no row."""
    row, column = np.nonzero(~np.isnan(close))
    price = close[row, column]
    frame = pl.DataFrame(
        {
            "date": dates[row].astype("datetime64[ms]"),
            "symbol": [f"{600000 + k}.SH" for k in column],
            "open": price,
            "high": price * 1.01,
            "low": price * 0.99,
            "close": price,
            "volume": volume[row, column],
            "amount": price * volume[row, column],
        }
    )
    frame.with_columns(pl.col("date").cast(pl.Date)).write_parquet(path)


@pytest.fixture(scope="session")
def make_panel(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Panel]:
    """A panel of given adjusted closes ``(T, N)``, one row a weekday from ``first``."""

    def make(close: Array, first: str = "2020-01-01", volume: Array | None = None) -> Panel:
        folder = tmp_path_factory.mktemp("panel")
        dates = weekdays(first, "2040-01-01")[: len(close)]
        shares = np.full(close.shape, 1e6) if volume is None else volume
        write_daily(folder / "daily.parquet", dates, close, shares)
        return Panel.open(ingest(str(folder / "panel"), daily=str(folder / "daily.parquet")))

    return make


@pytest.fixture(scope="session")
def write_factors() -> Callable[..., Path]:
    """Write a factor matrix ``(T, N, K)`` over a panel's dates, NaN rows left out."""

    def write(path: Path, panel: Panel, factors: Array, **metadata: Any) -> Path:
        date, symbol = np.nonzero(~np.isnan(factors).all(axis=-1))
        about = {
            "kind": "factor_matrix",
            "unit": "gru",
            "dataset": "rawbar",
            "vintage": 2022,
            "seed": 3,
            "scheme": "oos_lagged",
            "panel_fingerprint": panel.fingerprint,
            "out_of_sample_from": "2021-01-01",
        } | metadata
        names = tuple(f"f{k:02d}" for k in range(factors.shape[-1]))
        values = factors[date, symbol].astype(np.float32)
        rows = DatedTable(panel.dates[date], panel.symbols[symbol], values, names, about)
        write_dated_table(path, rows)
        return path

    return write
