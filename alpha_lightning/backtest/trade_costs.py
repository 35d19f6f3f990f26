"""What trades cost: fees, stamp duty, market impact."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alpha_lightning.backtest.ledger import Floats, Index
from alpha_lightning.backtest.settings import CostSettings
from alpha_lightning.panel.periods import parse_date

if TYPE_CHECKING:
    from alpha_lightning.backtest.market import Market


class Charges(NamedTuple):
    """Costs of some trades, ``(n,)`` each, in the currency of the prices."""

    fee: Floats
    duty: Floats
    impact: Floats

    @property
    def each(self) -> Floats:
        """Of every trade, ``(n,)``."""
        return np.asarray(self.fee + self.duty + self.impact)

    @property
    def total(self) -> float:
        """Of all trades."""
        return float(self.fee.sum() + self.duty.sum() + self.impact.sum())


class TradeCosts:
    """Cost settings on a market.

    Args:
        settings: rates.
        market: whose volatility and usual amounts scale the impact.

    Raises:
        UserError: a date of the stamp duty cannot be read.
    """

    def __init__(self, settings: CostSettings, market: "Market") -> None:
        self.settings = settings
        self._market = market
        duty = settings.stamp_duty
        known = sorted((parse_date(date, "costs.stamp_duty"), rate) for date, rate in duty.items())
        self._duties = known

    def of_purchases(self, row: int, columns: Index, value: Floats) -> Charges:
        """Costs of purchases.

        Args:
            row: of the panel.
            columns: ``(n,)`` stocks.
            value: ``(n,)`` money; 0 costs nothing.
        """
        return Charges(
            self._fee(value, self.settings.buy),
            np.zeros(len(value)),
            self.impact(row, columns, value),
        )

    def of_sales(self, row: int, columns: Index, value: Floats) -> Charges:
        """Costs of sales, as those of purchases; stamp duty is theirs alone."""
        date = self._market.dates[row]
        rate = next((rate for since, rate in reversed(self._duties) if since <= date), 0.0)
        return Charges(
            self._fee(value, self.settings.sell), rate * value, self.impact(row, columns, value)
        )

    def impact(self, row: int, columns: Index, value: Floats) -> Floats:
        """Coefficient x daily volatility x sqrt(value / usual daily amount) x value, ``(n,)``.

        Reference:
            Almgren, Thum, Hauptmann and Li (2005), Direct estimation of equity market impact;
            the square root of Tóth et al. (2011).
        """
        if not self.settings.impact or not len(value):
            return np.zeros(len(value))
        volatility = self._market.volatility(row, columns)
        amount = self._market.usual_amount(row, columns)
        known = amount > 0
        share = np.where(known, value / np.where(known, amount, 1.0), 0.0)
        return np.asarray(self.settings.impact * volatility * np.sqrt(share) * value)

    def _fee(self, value: Floats, rate: float) -> Floats:
        fee = rate * value
        if self.settings.minimum:
            fee = np.where(value > 0, np.maximum(fee, self.settings.minimum), 0.0)
        return fee
