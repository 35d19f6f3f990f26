"""Small markets through the real ingestion, and score files over them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import DatedTable, write_dated_table
from alpha_lightning.panel.ingest import SideTables, ingest
from alpha_lightning.panel.store import Panel

Array = NDArray[Any]


@dataclass(frozen=True)
class Market:
    """Raw prices ``(T, N)`` on the weekdays from 2020-01-01 (a Wednesday) on.

    A NaN close has no row, a NaN vwap an empty cell.
    """

    close: Array
    vwap: Array
    factor: Array
    members: Array | None = None

    @property
    def dates(self) -> Array:
        days = np.arange("2020-01-01", "2030-01-01", dtype="datetime64[D]")
        return days[np.is_busday(days)][: len(self.close)]

    def shocked_after(self, row: int, seed: int = 9) -> "Market":
        """The same market with other prices on every date after ``row``."""
        scale = np.ones_like(self.close)
        generator = np.random.default_rng(seed)
        scale[row + 1 :] = np.exp(generator.normal(0, 0.2, scale[row + 1 :].shape))
        return replace(self, close=self.close * scale, vwap=self.vwap * scale)

    def write(self, folder: Path) -> Panel:
        row, column = np.nonzero(np.isfinite(self.close))
        symbols = np.array([f"S{k:03d}" for k in range(self.close.shape[1])])
        close, vwap = self.close[row, column], self.vwap[row, column]
        frame = pl.DataFrame(
            {
                "date": self.dates[row].astype("datetime64[ms]"),
                "symbol": symbols[column],
                "open": close,
                "high": np.fmax(close, vwap),
                "low": np.fmin(close, vwap),
                "close": close,
                "volume": np.full(len(row), 1e6),
                "vwap": vwap,
                "adj_factor": self.factor[row, column],
            },
            nan_to_null=True,
        ).with_columns(pl.col("date").cast(pl.Date))
        folder.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(folder / "daily.parquet")
        tables = None
        if self.members is not None:
            day, stock = np.nonzero(self.members)
            days = self.dates[day].astype("datetime64[ms]")
            members = {"date": days, "index": ["000300"] * len(day), "symbol": symbols[stock]}
            file = folder / "members.parquet"
            table = pl.DataFrame(members).with_columns(pl.col("date").cast(pl.Date))
            table.write_parquet(file)
            tables = SideTables(index_members=str(file))
        path = ingest(str(folder / "panel"), daily=str(folder / "daily.parquet"), tables=tables)
        return Panel.open(path)


def random_market(dates: int, stocks: int, seed: int = 0, suspended: float = 0.03) -> Market:
    """Random walks with splits, suspensions, late listings and a delisting."""
    generator = np.random.default_rng(seed)
    total = 20 * np.exp(np.cumsum(generator.normal(0, 0.02, (dates, stocks)), axis=0))
    factor = np.cumprod(np.where(generator.random((dates, stocks)) < 0.005, 2.0, 1.0), axis=0)
    close = total / factor
    vwap = close * np.exp(generator.normal(0, 0.005, close.shape))
    gone = generator.random(close.shape) < suspended
    gone[: dates // 2, 0] = gone[dates // 2 :, 1] = True
    gone[0, 2:] = False
    close = np.where(gone, np.nan, close)
    return Market(close, np.where(gone, np.nan, vwap), factor)


@pytest.fixture
def write_score(tmp_path: Path) -> Callable[..., str]:
    """Write ``(T, N)`` values as a score file; NaN has no row."""

    def write(panel: Panel, values: Array, name: str = "alpha", **metadata: Any) -> str:
        date, symbol = np.nonzero(~np.isnan(values))
        rows = values[date, symbol, None].astype(np.float32)
        about = {"kind": "score", "name": name, "panel_fingerprint": panel.fingerprint} | metadata
        file = tmp_path / f"{len(list(tmp_path.glob('*.parquet')))}.parquet"
        dates, symbols = panel.dates[date], panel.symbols[symbol]
        write_dated_table(file, DatedTable(dates, symbols, rows, ("score",), about))
        return str(file)

    return write


@pytest.fixture(scope="session")
def market() -> Callable[..., Market]:
    return random_market
