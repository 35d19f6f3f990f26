"""The simulated market, one day after another."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from alpha_lightning.simulation.arrays import Floats, Numbers
from alpha_lightning.simulation.bars import Shape, Volumes, draw_shape
from alpha_lightning.simulation.corporate_actions import CorporateActions
from alpha_lightning.simulation.listings import NOTICE, Industries, Listings, Status
from alpha_lightning.simulation.returns import Returns
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.signals import Signals, daily_news
from alpha_lightning.simulation.stocks import draw_stocks
from alpha_lightning.simulation.streams import Purpose, stream
from alpha_lightning.simulation.trading_days import trading_days

_LOT = 100


@dataclass(frozen=True)
class Bars:
    """Daily bars in raw prices.

    Args:
        open: ``(N,)`` CNY, two decimals; likewise high, low, close. NaN before the listing.
        high: of the day.
        low: of the day.
        close: of the day; the last one while suspended.
        vwap: amount over volume, CNY.
        volume: ``(N,)`` shares, whole lots of 100; 0 while suspended.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    vwap: Floats
    volume: Floats

    @property
    def amount(self) -> Floats:
        """Money traded, CNY, two decimals."""
        return np.round(self.vwap * self.volume, 2)


@dataclass(frozen=True)
class MarketDay:
    """All that is known of a market at the close of a day, and what may be expected then.

    Args:
        date: the trading day.
        status: who is listed and who traded.
        bars: raw prices and volumes.
        adj_factor: ``(N,)`` raw price times this is the adjusted price.
        total_cap: ``(N,)`` CNY.
        float_cap: ``(N,)`` CNY.
        industry: ``(N,)`` industry numbers.
        expected: ``(N,)`` expected return from tomorrow's close to the close ten days later.
    """

    date: np.datetime64
    status: Status
    bars: Bars
    adj_factor: Floats
    total_cap: Floats
    float_cap: Floats
    industry: Numbers
    expected: Floats


class Market:
    """A seeded market; iterating over it simulates it.

    Args:
        settings: sizes and character.
        seed: 0 or more.

    Example:
        >>> market = Market(MarketSettings(stocks=20, days=60), seed=0)
        >>> first = next(iter(market))
        >>> str(first.date), first.bars.close.shape
        ('2018-01-02', (20,))
    """

    def __init__(self, settings: MarketSettings, seed: int) -> None:
        self.settings = settings
        self.seed = seed
        calendar = trading_days(settings.start, settings.days + NOTICE)
        self.dates = calendar[: settings.days]
        self.stocks = draw_stocks(settings, seed, calendar)
        self._calendar = calendar

    def __len__(self) -> int:
        return len(self.dates)

    def __iter__(self) -> Iterator[MarketDay]:
        """Simulate from the first day; every iteration gives the same days."""
        settings, stocks = self.settings, self.stocks
        listings = Listings(settings, stocks, self._calendar)
        industries = Industries(settings)
        returns, signals = Returns(settings, stocks), Signals(settings, stocks)
        volumes, actions = Volumes(settings, stocks), CorporateActions(settings)
        adjusted, close = stocks.price, np.full(settings.stocks, np.nan)
        for day, date in enumerate(self.dates):
            draws = {p: stream(self.seed, p, day) for p in Purpose if p != Purpose.STOCKS}
            status = listings.step(draws[Purpose.LISTINGS], day)
            industry = industries.step(draws[Purpose.INDUSTRIES])
            move = returns.step(draws[Purpose.RETURNS], industry, signals.drift)
            shape = draw_shape(draws[Purpose.BARS], move)
            turnover, surprise = volumes.step(draws[Purpose.VOLUME], move.shock)
            signals.update(daily_news(move.shock, surprise, shape), status.traded)
            actions.step(draws[Purpose.ACTIONS], date, status.traded & (close > 0), close)

            shares = stocks.shares * actions.split
            floating = shares * stocks.float_share
            bars = _bars(shape, adjusted / actions.factor, turnover * floating, close, status)
            adjusted, close = adjusted * shape.close, bars.close
            yield MarketDay(
                date=date,
                status=status,
                bars=bars,
                adj_factor=actions.factor,
                total_cap=close * shares,
                float_cap=close * floating,
                industry=industry,
                expected=signals.expected,
            )


def _bars(
    shape: Shape, reference: Floats, volume: Floats, last_close: Floats, status: Status
) -> Bars:
    traded = status.traded
    prices = [
        np.where(traded, np.maximum(np.round(reference * relative, 2), 0.01), last_close)
        for relative in (shape.open, shape.high, shape.low, shape.close)
    ]
    opening, high, low, close = prices
    # Rounded to the cent, a narrow bar may leave its unrounded VWAP outside.
    vwap = np.where(traded, np.clip(reference * shape.vwap, low, high), last_close)
    lots = np.maximum(np.round(volume / _LOT), 1)
    return Bars(opening, high, low, close, vwap, np.where(traded, lots * _LOT, 0.0))
