"""Random markets in which everything happens that can, in cents and whole shares."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
SYMBOLS = (
    "000002.SZ",
    "300003.SZ",
    "301006.SZ",
    "600001.SH",
    "600007.SH",
    "688004.SH",
    "830005.BJ",
    "NOVA",
)
BOARDS = {"000": 0.1, "300": 0.2, "301": 0.2, "600": 0.1, "688": 0.2, "830": 0.3, "NOV": 0.1}
EVENTS = (
    "suspensions",
    "listings",
    "delistings",
    "limits",
    "splits",
    "dividends",
    "jumps",
    "gaps in vwap",
    "no vwap",
    "special",
    "no limit columns",
    "no amount",
    "late factors",
)
# A fork of the calendar at which the rule of a board changes.
STARTS = ("2020-08-10", "2023-04-03", "2024-02-01")


@dataclass(frozen=True)
class RandomMarket:
    """Arrays ``(T, N)`` of a market; prices are raw and NaN without a trade."""

    dates: Array
    symbols: Array
    prices: dict[str, Array]
    volume: Array
    factor: Array
    traded: Array
    listed: Array
    amount: Array | None
    up: Array | None
    down: Array | None
    special: Array | None
    dividend: Array
    """Cash per share that the factor's change stands for; NaN where it stands for shares."""

    def changed_after(self, row: int, rng: np.random.Generator) -> "RandomMarket":
        """The same up to ``row``, everything else different after it."""
        other = random_market(rng, len(self.symbols), len(self.dates), frozenset(EVENTS[:7]))

        def join(own: Array, new: Array | None) -> Array:
            return own if new is None else np.concatenate([own[: row + 1], new[row + 1 :]])

        names = ("volume", "traded", "listed", "amount", "up", "down", "special")
        own = {name: getattr(self, name) for name in names}
        arrays: dict[str, Any] = {
            name: None if values is None else join(values, getattr(other, name))
            for name, values in own.items()
        }
        prices = {name: join(values, other.prices[name]) for name, values in self.prices.items()}
        growth = other.factor[row + 1 :] / other.factor[row]
        factor = np.concatenate([self.factor[: row + 1], self.factor[row] * growth])
        return replace(self, prices=prices, factor=factor, **arrays)


def cents(price: Array) -> Array:
    """Rounded to cents, one at least."""
    return np.maximum(np.floor(100 * price + 0.5), 1) / 100


def spells(rng: np.random.Generator, shape: tuple[int, int], events: frozenset[str]) -> Array:
    """Whether each stock is listed: some come later, some go before the end."""
    days, stocks = shape
    listed = np.ones(shape, dtype=np.bool_)
    for j in range(1, stocks):
        if "listings" in events and rng.random() < 0.4:
            listed[: rng.integers(1, min(days, 12)), j] = False
        if "delistings" in events and rng.random() < 0.3:
            listed[rng.integers(2, days) :, j] = False
    return listed


def changes(rng: np.random.Generator, shape: tuple[int, int], events: frozenset[str]) -> Array:
    """Factor by which a day's corporate actions multiply the shares, ``(T, N)``, kind by kind."""
    kinds = np.ones((3, *shape))
    for kind, (event, sizes) in enumerate(
        (
            ("splits", (2.0, 1.5, 0.5, 1.3)),
            ("dividends", (1.01, 1.03, 1.07)),
            ("jumps", (1.9, 2.6, 0.45)),
        )
    ):
        if event in events:
            kinds[kind] = np.where(rng.random(shape) < 0.06, rng.choice(sizes, shape), 1.0)
    kinds[:, 0] = 1.0
    kinds[1:][:, kinds[0] != 1] = 1.0
    kinds[2][kinds[1] != 1] = 1.0
    return kinds


def bars_of_day(
    rng: np.random.Generator, reference: Array, shares: Array, events: frozenset[str]
) -> dict[str, Array]:
    """Prices of one day around the last close after its corporate actions, ``(N,)`` each."""
    stocks = len(reference)
    low_limit, high_limit = cents(reference * (1 - shares)), cents(reference * (1 + shares))
    opens = cents(reference * np.exp(rng.normal(0, 0.02, stocks)))
    close = cents(opens * np.exp(rng.normal(0, 0.03, stocks)))
    if "limits" in events:
        kind = rng.integers(0, 12, stocks)
        # Locked all day, at the open or at the close; a cent off the limit is not at it.
        limit = np.where(kind % 2 == 0, high_limit, low_limit)
        limit = cents(limit + np.where(rng.random(stocks) < 0.1, 0.01, 0.0))
        opens = np.where(kind < 4, limit, opens)
        close = np.where((kind < 2) | ((kind >= 4) & (kind < 6)), limit, close)
    locked = opens == close
    highest, lowest = np.maximum(opens, close), np.minimum(opens, close)
    high = np.where(locked, highest, cents(highest * (1 + 0.01 * rng.random(stocks))))
    low = np.where(locked, lowest, cents(lowest * (1 - 0.01 * rng.random(stocks))))
    inside = [cents(low + (high - low) * rng.random(stocks)) for _ in range(2)]
    names = ("open", "high", "low", "close", "vwap", "twap")
    return dict(zip(names, (opens, high, low, close, *inside), strict=True))


def limit_columns(rng: np.random.Generator, reference: Array, shares: Array) -> tuple[Array, Array]:
    """Lower and upper limits of a day ``(N,)``, some of them missing."""
    gone = rng.random(len(reference)) < 0.05
    limits = [cents(reference * (1 + side * shares)) for side in (-1, 1)]
    low, high = (np.where(gone, np.nan, limit) for limit in limits)
    return low, high


def random_bars(
    rng: np.random.Generator, symbols: Array, traded: Array, kinds: Array, events: frozenset[str]
) -> tuple[dict[str, Array], Array, Array]:
    """Prices day after day, NaN without a trade, and the lower and upper limits."""
    days, stocks = shape = len(traded), len(symbols)
    shares = np.array([BOARDS[symbol[:3]] for symbol in symbols])
    last = cents(rng.uniform(3, 60, stocks))
    names = ("open", "high", "low", "close", "vwap", "twap")
    bars = {name: np.full(shape, np.nan) for name in names}
    low_limit, high_limit = np.full(shape, np.nan), np.full(shape, np.nan)
    for d in range(days):
        last = cents(last / kinds[0, d] / kinds[1, d])
        # Without columns the rule of the board is asked, which special treatment and time change.
        other = rng.choice([0.05, 0.1, 0.2], stocks)
        moved = rng.random(stocks) < (0.4 if "no limit columns" in events else 0.0)
        day = bars_of_day(rng, last, np.where(moved, other, shares), events)
        low_limit[d], high_limit[d] = limit_columns(rng, last, shares)
        for name, values in day.items():
            bars[name][d] = np.where(traded[d], values, np.nan)
        last = np.where(traded[d], day["close"], last)
    return bars, low_limit, high_limit


def random_market(
    rng: np.random.Generator, stocks: int, days: int, events: frozenset[str]
) -> RandomMarket:
    """A market in which the named events happen, every one to some stocks on some days."""
    shape = days, stocks
    start = np.datetime64(STARTS[rng.integers(len(STARTS))])
    dates = np.busday_offset(start, np.arange(days), roll="forward")
    symbols = np.array(sorted(rng.choice(SYMBOLS, stocks, replace=False)))
    listed = spells(rng, shape, events)
    traded = listed & ~(rng.random(shape) < (0.15 if "suspensions" in events else 0.0))
    traded[0] = listed[0]
    kinds = changes(rng, shape, events)
    bars, low_limit, high_limit = random_bars(rng, symbols, traded, kinds, events)
    gap = 0.3 if "gaps in vwap" in events else 0.02
    bars["vwap"][rng.random(shape) < gap] = np.nan
    if "no vwap" in events:
        del bars["vwap"]
    volume = np.where(traded, rng.integers(1, 400, shape) * 100.0, 0.0)
    amount = np.where(traded, np.floor(bars["close"] * volume * 0.98), 0.0)
    columns = "no limit columns" not in events
    special = np.repeat(rng.random((1, stocks)) < 0.4, days, axis=0)
    factor = np.cumprod(kinds.prod(axis=0), axis=0)
    if "late factors" in events:  # as a panel's, which stand still while a stock is away
        seen = np.maximum.accumulate(np.where(traded, np.arange(days)[:, None], 0), axis=0)
        factor = np.take_along_axis(factor, seen, axis=0)
    before = np.vstack([bars["close"][:1], bars["close"][:-1]])
    return RandomMarket(
        dates,
        symbols,
        bars,
        volume,
        factor,
        traded,
        listed,
        None if "no amount" in events else amount,
        high_limit if columns else None,
        low_limit if columns else None,
        special if "special" in events else None,
        np.where(kinds[1] != 1, cents(before * (1 - 1 / kinds[1])), np.nan),
    )
