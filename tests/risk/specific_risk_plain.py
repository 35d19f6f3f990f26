"""Specific variances by plain loops, one stock at a time, from the words of `SpecificSeries`."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def level_of(own: list[float]) -> float:
    """Mean square of the last 243 days, NaN for fewer than 21 or none that moved."""
    known = [x for x in own[-243:] if not math.isnan(x)]
    made = sum(x * x for x in known) / len(known) if len(known) >= 21 else math.nan
    return made if made > 0 else math.nan


def plain_groups(measure: list[float]) -> list[int]:
    """Places of stocks by rank, in groups of equal number, at least 20 in each and at most ten."""
    number = min(10, max(1, len(measure) // 20))
    order = sorted(range(len(measure)), key=lambda k: (measure[k], k))
    group = [0] * len(measure)
    for rank, k in enumerate(order):
        group[k] = rank * number // len(measure)
    return group


def plain_shrunk(sigma: list[float], group: list[int], cap: Floats, q: float) -> list[float]:
    """The pull towards the group's mean weighted by value, and the floor."""
    made = []
    for k, own in enumerate(sigma):
        mates = [j for j in range(len(sigma)) if group[j] == group[k] and sigma[j] == sigma[j]]
        mean = sum(cap[j] * sigma[j] for j in mates) / sum(cap[j] for j in mates)
        spread = math.sqrt(sum((sigma[j] - mean) ** 2 for j in mates) / len(mates))
        if math.isnan(own):
            made.append(mean)
        else:
            away = q * abs(own - mean)
            pull = away / (spread + away) if away > 0 else 0.0
            made.append(pull * mean + (1 - pull) * own)
    floor = 0.1 * sorted(made)[len(made) // 2] if len(made) % 2 else 0.1 * float(np.median(made))
    return [max(one, floor) for one in made]


def plain_ewma(own: list[float], half_life: float, lags: int) -> float:
    """Exponentially weighted mean square with Bartlett lags, about 0."""
    days = len(own)
    weight = [math.pow(0.5, (days - 1 - day) / half_life) for day in range(days)]
    x = [0.0 if math.isnan(u) else math.sqrt(w) * u for w, u in zip(weight, own, strict=True)]
    total = sum(one * one for one in x)
    for lag in range(1, lags + 1):
        crossed = sum(x[day] * x[day - lag] for day in range(lag, days))
        total += 2 * (1 - lag / (lags + 1)) * crossed
    known = sum(w for w, u in zip(weight, own, strict=True) if not math.isnan(u))
    return max(total, 0.0) / known


def plain_ratio(stocks: list[list[float]], horizon: int) -> float:
    """Variance of sums over the horizon over that of days, of standardised stocks together."""
    sums = days = 0.0
    for own in stocks:
        filled = [0.0 if math.isnan(u) else u for u in own]
        known = sum(not math.isnan(u) for u in own)
        level = sum(u * u for u in filled) / known
        windows = [filled[k : k + horizon] for k in range(len(own) - horizon + 1)]
        sums += sum(sum(w) ** 2 for w in windows) / level
        days += sum(sum(u * u for u in w) for w in windows) / level
    return min(4.0, max(0.25, sums / days))


def plain_group_factor(squares: list[float], alpha: float, beta: float, horizon: int) -> float:
    """Mean GARCH forecast of the group's series over the horizon, relative to the last 243 days."""
    level = sum(squares) / len(squares)
    variance = level
    for square in squares:
        variance = (1 - alpha - beta) * level + alpha * square + beta * variance
    ahead = [level + (alpha + beta) ** day * (variance - level) for day in range(horizon)]
    last = squares[-243:]
    return sum(ahead) / horizon / (sum(last) / len(last))
