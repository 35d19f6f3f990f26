"""A small evaluated study of a simulated market, through the real chain."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import DatedTable, write_dated_table
from alpha_lightning.evaluation.evaluate import evaluate
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.panel.store import Panel
from alpha_lightning.simulation.settings import IntradaySettings, MarketSettings
from alpha_lightning.simulation.simulate import simulate

_DAILY_ONLY = IntradaySettings(minute=False, trades=False)
Array = NDArray[Any]
NAME = "<b>gru</b> $x_1$ & co"


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a simulated market and its panel."""
    root = tmp_path_factory.mktemp("study")
    market = MarketSettings(stocks=40, start="2021-06-01", days=330, intraday=_DAILY_ONLY)
    simulate(str(root / "vendor"), market)
    # A vendor who does not tell of special treatment.
    daily = pl.read_parquet(root / "vendor" / "daily.parquet").drop("st")
    daily.write_parquet(root / "daily.parquet")
    ingest(str(root / "panel"), daily=str(root / "daily.parquet"))
    return root


def written_score(root: Path, name: str, values: Array, **about: Any) -> str:
    panel = Panel.open(root / "panel")
    date, symbol = np.nonzero(np.isfinite(values))
    about = {"kind": "score", "name": name, "panel_fingerprint": panel.fingerprint} | about
    rows = values[date, symbol, None].astype(np.float32)
    file = root / f"{len(list(root.glob('*.parquet')))}.parquet"
    keys = panel.dates[date], panel.symbols[symbol]
    write_dated_table(file, DatedTable(*keys, rows, ("score",), about))
    return str(file)


def reversal_of(root: Path, noise: float, seed: int = 0) -> Array:
    panel = Panel.open(root / "panel")
    close = panel.adjusted("close")
    values = np.full(close.shape, np.nan)
    values[5:] = 1 - close[5:] / close[:-5]
    return values + np.random.default_rng(seed).normal(0, noise, close.shape)


@pytest.fixture(scope="session")
def finished_study(root: Path) -> Path:
    about: dict[str, Any] = {"units": ["gru"], "seeds": [0, 1]}
    files = [
        written_score(root, "reversal", reversal_of(root, 0), scheme="baseline", **about),
        written_score(root, NAME, reversal_of(root, 0.02), scheme="oos_lagged", **about),
    ]
    study = root / "study"
    evaluate(str(root / "panel"), files, str(study / "evaluation"), since=["2022-01-01"])
    (study / "study.yaml").write_text("name: Small <study>\nseeds: [0, 1]\n")
    (study / "timings.csv").write_text("task,seconds\nfit <gru>/rawbar,12.34\n")
    return study


@pytest.fixture(scope="session")
def finished_study_of_data_sets(root: Path) -> Path:
    """Two data sets, one of them a proxy; an ensemble, a model, their parts, and the oracle."""
    shown, also = [], []
    for name, units in (("gru", ["gru"]), ("v1", ["gru", "lstm"])):
        about: dict[str, Any] = {"units": units, "scheme": "oos_lagged", "proxies": ["l2chars"]}
        values = reversal_of(root, 0.01, len(units))
        shown.append(written_score(root, name, values, datasets=["l2chars", "rawbar"], **about))
        for k, dataset in enumerate(("rawbar", "l2chars")):
            part = reversal_of(root, 0.03, 10 + k)
            also.append(
                written_score(root, f"{name} on {dataset}", part, datasets=[dataset], **about)
            )
    unit = {"units": ["gru"], "datasets": ["rawbar"], "weighting": "mean"}
    mean = "gru on rawbar, mean of factors"
    also.append(written_score(root, mean, reversal_of(root, 0.05, 20), **unit))
    study = root / "data sets"
    oracle = str(root / "vendor" / "oracle.parquet")
    evaluate(str(root / "panel"), shown, str(study / "evaluation"), also=also, oracle=oracle)
    (study / "study.yaml").write_text("name: data sets\n")
    return study


@pytest.fixture
def study(finished_study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_study, tmp_path / "study"))


@pytest.fixture
def study_of_data_sets(finished_study_of_data_sets: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_study_of_data_sets, tmp_path / "study"))
