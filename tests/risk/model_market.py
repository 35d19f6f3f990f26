"""A small market and its risk model, estimated in a second or two."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from alpha_lightning.risk.build import build_risk_model
from alpha_lightning.risk.model import RiskModel
from alpha_lightning.risk.settings import RiskSettings
from tests.risk.styles_market import StyleMarket, style_market

SETTINGS: dict[str, Any] = {"min_days": 30, "window": 60}
ROWS = 140


@cache
def small_market() -> StyleMarket:
    """40 stocks on 140 dates; not to be written to."""
    return style_market(rows=ROWS, stocks=40)


def built(market: StyleMarket, folder: Path, out: str = "risk", **settings: Any) -> RiskModel:
    """The model of a market, its panel written into a new folder."""
    panel = market.write(folder / f"panel {len(list(folder.glob('panel*')))}")
    made = RiskSettings(**{**SETTINGS, **settings})
    return RiskModel.open(build_risk_model(panel, folder / out, made))


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file, by name."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def with_changed_cap(market: StyleMarket, row: int) -> StyleMarket:
    """The same market, but a market value of one date was told otherwise."""
    made = market.mapped(np.copy)
    made.market["total_cap"][row, 20] *= 1.5
    return made
