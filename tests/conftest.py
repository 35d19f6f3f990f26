"""A simulated market and the panel made of it, shared by the tests of every stage."""

from pathlib import Path

import pytest
import torch

from alpha_lightning.panel.ingest import SideTables, ingest
from alpha_lightning.simulation.settings import IntradaySettings, MarketSettings
from alpha_lightning.simulation.simulate import simulate

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
