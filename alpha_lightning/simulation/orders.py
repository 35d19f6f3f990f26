"""When each print happens, and the two orders that meet in it."""

from dataclasses import dataclass

import numpy as np

from alpha_lightning.simulation.arrays import Flags, Floats, Numbers
from alpha_lightning.simulation.prints import Prints
from alpha_lightning.simulation.session import OPENING, Session

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_BOOK_OPENS = 9 * 60 + 15
_CONTINUES = 0.3
_PATIENCE = 90.0


@dataclass(frozen=True)
class Trades:
    """The day's ``M`` prints that happened, by stock and within a stock by time.

    Args:
        stock: ``(M,)`` number of the stock.
        slot: ``(M,)`` slot of the print.
        clock: ``(M,)`` microseconds since midnight.
        buy_order: ``(M,)`` number of the buyer's order, unique in the day and growing in time; the
            later of the two orders is the aggressor's.
        sell_order: ``(M,)`` likewise.
    """

    stock: Numbers
    slot: Numbers
    clock: Numbers
    buy_order: Numbers
    sell_order: Numbers


def draw_trades(generator: np.random.Generator, prints: Prints, session: Session) -> Trades:
    """Give times and orders to the day's prints; prices, sizes and sides stay as they are.

    An aggressor that meets several orders prints several times in a row.

    Args:
        generator: of the day.
        prints: of the day.
        session: when bars begin and end.
    """
    clock = _draw_clock(generator, len(prints.lots), session)
    stock, slot = np.nonzero(prints.lots > 0)
    clock, side = clock[stock, slot], prints.sides[stock, slot]
    same = np.zeros(len(stock), dtype=np.bool_)
    same[1:] = (stock[1:] == stock[:-1]) & (side[1:] == side[:-1]) & (side[1:] != 0)
    new = ~(same & (generator.random(len(stock)) < _CONTINUES))
    aggressor, patient = _draw_orders(generator, clock, new)
    sold = side < 0
    return Trades(
        stock,
        slot,
        clock,
        np.where(sold, patient, aggressor),
        np.where(sold, aggressor, patient),
    )


def _draw_clock(generator: np.random.Generator, stocks: int, session: Session) -> Numbers:
    """Microseconds of all slots, ``(N, K)``: one print in each equal part of a bar."""
    shape = (stocks, session.bars, session.prints)
    part = session.bar_minutes * _MINUTE / session.prints
    # Whole hundredths of a second, never on the border of a bar.
    hundredth = _SECOND // 100
    moment = np.floor(part * generator.random(shape) / hundredth) * hundredth + hundredth // 2
    begin = session.starts[:, None] * _MINUTE + np.arange(session.prints) * part
    clock = np.empty((stocks, session.bars * session.prints + 2), dtype=np.int64)
    clock[:, 0] = OPENING * _MINUTE
    clock[:, 1:-1] = (begin + np.minimum(moment, part - 1)).reshape(stocks, -1)
    clock[:, -1] = (session.starts[-1] + session.bar_minutes) * _MINUTE
    return clock


def _draw_orders(
    generator: np.random.Generator, clock: Numbers, new: Flags
) -> tuple[Numbers, Numbers]:
    """Numbers of the aggressor's and of the other order of each print, by time of arrival."""
    latest = np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))
    arrival = clock[latest].astype(np.float64)
    wait = _SECOND * generator.exponential(_PATIENCE, len(clock))
    opens = _BOOK_OPENS * _MINUTE + _MINUTE * generator.random(len(clock))
    other = np.maximum(arrival - np.maximum(wait, 1.0), opens)
    everything: Floats = np.concatenate([arrival[new], other])
    number = np.empty(len(everything), dtype=np.int64)
    # The stable order lets an order of the same moment that is listed first come first.
    number[np.argsort(everything, kind="stable")] = np.arange(1, len(everything) + 1)
    of_aggressor = number[: int(new.sum())][np.cumsum(new) - 1]
    return of_aggressor, number[int(new.sum()) :]
