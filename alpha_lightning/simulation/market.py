"""The simulated market, one day after another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from alpha_lightning.simulation.arrays import Flags, Floats, Numbers
from alpha_lightning.simulation.bars import Bars, MinuteBars, daily_bars, minute_bars
from alpha_lightning.simulation.corporate_actions import CorporateActions
from alpha_lightning.simulation.limits import Limits, SpecialTreatment, limits_of
from alpha_lightning.simulation.listings import NOTICE, Industries, Listings, Status
from alpha_lightning.simulation.news import daily_news, intraday_news, trade_news
from alpha_lightning.simulation.prints import (
    Prints,
    draw_lots,
    draw_path,
    draw_sides,
    round_prices,
)
from alpha_lightning.simulation.returns import Move, Returns
from alpha_lightning.simulation.session import Session
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.signals import Signals
from alpha_lightning.simulation.stocks import draw_stocks
from alpha_lightning.simulation.streams import Purpose, stream
from alpha_lightning.simulation.trading_days import trading_days
from alpha_lightning.simulation.volume import Volumes

_ONCE = (Purpose.STOCKS, Purpose.BOARDS, Purpose.FUNDAMENTALS)


@dataclass(frozen=True)
class MarketDay:
    """All that is known of a market at the close of a day, and what may be expected then.

    Args:
        number: of the day, from 0.
        date: the trading day.
        status: who is listed and who traded.
        special: ``(N,)`` who is under special treatment (ST).
        limits: of the prices.
        prints: of the day.
        minutes: bars of the prints.
        bars: raw prices and volumes of the day.
        adj_factor: ``(N,)`` raw price times this is the adjusted price.
        total_cap: ``(N,)`` CNY.
        float_cap: ``(N,)`` CNY.
        industry: ``(N,)`` industry numbers.
        expected: ``(N,)`` expected returns by column of the oracle.
    """

    number: int
    date: np.datetime64
    status: Status
    special: Flags
    limits: Limits
    prints: Prints
    minutes: MinuteBars
    bars: Bars
    adj_factor: Floats
    total_cap: Floats
    float_cap: Floats
    industry: Numbers
    expected: Mapping[str, Floats]


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
        self.calendar = trading_days(settings.start, settings.days + NOTICE)
        self.dates = self.calendar[: settings.days]
        self.stocks = draw_stocks(settings, seed, self.calendar)
        self.session = Session(settings.intraday.bar_minutes, settings.intraday.prints)

    def __len__(self) -> int:
        return len(self.dates)

    def __iter__(self) -> Iterator[MarketDay]:
        """Simulate from the first day; every iteration gives the same days."""
        exchange = _Exchange(self)
        for day, date in enumerate(self.dates):
            yield exchange.step(day, date)


class _Exchange:
    """The state of a market from one close to the next."""

    def __init__(self, market: Market) -> None:
        settings, stocks = market.settings, market.stocks
        self._market = market
        self._listings = Listings(settings, stocks, market.calendar)
        self._industries = Industries(settings)
        self._special = SpecialTreatment(settings.limits, stocks.growth)
        self._returns, self._volumes = Returns(settings, stocks), Volumes(settings, stocks)
        self._signals, self._actions = Signals(settings, stocks), CorporateActions(settings)
        self._adjusted = stocks.price
        self._close = np.full(settings.stocks, np.nan)

    def step(self, day: int, date: np.datetime64) -> MarketDay:
        market, stocks = self._market, self._market.stocks
        draws = {p: stream(market.seed, p, day) for p in Purpose if p not in _ONCE}
        status = self._listings.step(draws[Purpose.LISTINGS], day)
        industry = self._industries.step(draws[Purpose.INDUSTRIES])
        special, share = self._special.step(draws[Purpose.SPECIAL])
        move = self._returns.step(
            draws[Purpose.RETURNS], draws[Purpose.EVENTS], industry, self._signals.drift
        )
        turnover, surprise = self._volumes.step(draws[Purpose.VOLUME], move.shock)
        limits = self._go_ex(draws[Purpose.ACTIONS], day, status.traded, share)
        shares = stocks.shares * self._actions.split
        floating = shares * stocks.float_share
        volume = np.where(status.traded, turnover * floating, 0.0)
        prints = self._trade(draws, (move, surprise, volume), limits)
        bars = daily_bars(prints, self._close)
        minutes = minute_bars(prints, market.session)
        news = (
            daily_news(move, surprise, bars),
            intraday_news(minutes, prints.cents[:, 0], market.session),
            trade_news(prints),
        )
        self._signals.update(np.concatenate(news), status.traded)
        self._close = bars.close
        return MarketDay(
            number=day,
            date=date,
            status=status,
            special=special,
            limits=limits,
            prints=prints,
            minutes=minutes,
            bars=bars,
            adj_factor=self._actions.factor,
            total_cap=bars.close * shares,
            float_cap=bars.close * floating,
            industry=industry,
            expected=self._signals.expected,
        )

    def _go_ex(
        self, generator: np.random.Generator, day: int, traded: Flags, share: Floats
    ) -> Limits:
        """Split and pay what falls on the day, and set limits around the close after that."""
        stocks, before = self._market.stocks, self._actions.factor
        date = self._market.dates[day]
        self._actions.step(generator, date, traded & (self._close > 0), self._close)
        # Stocks listed before the first day have a close of the day before it.
        unseen = np.isnan(self._close) & (stocks.list_day == 0)
        last = np.where(unseen, np.round(stocks.price, 2), self._close)
        age = np.where(stocks.list_day == 0, np.inf, day - stocks.list_day)
        free = np.isnan(last) | (age < self._market.settings.limits.free_days)
        return limits_of(last * before / self._actions.factor, share, free)

    def _trade(
        self,
        draws: Mapping[Purpose, np.random.Generator],
        plan: tuple[Move, Floats, Floats],
        limits: Limits,
    ) -> Prints:
        """Print the day's trades; the price behind the closing one is where tomorrow begins."""
        settings, session = self._market.settings.intraday, self._market.session
        move, surprise, volume = plan
        # The more is traded, the wider the range.
        roughness = np.exp(0.2 * surprise - 0.04)
        path = draw_path(draws[Purpose.BARS], move, roughness, session)
        reference = self._adjusted / self._actions.factor
        lots = draw_lots(draws[Purpose.SIZES], volume, session, settings.size_spread)
        sides = draw_sides(draws[Purpose.SIDES], len(volume), session)
        close = reference * (1 + move.total)
        held = np.fmin(np.fmax(close, limits.down), limits.up)
        self._adjusted = np.where(volume > 0, held, close) * self._actions.factor
        return Prints(round_prices(path, reference, limits), lots, sides)
