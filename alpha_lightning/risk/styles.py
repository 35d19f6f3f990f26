"""Exposures of stocks to styles, row by row, from what was known on the row."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.factor_risk import Floats
from alpha_lightning.risk.fundamental_descriptors import YEARS
from alpha_lightning.risk.price_descriptors import TREND_WINDOW, YEAR
from alpha_lightning.risk.settings import STYLES, RiskSettings
from alpha_lightning.risk.stock_days import StockDays
from alpha_lightning.risk.style_section import StyleSection
from alpha_lightning.risk.style_sources import numbers_of, style_sources
from alpha_lightning.risk.style_windows import StyleWindows


class StyleInputs:
    """What styles are told from, and the styles.

    A row's exposures are a function of the rows from ``row - history`` to it, bit by bit, and of
    the first day of its stocks; they are quickest when rows are asked for in order.

    Args:
        days: of the panel.
        settings: which styles are wanted, and which industries are thin.

    Reference:
        Orient Securities, DFQ-2020 risk model (May 2020), for the styles and their descriptors.
        Ours: the bounds of winsorising, equal weights of descriptors, the windows of averages of
        prices, one-way sorts behind small and cheap stocks' returns, the logarithms of coverage
        and age, and years of growth.
    """

    def __init__(self, days: StockDays, settings: RiskSettings) -> None:
        sources = style_sources(days, tuple(s for s in STYLES if s in settings.styles))
        self.styles, self.dropped, self.notes = sources.styles, sources.dropped, sources.notes
        self._days, self._windows, self._thin = days, StyleWindows(days), settings.thin_industry

    @classmethod
    def of_panel(cls, panel: Panel, settings: RiskSettings) -> Self:
        """Of a panel that may lack any of the inputs: see `dropped` and `notes`."""
        return cls(StockDays(panel, numbers_of(tuple(settings.styles))), settings)

    @property
    def history(self) -> int:
        """Rows before a row that its exposures may depend on."""
        if "growth" in self.styles:
            return YEARS[0] * YEAR
        return TREND_WINDOW - 1 if "trend" in self.styles else YEAR

    def cap(self, row: int) -> Floats:
        """Weights of stocks ``(N,)``: market values, or 1 each; NaN where there is none."""
        return self._days.cap(row)

    def digest(self, row: int) -> str:
        """Hash of all that is read of a row itself, symbols of its listed stocks included."""
        return self._days.digest(row)

    def exposures(self, row: int) -> NDArray[np.float32]:
        """Exposures ``(N, S)`` in standard deviations; NaN where a stock is not covered.

        A stock is covered when it is listed, has a market value (if the panel has any) and a price
        within the last `YEAR` days. What is unknown of a covered stock is 0. The cross-section is
        that of covered stocks that traded on the day, of all covered ones if none did.
        """
        prices, cap = self._windows.price.upto(row), self._days.cap(row)
        recent = np.isfinite(prices[:, -YEAR:]).any(axis=1)
        stocks = np.flatnonzero(recent & np.isfinite(cap))
        made = np.full((len(cap), len(self.styles)), np.nan, dtype=np.float32)
        traded = np.isfinite(prices[stocks, -1])
        universe = traded if traded.any() else np.ones_like(traded)
        section = StyleSection(self._days, self._windows, row, stocks, universe, self._thin)
        for k, style in enumerate(self.styles if len(stocks) else ()):
            made[stocks, k] = section.style(style)
        return made
