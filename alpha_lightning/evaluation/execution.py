"""Prices at which theoretical portfolios are marked and trade."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.characteristics.rawbar import carry_forward
from alpha_lightning.panel.execution_price import MISSING_VWAP_LIMIT, missing_vwap
from alpha_lightning.panel.store import Panel

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Prices:
    """Adjusted prices, ``(T, N)``; NaN only before a stock's first trade.

    Args:
        mark: close, carried forward over days without a trade, for ever after a delisting.
        trade: what a trade on the date is done at.
        execution: ``vwap``, or ``close`` when the vendor's VWAP has too many gaps.
        missing_vwap: share of traded rows of the period without a VWAP.
    """

    mark: Matrix
    trade: Matrix
    execution: Literal["vwap", "close"]
    missing_vwap: float

    @cached_property
    def filled(self) -> tuple[Matrix, Matrix]:
        """``mark`` and ``trade`` with 1 for prices not yet known, at which nothing is held."""
        mark, trade = (np.where(np.isnan(price), 1.0, price) for price in (self.mark, self.trade))
        return mark, trade

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for the report when trades are not done at the VWAP."""
        if self.execution == "vwap":
            return ()
        return (
            f"Groups trade at the next day's close, not at its VWAP: {self.missing_vwap:.0%} of the"
            " traded stock-days of the period have no VWAP.",
        )


def execution_prices(panel: Panel, first: int, last: int) -> Prices:
    """Marks and execution prices of a panel.

    A trade is done at the day's VWAP. A single missing VWAP falls back to that day's close; a stock
    that does not trade on the day changes hands at its last close, because the theoretical groups
    know no trading limits. When more than `MISSING_VWAP_LIMIT` of the VWAPs are missing, every
    trade is done at the close, so that one convention holds for the whole period.

    Args:
        panel: the panel.
        first: first row of the evaluated period.
        last: last row of the evaluated period, included.
    """
    traded = panel.traded
    mark = carry_forward(np.where(traded, panel.adjusted("close"), np.nan))
    missing = missing_vwap(panel, first, last)
    if missing > MISSING_VWAP_LIMIT:
        return Prices(mark, mark, "close", missing)
    vwap = np.where(traded, panel.adjusted("vwap"), np.nan)
    return Prices(mark, np.where(np.isfinite(vwap), vwap, mark), "vwap", missing)
