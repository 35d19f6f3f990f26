"""The day's bar: open, high, low and VWAP around a given return, and the volume."""

from dataclasses import dataclass

import numpy as np

from alpha_lightning.simulation.arrays import Floats
from alpha_lightning.simulation.returns import Move
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.stocks import Stocks
from alpha_lightning.simulation.streams import mean_size

_OVERNIGHT = 0.25
_LARGEST_TURNOVER = 0.5


@dataclass(frozen=True)
class Shape:
    """A bar relative to the adjusted close of the day before.

    Args:
        open: ``(N,)`` and likewise high, low, close, vwap: price over the previous close.
        high: at least open and close.
        low: at most open and close.
        close: one plus the day's return.
        vwap: between low and high.
        vwap_place: ``(N,)`` uniform on (-1, 1): where the VWAP lies between low (-1), the middle
            of open and close (0), and high (1).
        narrowness: ``(N,)`` sum of two uniforms on (0, 1): high when the range is narrow.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    vwap: Floats
    vwap_place: Floats
    narrowness: Floats


def draw_shape(generator: np.random.Generator, move: Move) -> Shape:
    """Draw a path's open and extremes, given where it ends.

    A quarter of the day's variance passes before the open, which is drawn given the close; high
    and low are the extremes of two Brownian bridges from open to close.

    Reference:
        A. N. Borodin and P. Salminen, "Handbook of Brownian Motion", 2nd ed. (2002): the maximum
        of a bridge from a to b with variance v exceeds m with probability
        ``exp(-2 (m - a) (m - b) / v)``.
    """
    count = len(move.total)
    noise = generator.standard_normal(count)
    above, below, place = generator.random((3, count))
    end = np.log1p(move.total)
    begin = _OVERNIGHT * end
    begin += np.sqrt(_OVERNIGHT * (1 - _OVERNIGHT)) * move.volatility * noise
    variance = (1 - _OVERNIGHT) * move.volatility**2
    # A uniform draw is below 1 but may be 0, whose logarithm is not a number of a bar.
    high = (begin + end + np.sqrt((end - begin) ** 2 - 2 * variance * np.log1p(-above))) / 2
    low = (begin + end - np.sqrt((end - begin) ** 2 - 2 * variance * np.log1p(-below))) / 2
    opening, top, bottom, close = np.exp([begin, high, low, end])
    middle, place = (opening + close) / 2, 2 * place - 1
    vwap = middle + np.where(place > 0, place * (top - middle), place * (middle - bottom))
    narrowness = 2 - above - below
    return Shape(opening, top, bottom, close, vwap, place, narrowness)


class Volumes:
    """Turnover day after day: a stock's usual one times ``exp(u)``, where ``u`` is AR(1).

    Args:
        settings: the market.
        stocks: their usual turnover.
    """

    def __init__(self, settings: MarketSettings, stocks: Stocks) -> None:
        self._settings = settings.volume
        self._usual = stocks.turnover
        self._move_mean = mean_size(settings.returns.tail)
        self._unusual = np.zeros(len(stocks.symbols))

    def step(self, generator: np.random.Generator, shock: Floats) -> tuple[Floats, Floats]:
        """One day.

        Args:
            generator: of the day.
            shock: ``(N,)`` the stocks' own standardised shocks.

        Returns:
            Turnover as a share of the float ``(N,)``, at most a half, and its standardised news
            ``(N,)``, of mean 0 and variance 1.
        """
        settings = self._settings
        move = (np.abs(shock) - self._move_mean) / np.sqrt(1 - self._move_mean**2)
        noise = generator.standard_normal(len(shock))
        surprise = settings.move_share * move + np.sqrt(1 - settings.move_share**2) * noise
        self._unusual = settings.persistence * self._unusual + settings.surprise * surprise
        turnover = self._usual * np.exp(self._unusual)
        return np.minimum(turnover, _LARGEST_TURNOVER), surprise
