"""The styles of the covered stocks on one row."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.risk import fundamental_descriptors as published
from alpha_lightning.risk import price_descriptors as priced
from alpha_lightning.risk.factor_risk import Flags, Floats
from alpha_lightning.risk.standardise import orthogonal, style_of
from alpha_lightning.risk.stock_days import StockDays
from alpha_lightning.risk.style_windows import StyleWindows
from alpha_lightning.risk.trailing_days import TrailingDays
from alpha_lightning.risk.window_fits import Window


@dataclass(frozen=True)
class StyleSection:
    """Covered stocks of a row, ``n`` of them.

    Args:
        days: of the panel.
        windows: up to the row.
        row: of the panel.
        stocks: ``(n,)`` their columns.
        universe: ``(n,)`` those that means and deviations are told from.
        thin: betas that an industry must have for a mean of its own.
    """

    days: StockDays
    windows: StyleWindows
    row: int
    stocks: NDArray[np.intp]
    universe: Flags
    thin: int

    def style(self, name: str) -> Floats:
        """Exposures ``(n,)`` to a style; 0 where unknown."""
        if name == "size":
            return self.size
        descriptors = getattr(self, f"_{name}")()
        return style_of(descriptors, self.universe, self.cap)

    @cached_property
    def cap(self) -> Floats:
        """Weights ``(n,)``."""
        return self.days.cap(self.row)[self.stocks]

    @cached_property
    def size(self) -> Floats:
        """Logarithm of market value as a style, ``(n,)``."""
        return style_of([np.log(self.cap)], self.universe, self.cap)

    def _cubic_size(self) -> list[Floats]:
        return [orthogonal(self.size**3, self.size, self.universe, self.cap)]

    def _beta(self) -> list[Floats]:
        fit = priced.market_beta(self._returns, self._market[0])
        industry = self.days.industry(self.row)[self.stocks]
        return [priced.shrunk_beta(fit, industry, self.cap, self.thin)]

    def _trend(self) -> list[Floats]:
        return list(priced.trend(_window(self._last(self.windows.price))))

    def _volatility(self) -> list[Floats]:
        market = self._market[:3].T.copy()
        # A day on which nobody can say what is small or cheap says nothing of it.
        market[:, 1:] = np.nan_to_num(market[:, 1:], nan=0.0)
        high, low = self._last(self.windows.high), self._last(self.windows.low)
        return list(priced.volatility(self._returns, high, low, market))

    def _liquidity(self) -> list[Floats]:
        turnover = _window(self._last(self.windows.turnover))
        return list(priced.liquidity(turnover, self._market[3]))

    def _value(self) -> list[Floats]:
        names = [n for n in ("book_equity", "net_profit_ttm") if n in self.days.published]
        return [self._number(name) / self.cap for name in names]

    def _growth(self) -> list[Floats]:
        lags = published.growth_lags(self.row)
        known = self.days.published
        made = []
        if {"book_equity", "net_profit_ttm"} <= set(known):
            now, before = self._equity_return(0), [self._equity_return(lag) for lag in lags]
            made.append(published.mean_change(now, before, lags))
        for name in ("sales_ttm", "net_assets"):
            if name in known:
                before = [self._number(name, lag) for lag in lags]
                made.append(published.compound_growth(self._number(name), before, lags))
        return made

    def _soe(self) -> list[Floats]:
        return [self._number("state_share")]

    def _certainty(self) -> list[Floats]:
        made = [published.log_count(self.days.age(self.row)[self.stocks])]
        if "fund_share" in self.days.published:
            made.append(self._number("fund_share"))
        if "coverage" in self.days.published and self.days.cap_field is not None:
            covered = published.log_count(self._number("coverage"))
            made.append(orthogonal(covered, self.size, self.universe, self.cap))
        return made

    @cached_property
    def _returns(self) -> Window:
        return _window(self._last(self.windows.returns))

    @cached_property
    def _market(self) -> Floats:
        return self.windows.market.upto(self.row)

    def _last(self, series: TrailingDays) -> Floats:
        # Only covered stocks, or a stock that lists tomorrow would move the last bits of products.
        return series.upto(self.row)[self.stocks]

    def _number(self, name: str, lag: int = 0) -> Floats:
        return self.days.number(name, self.row - lag)[self.stocks]

    def _equity_return(self, lag: int) -> Floats:
        return published.return_on_equity(
            self._number("net_profit_ttm", lag), self._number("book_equity", lag)
        )


def _window(values: Floats) -> Window:
    known = np.isfinite(values)
    return Window(np.where(known, values, 0.0), known.astype(np.float64))
