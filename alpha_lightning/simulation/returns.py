"""Daily returns: market, industries, styles and own shocks, with fat tails and clustering."""

from dataclasses import dataclass, field

import numpy as np

from alpha_lightning.simulation.arrays import Flags, Floats, Numbers
from alpha_lightning.simulation.settings import MarketSettings, ReturnSettings
from alpha_lightning.simulation.stocks import STYLES, Stocks
from alpha_lightning.simulation.streams import fat_tailed, mean_size

_LARGEST = 0.30


@dataclass(frozen=True)
class Move:
    """One day's returns.

    Args:
        shock: ``(N,)`` the stock's own shock in standard deviations of the day: mean 0, variance 1.
        relative: ``(N,)`` the return less its drift and the market's part, in `volatility`.
        gap: ``(N,)`` simple return of events that became known overnight.
        volatility: ``(N,)`` standard deviation of the return without events, known the day before.
        total: ``(N,)`` simple return from adjusted close to adjusted close, before price limits.
        market: simple return of the market factor, per unit of beta.
        industries: ``(I,)`` simple returns of the industry factors.
        styles: ``(S,)`` simple returns of the style factors, per unit of exposure.
    """

    shock: Floats
    relative: Floats
    gap: Floats
    volatility: Floats
    total: Floats
    market: float = 0.0
    industries: Floats = field(default_factory=lambda: np.zeros(0))
    styles: Floats = field(default_factory=lambda: np.zeros(0))


class Volatility:
    """Clustered volatility around 1: its logarithm is AR(1), driven by the size of past shocks.

    ``h(t+1) = persistence h(t) + clustering (|z(t)| - E|z|)``, as in an EGARCH(1, 1) without
    leverage; `level` is ``exp(h - var h)``, whose mean square is about 1.

    Args:
        size: number of series.
        settings: persistence, clustering and tail of the shocks.

    Reference:
        D. B. Nelson, "Conditional Heteroskedasticity in Asset Returns", Econometrica 59 (1991).
    """

    def __init__(self, size: int, settings: ReturnSettings) -> None:
        self._settings = settings
        self._usual = mean_size(settings.tail)
        noise = settings.clustering**2 * (1 - self._usual**2)
        self._variance = noise / (1 - settings.persistence**2)
        self._log = np.zeros(size)

    @property
    def level(self) -> Floats:
        """Volatility of the coming day relative to its long-run level, ``(size,)``."""
        return np.asarray(np.exp(self._log - self._variance))

    def update(self, shock: Floats) -> None:
        """Take in the day's standardised shocks, ``(size,)``."""
        rise = self._settings.clustering * (np.abs(shock) - self._usual)
        self._log = self._settings.persistence * self._log + rise


class Returns:
    """Returns day after day: ``drift + clip(beta m + g + styles s + own + event, +-30 %)``.

    Every shock is symmetric around 0 given the past, and so is their sum after clipping: the mean
    of a return, given all that is known the day before, is its drift and nothing else. (A price
    limit then cuts drift and shock alike: the mean shrinks by the chance of meeting the limit,
    some 1 % of it, which the oracle leaves out.)
    """

    def __init__(self, settings: MarketSettings, stocks: Stocks) -> None:
        self._settings = settings.returns
        self._industries = settings.industries
        self._stocks = stocks
        self._market = Volatility(1, settings.returns)
        self._own = Volatility(len(stocks.symbols), settings.returns)

    def step(
        self,
        generator: np.random.Generator,
        events: np.random.Generator,
        industry: Numbers,
        drift: Floats,
    ) -> Move:
        """One day.

        Args:
            generator: of the day.
            events: generator of the day's events.
            industry: ``(N,)`` industry numbers.
            drift: ``(N,)`` expected simple return of the day, fixed the day before.
        """
        settings, stocks, tail = self._settings, self._stocks, self._settings.tail
        market = fat_tailed(generator, 1, tail)
        industries = generator.standard_normal(self._industries)
        styles = generator.standard_normal((STYLES, 1))
        shock = fat_tailed(generator, len(stocks.symbols), tail)

        turmoil = self._market.level
        market_volatility = settings.market_volatility * turmoil
        # Half of the market's turmoil, in logarithms, spills over to the stocks' own shocks.
        own_volatility = stocks.volatility * self._own.level * np.sqrt(turmoil)
        shared = settings.industry_volatility * industries[industry]
        shared += settings.style_volatility * (stocks.styles * styles).sum(axis=0)
        variance = (
            (stocks.beta * market_volatility) ** 2
            + settings.industry_volatility**2
            + settings.style_volatility**2 * (stocks.styles**2).sum(axis=0)
            + own_volatility**2
        )
        self._market.update(market)
        self._own.update(shock)
        event, overnight = self._draw_events(events)
        relative = shared + own_volatility * (shock + event)
        news = stocks.beta * market_volatility * market + relative
        total = drift + np.clip(news, -_LARGEST, _LARGEST)
        gap = np.where(overnight, own_volatility * event, 0.0)
        volatility = np.sqrt(variance)
        return Move(
            shock,
            relative / volatility,
            gap,
            volatility,
            total,
            market=float((market_volatility * market)[0]),
            industries=settings.industry_volatility * industries,
            styles=settings.style_volatility * styles[:, 0],
        )

    def _draw_events(self, generator: np.random.Generator) -> tuple[Floats, Flags]:
        chance, size, sign, when = generator.random((4, len(self._stocks.symbols)))
        # From half to one and a half times the mean size, up or down with equal chance.
        event = self._settings.event_size * (0.5 + size) * np.where(sign < 0.5, -1.0, 1.0)
        return np.where(chance < self._settings.events, event, 0.0), when < 0.5
