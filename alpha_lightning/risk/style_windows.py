"""The windows that styles are told from."""

from collections.abc import Callable

from alpha_lightning.risk.factor_risk import Floats
from alpha_lightning.risk.market_series import SERIES, market_day
from alpha_lightning.risk.price_descriptors import TREND_WINDOW, YEAR
from alpha_lightning.risk.stock_days import StockDays
from alpha_lightning.risk.trailing_days import TrailingDays


class StyleWindows:
    """Last days of prices, returns, turnover and of the market, filled as they are asked for.

    Args:
        days: of the panel.

    Attributes:
        price: `TREND_WINDOW` days of adjusted closes; all others are `YEAR` days.
        returns: from close to close.
        high: adjusted; so is ``low``.
        turnover: its logarithm.
        market: by `SERIES`.
    """

    def __init__(self, days: StockDays) -> None:
        def window(day: Callable[[int], Floats], length: int = YEAR) -> TrailingDays:
            return TrailingDays(length, len(days.symbols), day)

        self.price = window(days.price, TREND_WINDOW)
        self.returns = window(days.simple_return)
        self.high = window(lambda row: days.price(row, "high"))
        self.low = window(lambda row: days.price(row, "low"))
        self.turnover = window(days.log_turnover)
        self.market = TrailingDays(YEAR, len(SERIES), lambda row: market_day(days, row))
