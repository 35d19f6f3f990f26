"""Cash and shares of one portfolio."""

from dataclasses import dataclass, field

import numpy as np

from alpha_lightning.backtest.ledger import Floats, Index


@dataclass
class Account:
    """What a portfolio owns.

    Args:
        cash: in the currency of the prices.
        shares: ``(N,)`` 0 or more.
        mark: ``(N,)`` last known raw price of what is held; means nothing elsewhere.
    """

    cash: float
    shares: Floats
    mark: Floats
    held: Index = field(init=False)
    """Stocks with shares, ascending."""

    def __post_init__(self) -> None:
        self.held = np.flatnonzero(self.shares)

    @classmethod
    def of_cash(cls, capital: float, stocks: int) -> "Account":
        """An account with nothing but cash."""
        return cls(capital, np.zeros(stocks), np.zeros(stocks))

    def recount(self, bought: Index | None = None) -> None:
        """Look again at what is held, after shares have changed.

        Args:
            bought: stocks that may be new among what is held; without them none is.
        """
        known = self.held if bought is None else np.union1d(self.held, bought)
        self.held = known[self.shares[known] != 0]

    @property
    def value(self) -> float:
        """Cash and holdings at their marks."""
        return self.cash + float(self.shares[self.held] @ self.mark[self.held])
