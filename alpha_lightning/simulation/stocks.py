"""What stays fixed about each stock: its name, exposures, habits and first listing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.simulation.arrays import Dates, Flags, Floats, Numbers
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.streams import Purpose, stream

STYLES = 2


@dataclass(frozen=True)
class Stocks:
    """Fixed properties of ``N`` stocks.

    Args:
        symbols: ``(N,)`` names, ascending.
        beta: ``(N,)`` exposure to the market factor.
        styles: ``(S, N)`` exposures to the style factors; the first is size.
        volatility: ``(N,)`` daily standard deviation of the stock's own shock.
        turnover: ``(N,)`` usual share of the float that changes hands in a day.
        price: ``(N,)`` adjusted price before the first day, CNY.
        shares: ``(N,)`` shares outstanding before the first day.
        float_share: ``(N,)`` share of them that floats.
        list_day: ``(N,)`` day number of the listing, 0 for stocks listed before the first day.
        list_date: ``(N,)`` date of the listing; NaT when it lies beyond the calendar.
        growth: ``(N,)`` whether the growth board lists it, rather than the main board.
    """

    symbols: NDArray[np.str_]
    beta: Floats
    styles: Floats
    volatility: Floats
    turnover: Floats
    price: Floats
    shares: Floats
    float_share: Floats
    list_day: Numbers
    list_date: Dates
    growth: Flags


def draw_stocks(settings: MarketSettings, seed: int, dates: Dates) -> Stocks:
    """Draw the stocks of a market.

    Args:
        settings: the market.
        seed: of the market.
        dates: trading days from the first one on, at least ``days`` of them.
    """
    count, returns = settings.stocks, settings.returns
    generator = stream(seed, Purpose.STOCKS)
    size, other, price, turnover, volatility, beta = generator.standard_normal((6, count))
    price = 20.0 * np.exp(0.6 * price)
    turnover = settings.volume.turnover * np.exp(settings.volume.turnover_spread * turnover)
    list_day, list_date = _draw_listings(settings, generator, dates)
    return Stocks(
        symbols=np.array([f"S{k:05d}" for k in range(1, count + 1)]),
        beta=1.0 + 0.25 * beta,
        styles=np.stack([size, other]),
        volatility=returns.stock_volatility * np.exp(returns.volatility_spread * volatility),
        turnover=turnover,
        price=price,
        shares=np.round(8e9 * np.exp(size) / price, -4),
        float_share=generator.uniform(0.4, 1.0, count),
        list_day=list_day,
        list_date=list_date,
        growth=stream(seed, Purpose.BOARDS).random(count) < settings.limits.growth_share,
    )


def _draw_listings(
    settings: MarketSettings, generator: np.random.Generator, dates: Dates
) -> tuple[Numbers, Dates]:
    count, listings = settings.stocks, settings.listings
    age = generator.integers(90, 6000, count).astype("timedelta64[D]")
    initial = generator.random(count) < listings.initial_share
    wait = generator.geometric(1 / listings.listing_wait, count)
    list_day = np.where(initial, 0, wait)
    known = dates[np.minimum(list_day, len(dates) - 1)]
    list_date = np.where(list_day < len(dates), known, np.datetime64("NaT", "D"))
    return list_day, np.where(initial, dates[0] - age, list_date)
