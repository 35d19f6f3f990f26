"""A simulated market of two calendar years, its risk model, and enhanced portfolios on it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from alpha_lightning.backtest.enhanced_grid import run_enhanced
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid, LimitSettings
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.build import build_risk_model
from alpha_lightning.risk.settings import RiskSettings
from alpha_lightning.simulation.simulate import simulate
from tests.backtest.policies_market import MARKET, drawn, ingested, score_file

RISK = RiskSettings("simple", styles=["size", "volatility"], min_days=30, window=60, horizon=5)
GRID = EnhancedGrid(
    {"000300": 0.04, "000905": 0.06},
    deltas=[0.02, 0.2],
    policy=LimitSettings(style=0.3),
    risk=RISK,
)
SILENT = slice(95, 105)
"""Rows without a score of ``a``."""
_TABLES = ("index_members", "index_levels", "industries")


def market_tables(folder: Path) -> dict[str, pl.DataFrame]:
    """The vendor's tables by name; the levels lack 000905."""
    simulate(str(folder), replace(MARKET, start="2020-08-03"), seed=2)
    tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("daily", *_TABLES)}
    levels = tables["index_levels"].filter(pl.col("index") != "000905")
    return tables | {"index_levels": levels}


def small_panel(folder: Path) -> Panel:
    """40 stocks on 150 dates from 2020-08-03 on."""
    return ingested(market_tables(folder / "vendor"), folder / "own")


def two_scores(panel: Panel, folder: Path) -> list[str]:
    """Scores ``a``, silent for a fortnight, and ``b``."""
    folder.mkdir(exist_ok=True)
    first, second = drawn(panel, 0), drawn(panel, 1)
    first[SILENT] = float("nan")
    return [
        score_file(panel, values, folder / f"{name}.parquet")
        for name, values in (("a", first), ("b", second))
    ]


def risk_of(panel: Panel, folder: Path) -> str:
    """The risk model of a panel."""
    return str(build_risk_model(panel, folder / "risk", RISK))


def made_grid(folder: Path) -> Path:
    """All of it in a folder: own/panel, risk, scores, and the portfolios in out."""
    panel = small_panel(folder)
    files = two_scores(panel, folder / "scores")
    risk = risk_of(panel, folder)
    return run_enhanced(str(panel.path), risk, files, str(folder / "out"), GRID, paper=True)


def inputs_of(made: Path) -> dict[str, Any]:
    """Arguments of `run_enhanced` for another run on the same market."""
    whole = made.parent
    scores = [str(whole / f"scores/{name}.parquet") for name in "ab"]
    return {"panel": str(whole / "own/panel"), "risk": str(whole / "risk"), "scores": scores}


def table(folder: Path, name: str) -> Any:
    """A table that was written; names of indices and limits stay text."""
    return pd.read_csv(folder / "tables" / f"{name}.csv", dtype={"index": str})
