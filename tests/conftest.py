"""A simulated market, small markets by hand and score files, shared by the tests of every stage."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import DatedTable, write_dated_table
from alpha_lightning.panel.ingest import SideTables, ingest
from alpha_lightning.panel.store import Panel
from alpha_lightning.simulation.settings import IntradaySettings, MarketSettings
from alpha_lightning.simulation.simulate import simulate

Array = NDArray[Any]

# Results must not depend on the number of threads, and tests run side by side.
torch.set_num_threads(1)

MARKET = MarketSettings(
    stocks=40,
    start="2019-01-02",
    days=900,
    industries=5,
    intraday=IntradaySettings(minute=False, trades=False),
)


@pytest.fixture(scope="session")
def market_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Daily vendor tables of 40 stocks on 900 days from 2019-01-02 on."""
    return simulate(str(tmp_path_factory.mktemp("market") / "vendor"), MARKET, seed=1)


@pytest.fixture(scope="session")
def panel_path(market_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The panel ingested from `market_folder`, side tables included; not to be written to."""
    names = ("index_members", "index_levels", "industries")
    tables = SideTables(**{name: str(market_folder / f"{name}.parquet") for name in names})
    out = tmp_path_factory.mktemp("market") / "panel"
    return ingest(str(out), daily=str(market_folder / "daily.parquet"), tables=tables)


@dataclass(frozen=True)
class DailyMarket:
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

    def shocked_after(self, row: int, seed: int = 9) -> "DailyMarket":
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


def random_market(dates: int, stocks: int, seed: int = 0, suspended: float = 0.03) -> DailyMarket:
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
    return DailyMarket(close, np.where(gone, np.nan, vwap), factor)


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
def market() -> Callable[..., DailyMarket]:
    return random_market
