"""The day's prints: the prices, sizes and sides from which every table is made."""

from dataclasses import dataclass

import numpy as np

from alpha_lightning.simulation.arrays import Floats, Numbers
from alpha_lightning.simulation.limits import Limits
from alpha_lightning.simulation.returns import Move
from alpha_lightning.simulation.session import Session

_OVERNIGHT = 0.25
_BAR_TAIL = 0.3
_BAR_SIZE = 0.35


@dataclass(frozen=True)
class Prints:
    """Prints of ``N`` stocks, ``K = B P + 2`` slots each in the order of `Session`.

    Args:
        cents: ``(N, K)`` price in whole cents.
        lots: ``(N, K)`` size in whole lots of 100 shares; 0 when the print does not happen.
        sides: ``(N, K)`` of the aggressor: 1 bought, -1 sold, 0 in the auctions.
    """

    cents: Floats
    lots: Floats
    sides: Numbers

    @property
    def amounts(self) -> Floats:
        """Money, ``(N, K)``: cents times lots of 100 are whole CNY."""
        return self.cents * self.lots


def draw_path(
    generator: np.random.Generator, move: Move, roughness: Floats, session: Session
) -> Floats:
    """Returns from the day before's close to each print, given where they end, ``(N, K)``.

    A quarter of the day's variance passes before the open. From there the path is the chord to the
    close plus a bridge, a random walk with fat-tailed bars less its own chord, which is symmetric
    around 0 and independent of all else.

    Args:
        generator: of the day.
        move: the day's returns.
        roughness: ``(N,)`` size of the bridge relative to the volatility.
        session: shares of the variance.
    """
    count, steps = len(move.total), len(session.variance)
    overnight = generator.standard_normal(count)
    bars = np.exp(_BAR_TAIL * generator.standard_normal((count, session.bars)) - _BAR_TAIL**2)
    walk = generator.standard_normal((count, steps))
    walk *= np.sqrt(session.variance)
    walk[:, :-1] *= np.repeat(bars, session.prints, axis=1)
    walk[:, -1] *= bars[:, -1]
    np.cumsum(walk, axis=1, out=walk)
    passed = np.cumsum(session.variance)
    passed[-1] = 1.0
    begin = move.gap + _OVERNIGHT * (move.total - move.gap)
    begin += np.sqrt(_OVERNIGHT * (1 - _OVERNIGHT)) * move.volatility * overnight
    size = np.sqrt(1 - _OVERNIGHT) * move.volatility * roughness
    path = np.empty((count, steps + 1))
    path[:, 0] = begin
    path[:, 1:] = begin[:, None] + (move.total - begin)[:, None] * passed
    path[:, 1:] += size[:, None] * (walk - passed * walk[:, -1:])
    return path


def round_prices(path: Floats, reference: Floats, limits: Limits) -> Floats:
    """Prices in whole cents within the day's limits, ``(N, K)``.

    Args:
        path: returns from `draw_path`.
        reference: ``(N,)`` raw price from which they are counted, CNY.
        limits: of the day.
    """
    cents = np.rint(100 * reference[:, None] * (1 + path))
    low, high = np.rint(100 * limits.down), np.rint(100 * limits.up)
    # fmax and fmin pass over the missing limits of new listings.
    return np.asarray(np.maximum(np.fmin(np.fmax(cents, low[:, None]), high[:, None]), 1.0))


def draw_lots(
    generator: np.random.Generator, shares: Floats, session: Session, spread: float
) -> Floats:
    """Sizes in whole lots, ``(N, K)``; the auctions of a stock that trades have a lot at least.

    Args:
        generator: of the day.
        shares: ``(N,)`` about what the day should bring; 0 for a stock that does not trade.
        session: usual shares of the prints.
        spread: standard deviation of a print's log-size; that of a bar's adds to it.
    """
    count = len(shares)
    bars = np.exp(_BAR_SIZE * generator.standard_normal((count, session.bars)))
    sizes = np.exp(spread * generator.standard_normal((count, len(session.volume))))
    sizes *= session.volume
    sizes[:, 1:-1] *= np.repeat(bars, session.prints, axis=1)
    sizes *= (shares / 100 / sizes.sum(axis=1))[:, None]
    lots = np.rint(sizes)
    lots[:, [0, -1]] = np.maximum(lots[:, [0, -1]], shares[:, None] > 0)
    return np.asarray(lots)


def draw_sides(generator: np.random.Generator, count: int, session: Session) -> Numbers:
    """Sides by the toss of a fair coin, whatever the prices, ``(N, K)``; 0 in the auctions."""
    sides = np.zeros((count, len(session.volume)), dtype=np.int64)
    inner = (count, len(session.volume) - 2)
    sides[:, 1:-1] = 1 - 2 * generator.integers(0, 2, inner)
    return sides
