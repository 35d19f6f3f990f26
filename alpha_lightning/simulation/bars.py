"""Minute and daily bars: exact aggregates of the day's prints."""

from dataclasses import dataclass

import numpy as np

from alpha_lightning.simulation.arrays import Flags, Floats
from alpha_lightning.simulation.prints import Prints
from alpha_lightning.simulation.session import Session


@dataclass(frozen=True)
class Bars:
    """Daily bars in raw prices.

    Args:
        open: ``(N,)`` CNY, two decimals; likewise high, low, close. NaN before the listing.
        high: of the day.
        low: of the day.
        close: of the day; the last one while suspended.
        volume: ``(N,)`` shares, whole lots of 100; 0 while suspended.
        amount: ``(N,)`` money traded, whole CNY.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    amount: Floats


@dataclass(frozen=True)
class MinuteBars:
    """Bars of continuous trading, the closing auction inside the last one.

    A bar without a print has no volume, and the price before it four times.

    Args:
        open: ``(N, B)`` whole cents; likewise high, low, close.
        high: of the bar.
        low: of the bar.
        close: of the bar.
        lots: ``(N, B)`` lots of 100 shares.
        amount: ``(N, B)`` whole CNY.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    lots: Floats
    amount: Floats


def daily_bars(prints: Prints, last_close: Floats) -> Bars:
    """Daily bars: from the opening auction's price to the closing auction's.

    Args:
        prints: of the day.
        last_close: ``(N,)`` price of a stock without prints, CNY.
    """
    happened, cents = prints.lots > 0, prints.cents
    high = np.where(happened, cents, -np.inf).max(axis=1)
    low = np.where(happened, cents, np.inf).min(axis=1)
    volume = 100 * prints.lots.sum(axis=1)
    first, high, low, last = (
        np.where(volume > 0, price / 100, last_close)
        for price in (cents[:, 0], high, low, cents[:, -1])
    )
    return Bars(first, high, low, last, volume, prints.amounts.sum(axis=1))


def minute_bars(prints: Prints, session: Session) -> MinuteBars:
    """Bars of the prints after the opening auction's, which is a bar of its own to the vendor."""
    shape = (-1, session.bars, session.prints)
    cents, lots, amounts = (
        values[:, 1:-1].reshape(shape) for values in (prints.cents, prints.lots, prints.amounts)
    )
    happened = lots > 0
    first, last = happened.argmax(axis=2), happened[:, :, ::-1].argmax(axis=2)
    opens = np.take_along_axis(cents, first[:, :, None], axis=2)[:, :, 0]
    closes = np.take_along_axis(cents[:, :, ::-1], last[:, :, None], axis=2)[:, :, 0]
    high = np.where(happened, cents, -np.inf).max(axis=2)
    low = np.where(happened, cents, np.inf).min(axis=2)
    lots, amounts = lots.sum(axis=2), amounts.sum(axis=2)

    closing = prints.cents[:, -1]
    opens[:, -1] = np.where(lots[:, -1] > 0, opens[:, -1], closing)
    high[:, -1], low[:, -1] = np.maximum(high[:, -1], closing), np.minimum(low[:, -1], closing)
    closes[:, -1] = closing
    lots[:, -1] += prints.lots[:, -1]
    amounts[:, -1] += prints.amounts[:, -1]

    empty, before = lots == 0, _before(closes, lots > 0, prints.cents[:, 0])
    opens, high, low, closes = (
        np.where(empty, before, price) for price in (opens, high, low, closes)
    )
    return MinuteBars(opens, high, low, closes, lots, amounts)


def _before(closes: Floats, happened: Flags, opening: Floats) -> Floats:
    """Last price before each bar, ``(N, B)``."""
    prices = np.concatenate([opening[:, None], closes], axis=1)
    bar = np.arange(1, closes.shape[1]) * happened[:, :-1]
    latest = np.zeros(closes.shape, dtype=np.intp)
    np.maximum.accumulate(bar, axis=1, out=latest[:, 1:])
    return np.take_along_axis(prices, latest, axis=1)
