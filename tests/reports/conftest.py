"""A small evaluated study of a simulated market, through the real chain."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.artefacts.dated_table import DatedTable, write_dated_table
from alpha_lightning.evaluation.evaluate import evaluate
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.panel.store import Panel
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.simulate import simulate


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("study")
    simulate(str(root / "vendor"), MarketSettings(stocks=40, start="2021-06-01", days=330))
    ingest(str(root / "panel"), daily=str(root / "vendor" / "daily.parquet"))
    panel = Panel.open(root / "panel")
    generator = np.random.default_rng(0)
    reversal = np.full((len(panel.dates), len(panel.symbols)), np.nan)
    close = panel.adjusted("close")
    reversal[5:] = 1 - close[5:] / close[:-5]
    mixed = reversal + generator.normal(0, 0.02, reversal.shape)
    files = []
    for name, values, scheme in (
        ("reversal", reversal, "baseline"),
        ("<b>gru</b> $x_1$ & co", mixed, "oos_lagged"),
    ):
        date, symbol = np.nonzero(np.isfinite(values))
        about = {"kind": "score", "name": name, "scheme": scheme, "units": ["gru"], "seeds": [0, 1]}
        about["panel_fingerprint"] = panel.fingerprint
        rows = values[date, symbol, None].astype(np.float32)
        keys = panel.dates[date], panel.symbols[symbol]
        files.append(str(root / f"{scheme}.parquet"))
        write_dated_table(files[-1], DatedTable(*keys, rows, ("score",), about))
    study = root / "study"
    evaluate(str(root / "panel"), files, str(study / "evaluation"), since=["2022-01-01"])
    (study / "study.yaml").write_text("name: Small <study>\nseeds: [0, 1]\n")
    (study / "timings.csv").write_text("task,seconds\nfit <gru>/rawbar,12.34\n")
    return study


@pytest.fixture
def study(finished_study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_study, tmp_path / "study"))
