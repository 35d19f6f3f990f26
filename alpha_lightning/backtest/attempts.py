"""Trades that were tried on a day, and what they came to."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.backtest.ledger import Floats, Index
from alpha_lightning.backtest.trade_costs import Charges


class Attempts(NamedTuple):
    """Trades that were tried, ``(n,)`` each: as in `Trades`."""

    column: Index
    wanted: Floats
    shares: Floats
    price: Floats
    charges: Charges
    reason: NDArray[np.int8]

    @property
    def flow(self) -> float:
        """Money that changed hands."""
        done = self.shares != 0  # a blocked trade may have no price
        return float(np.abs(self.shares[done]) @ self.price[done])


@dataclass(frozen=True)
class Traded:
    """What a trade did to the account.

    Args:
        attempts: in their order.
        gain: of the old holdings from their marks to the trade prices.
        cost: of all trades.
        turnover: half of what was bought and sold over the value before.
        short: stocks that were wanted, not bought at all, and not replaced.
    """

    attempts: tuple[Attempts, ...]
    gain: float
    cost: float
    turnover: float
    short: int
