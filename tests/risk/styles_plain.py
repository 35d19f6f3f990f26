"""The styles a second time: one stock at a time, from the descriptors' definitions alone."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from statistics import fmean, median, pstdev, stdev
from typing import Any

import numpy as np

from tests.risk.styles_market import StyleMarket

UNKNOWN = math.nan


def known(value: float) -> bool:
    return math.isfinite(value)


@dataclass(eq=False)
class PlainStyles:
    """Exposures of single rows."""

    market: StyleMarket
    thin: int = 5
    _regressors: dict[Any, Any] = field(default_factory=dict)

    # What is told of a stock on a day.

    def listed(self, t: int, i: int) -> bool:
        return bool(self.market.flags["listed"][t, i])

    def positive(self, name: str, t: int, i: int) -> float:
        value = float(self.market.market[name][t, i])
        return value if self.listed(t, i) and known(value) and value > 0 else UNKNOWN

    @cache  # noqa: B019 - as short-lived as the twin itself
    def price(self, t: int, i: int, name: str = "close") -> float:
        if not self.market.flags["traded"][t, i]:
            return UNKNOWN
        return self.positive(name, t, i) * float(self.market.market["adj_factor"][t, i])

    def earned(self, t: int, i: int) -> float:
        return self.price(t, i) / self.price(t - 1, i) - 1 if t else UNKNOWN

    def cap(self, t: int, i: int) -> float:
        for name in ("total_cap", "float_cap"):
            if name in self.market.market:
                return self.positive(name, t, i)
        return 1.0 if self.listed(t, i) else UNKNOWN

    def float_cap(self, t: int, i: int) -> float:
        name = "float_cap" if "float_cap" in self.market.market else "total_cap"
        return self.positive(name, t, i)

    def amount(self, t: int, i: int) -> float:
        return self.positive("amount", t, i) if self.market.flags["traded"][t, i] else UNKNOWN

    def log_turnover(self, t: int, i: int) -> float:
        return math.log(self.amount(t, i) / self.float_cap(t, i))

    def number(self, name: str, t: int, i: int) -> float:
        value = float(self.market.published[name][t, i])
        return value if self.listed(t, i) and known(value) else UNKNOWN

    # What is told of the market on a day.

    @property
    def stocks(self) -> range:
        return range(self.market.shape[1])

    @cache  # noqa: B019
    def market_day(self, t: int) -> tuple[float, float, float, float]:
        both = [i for i in self.stocks if known(self.amount(t, i) / self.float_cap(t, i))]
        traded = sum(self.amount(t, i) for i in both)
        floated = sum(self.float_cap(t, i) for i in both)
        turnover = math.log(traded / floated) if both else UNKNOWN
        if t == 0:
            return UNKNOWN, 0.0, 0.0, turnover
        told = [i for i in self.stocks if known(self.earned(t, i) * self.cap(t - 1, i))]
        if not told:
            return UNKNOWN, 0.0, 0.0, turnover
        small = sorted(told, key=lambda i: self.cap(t - 1, i))
        cheapness = {
            i: self.number("book_equity", t - 1, i) / self.cap(t - 1, i)
            for i in told
            if known(self.number("book_equity", t - 1, i))
        }
        dear = sorted(cheapness, key=lambda i: cheapness[i])
        smb, hml = self.tails(small, t), self.tails(dear, t)
        return self.mean_return(told, t), -smb, hml, turnover

    def mean_return(self, group: Sequence[int], t: int) -> float:
        caps = [self.cap(t - 1, i) for i in group]
        return sum(c * self.earned(t, i) for c, i in zip(caps, group, strict=True)) / sum(caps)

    def tails(self, ordered: Sequence[int], t: int) -> float:
        tail = int(0.3 * len(ordered))
        if not tail:
            return 0.0
        return self.mean_return(ordered[-tail:], t) - self.mean_return(ordered[:tail], t)

    # Descriptors.

    def window(self, series: Callable[[int, int], float], t: int, i: int, days: int) -> list[float]:
        return [series(s, i) for s in range(max(t - days + 1, 0), t + 1)]

    def fit(
        self, y: Sequence[float], x: Sequence[Sequence[float]], weights: Sequence[float]
    ) -> tuple[float, float, float]:
        """Slope on the last regressor, the variance of the slope, that of the residual."""
        days = [k for k in range(len(y)) if known(y[k]) and all(map(known, x[k]))]
        if len(days) < 122:
            return UNKNOWN, UNKNOWN, UNKNOWN
        w = np.array([weights[k] for k in days])
        design = np.array([[1.0, *x[k]] for k in days])
        target = np.array([y[k] for k in days])
        rooted = np.sqrt(w)[:, None] * design
        solved, _, rank, _ = np.linalg.lstsq(rooted, np.sqrt(w) * target, rcond=None)
        left = target - design @ solved
        scale = float(w @ left**2) / (len(days) - rank)
        inverse = np.linalg.pinv(rooted.T @ rooted)
        return float(solved[-1]), scale * float(inverse[-1, -1]), scale

    def betas(self, t: int, covered: Sequence[int]) -> dict[int, float]:
        market = [[self.market_day(s)[0]] for s in range(max(t - 242, 0), t + 1)]
        weights = [0.5 ** ((len(market) - 1 - k) / 122) for k in range(len(market))]
        raw = {i: self.fit(self.window(self.earned, t, i, 243), market, weights) for i in covered}
        own = {i: found for i, found in raw.items() if known(found[0])}
        industry = self.market.industry
        code = {i: -1 if industry is None else int(industry[t, i]) for i in own}
        made = dict.fromkeys(covered, UNKNOWN)
        for i, (slope, error, _) in own.items():
            peers = [j for j in own if code[j] == code[i]]
            if code[i] < 0 or len(peers) < self.thin:
                peers = list(own)
            caps = [self.cap(t, j) for j in peers]
            mean = sum(c * own[j][0] for c, j in zip(caps, peers, strict=True)) / sum(caps)
            spread = pstdev([own[j][0] for j in peers]) ** 2
            trust = spread / (spread + error)
            made[i] = trust * slope + (1 - trust) * mean
        return made

    def average(self, prices: Sequence[float], half_life: float) -> float:
        above = below = 0.0
        for age, price in enumerate(reversed(prices)):
            if known(price):
                above += 0.5 ** (age / half_life) * price
                below += 0.5 ** (age / half_life)
        return above / below

    def trend(self, t: int, i: int) -> list[float]:
        prices = self.window(self.price, t, i, 486)
        count = sum(map(known, prices))
        return [
            self.average(prices, 20) / self.average(prices, slow) if count >= slow else UNKNOWN
            for slow in (120, 240)
        ]

    def volatility(self, t: int, i: int) -> list[float]:
        window = self.window(self.earned, t, i, 243)
        returns = sorted(filter(known, window))
        high = [p for s in range(max(t - 242, 0), t + 1) if known(p := self.price(s, i, "high"))]
        low = [p for s in range(max(t - 242, 0), t + 1) if known(p := self.price(s, i, "low"))]
        span = max(high) / min(low) - 1 if len(high) >= 122 else UNKNOWN
        if len(returns) < 122:
            return [UNKNOWN, UNKNOWN, span, UNKNOWN, UNKNOWN]
        factors = [self.market_day(s)[:3] for s in range(max(t - 242, 0), t + 1)]
        left = self.fit(window, factors, [1.0] * len(window))[2]
        return [stdev(returns), math.sqrt(left), span, fmean(returns[-6:]), -fmean(returns[:6])]

    def liquidity(self, t: int, i: int) -> list[float]:
        window = self.window(self.log_turnover, t, i, 243)
        told = list(filter(known, window))
        mean = fmean(told) if len(told) >= 122 else UNKNOWN
        market = [[self.market_day(s)[3]] for s in range(max(t - 242, 0), t + 1)]
        return [mean, self.fit(window, market, [1.0] * len(window))[0]]

    def value(self, t: int, i: int) -> list[float]:
        return [self.number(n, t, i) / self.cap(t, i) for n in ("book_equity", "net_profit_ttm")]

    def equity_return(self, t: int, i: int) -> float:
        book = self.number("book_equity", t, i)
        return self.number("net_profit_ttm", t, i) / book if book > 0 else UNKNOWN

    def start(self, series: Callable[[int], float], t: int) -> tuple[float, float]:
        """The earliest number that growth may be told from, and years since."""
        for lag in (min(729, t), 486, 243):
            if 243 <= lag <= min(729, t) and known(series(t - lag)):
                return series(t - lag), lag / 243
        return UNKNOWN, UNKNOWN

    def growth(self, t: int, i: int) -> list[float]:
        then, years = self.start(lambda s: self.equity_return(s, i), t)
        made = [(self.equity_return(t, i) - then) / years]
        for name in ("sales_ttm", "net_assets"):
            now = self.number(name, t, i)
            then, years = self.start(lambda s, n=name: self.number(n, s, i), t)  # type: ignore[misc]
            grows = now > 0 and then > 0
            made.append((now / then) ** (1 / years) - 1 if grows else UNKNOWN)
        return made

    def age(self, t: int, i: int) -> float:
        first = next(s for s in range(t + 1) if self.listed(s, i))
        return math.log(1 + t - first) if first else UNKNOWN

    # The cross-section.

    def covered(self, t: int) -> list[int]:
        year = range(max(t - 242, 0), t + 1)
        return [
            i
            for i in self.stocks
            if known(self.cap(t, i)) and any(known(self.price(s, i)) for s in year)
        ]

    def exposures(self, t: int) -> dict[str, dict[int, float]]:
        """By style and covered stock."""
        covered = self.covered(t)
        universe = [i for i in covered if known(self.price(t, i))] or covered
        day = PlainDay(covered, universe, {i: self.cap(t, i) for i in covered})
        each: dict[str, Callable[[int, int], list[float]]] = {
            "trend": self.trend,
            "volatility": self.volatility,
            "liquidity": self.liquidity,
            "value": self.value,
            "growth": self.growth,
            "soe": lambda s, i: [self.number("state_share", s, i)],
        }
        made = {name: day.style([told(t, i) for i in covered]) for name, told in each.items()}
        size = day.style([[math.log(day.cap[i])] for i in covered])
        betas = self.betas(t, covered)
        watched = [math.log(1 + self.number("coverage", t, i)) for i in covered]
        apart = day.beyond(watched, size)
        sure = [[self.age(t, i), self.number("fund_share", t, i), apart[i]] for i in covered]
        cubes = day.beyond([size[i] ** 3 for i in covered], size)
        return made | {
            "size": size,
            "beta": day.style([[betas[i]] for i in covered]),
            "certainty": day.style(sure),
            "cubic_size": day.style([[cubes[i]] for i in covered]),
        }


@dataclass
class PlainDay:
    """The stocks of a row, and how descriptors become a style."""

    covered: list[int]
    universe: list[int]
    cap: dict[int, float]

    def style(self, descriptors: Sequence[Sequence[float]]) -> dict[int, float]:
        """Of the descriptors of each covered stock."""
        columns = [
            dict(zip(self.covered, own, strict=True)) for own in zip(*descriptors, strict=True)
        ]
        scaled = [self.scaled(self.drawn_in(column)) for column in columns]
        mean = {}
        for i in self.covered:
            told = [column[i] for column in scaled if known(column[i])]
            mean[i] = fmean(told) if told else UNKNOWN
        whole = self.scaled(mean)
        return {i: whole[i] if known(whole[i]) else 0.0 for i in self.covered}

    def drawn_in(self, values: dict[int, float]) -> dict[int, float]:
        told = [values[i] for i in self.universe if known(values[i])]
        if not told:
            return values
        centre = median(told)
        reach = 5 * 1.4826 * median(abs(value - centre) for value in told)
        if reach == 0:
            return values
        return {
            i: min(max(value, centre - reach), centre + reach) if known(value) else UNKNOWN
            for i, value in values.items()
        }

    def scaled(self, values: dict[int, float]) -> dict[int, float]:
        told = [i for i in self.universe if known(values[i])]
        if len(told) < 2 or len(told) < 0.1 * len(self.universe):
            return dict.fromkeys(values, UNKNOWN)
        spread = pstdev([values[i] for i in told])
        if spread < 1e-11 * max(abs(values[i]) for i in told):
            return {i: 0.0 if known(value) else UNKNOWN for i, value in values.items()}
        mean = sum(self.cap[i] * values[i] for i in told) / sum(self.cap[i] for i in told)
        return {i: (value - mean) / spread for i, value in values.items()}

    def beyond(self, values: Sequence[float], size: dict[int, float]) -> dict[int, float]:
        own = dict(zip(self.covered, values, strict=True))
        told = [i for i in self.universe if known(own[i])]
        root = np.array([self.cap[i] ** 0.25 for i in told])
        design = np.array([[1.0, size[i]] for i in told])
        target = np.array([own[i] for i in told])
        constant, slope = np.linalg.lstsq(root[:, None] * design, root * target, rcond=None)[0]
        return {i: own[i] - constant - slope * size[i] for i in self.covered}
