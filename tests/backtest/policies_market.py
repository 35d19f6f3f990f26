"""A simulated market of half a year, its risk model and a score, for enhanced portfolios."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import DatedTable, write_dated_table
from alpha_lightning.panel.ingest import SideTables, ingest
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.settings import RiskSettings
from alpha_lightning.simulation.settings import IntradaySettings, MarketSettings
from alpha_lightning.simulation.simulate import simulate

MARKET = MarketSettings(
    stocks=40, days=150, industries=4, intraday=IntradaySettings(minute=False, trades=False)
)
SIMPLE = RiskSettings(
    "simple", styles=["size", "beta", "volatility", "liquidity"], min_days=30, window=60
)
FIRST = 40
_TABLES = ("index_members", "index_levels", "industries")


def vendor(folder: Path) -> dict[str, pl.DataFrame]:
    """The vendor's tables by name."""
    simulate(str(folder), MARKET, seed=2)
    return {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("daily", *_TABLES)}


def ingested(tables: dict[str, pl.DataFrame], folder: Path) -> Panel:
    """The panel of some vendor's tables, in a new folder."""
    folder.mkdir()
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    side = {name: str(folder / f"{name}.parquet") for name in _TABLES if name in tables}
    daily = str(folder / "daily.parquet")
    return Panel.open(ingest(str(folder / "panel"), daily=daily, tables=SideTables(**side)))


def drawn(panel: Panel, seed: int = 0) -> NDArray[np.float64]:
    """Persistent scores ``(T, N)`` with gaps."""
    generator = np.random.default_rng(seed)
    shape = (len(panel.dates), len(panel.symbols))
    values = np.empty(shape)
    values[0] = generator.normal(size=shape[1])
    for row in range(1, shape[0]):
        values[row] = 0.95 * values[row - 1] + 0.31 * generator.normal(size=shape[1])
    values[generator.random(shape) < 0.1] = np.nan
    values[:FIRST] = np.nan
    values[~panel.listed] = np.nan
    return values


def score_file(panel: Panel, values: NDArray[np.float64], file: Path) -> str:
    """A score file of values ``(T, N)``."""
    row, column = np.nonzero(~np.isnan(values))
    rows = values[row, column, None].astype(np.float32)
    about = {"kind": "score", "name": "alpha", "panel_fingerprint": panel.fingerprint}
    dates, symbols = panel.dates[row], panel.symbols[column]
    write_dated_table(file, DatedTable(dates, symbols, rows, ("score",), about))
    return str(file)


def after(date: Any, change: Callable[[pl.Expr], pl.Expr], *columns: str) -> list[pl.Expr]:
    """Columns that are changed on the dates after one."""
    late = pl.col("date") > date
    return [pl.when(late).then(change(pl.col(c))).otherwise(pl.col(c)).alias(c) for c in columns]
