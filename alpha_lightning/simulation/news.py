"""What a day's tables foretell: each signal's news, odd in noise that is symmetric around 0."""

import numpy as np

from alpha_lightning.simulation.arrays import Floats, Numbers
from alpha_lightning.simulation.bars import Bars, MinuteBars
from alpha_lightning.simulation.prints import Prints
from alpha_lightning.simulation.returns import Move
from alpha_lightning.simulation.session import Session

_LARGE = 0.05
_LARGEST_SHOCK = 4.0
_NOTHING = 1e-9


def daily_news(move: Move, surprise: Floats, bars: Bars) -> Floats:
    """News visible in daily bars, ``(3, N)``: reversal, volume, location.

    Args:
        move: the day's returns, of which the stock's own standardised shock counts.
        surprise: ``(N,)`` standardised news in log-turnover.
        bars: of the day.

    Each has mean 0 given the past and variance about 1 at the default settings.
    """
    shock = np.clip(move.shock + move.event, -_LARGEST_SHOCK, _LARGEST_SHOCK)
    # 2.2 gives the product with the shock variance 1, 4.9 the place of the VWAP.
    thin = 2.2 / (1 + np.exp(1.5 * surprise))
    vwap = _ratio(bars.amount, bars.volume)
    place = _ratio(vwap - (bars.open + bars.close) / 2, bars.high - bars.low)
    return np.stack([-shock * thin, -surprise, -4.9 * place])


def intraday_news(bars: MinuteBars, opening: Floats, session: Session) -> Floats:
    """News visible in minute bars, ``(2, N)``: ends, spread.

    Ends is minus the correlation, over bars, of standardised returns with the first and the last
    hour, given the day's return. Spread is minus the correlation of the square roots of the bars'
    volumes, relative to their usual ones, with the same two hours, given the day's volume and VWAP.
    Times the square root of the number of free bars, each has mean 0 and variance 1 when bars are
    exchangeable.

    Daily bars show nothing of spread. Of ends they show a little where the path is straight, since
    a narrow range tells that no hour ran against the day: correlations stay below 0.06, but a model
    of whole bars reaches 0.27, 7 % of the variance.

    Args:
        bars: of the day.
        opening: ``(N,)`` price of the opening auction, whole cents.
        session: usual variances and volumes of the bars.
    """
    prices = np.concatenate([opening[:, None], bars.close], axis=1)
    scale = np.sqrt(session.bar_variance)
    # The sum of z times scale is the day's return: the part along scale is what a daily bar shows.
    ends = _correlation(np.diff(prices, axis=1) / scale, session.ends * scale, [scale])

    # The last bar holds the closing auction as well, so that it is not like the others.
    usual, lots, close = session.bar_volume[:-1], bars.lots[:, :-1], bars.close[:, :-1]
    middle = (close * usual).sum(axis=1, keepdims=True) / usual.sum()
    # Volume along this path moves the VWAP, which daily bars show.
    path = usual * (close - middle)
    given = [np.ones_like(usual), path]
    spread = _correlation(np.sqrt(lots / usual), session.ends[:-1], given)
    return -np.stack([ends, spread])


def trade_news(prints: Prints) -> Floats:
    """News visible in signed trades only, ``(2, N)``: imbalance, large.

    Imbalance is bought less sold amount, large the same with the rest of the day's prints counted
    against the largest 5 %, so that the two are uncorrelated. Both are divided by their standard
    deviation under fair coins: given all amounts, mean 0 and variance 1 exactly.

    Args:
        prints: of the day; the auctions have no side.
    """
    amounts, sides = prints.amounts[:, 1:-1], prints.sides[:, 1:-1]
    count = (amounts > 0).sum(axis=1, keepdims=True)
    order = np.argsort(-amounts, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(amounts.shape[1])[None], axis=1)
    large = ranks < np.ceil(_LARGE * count)
    square = amounts**2
    of_large = np.where(large, square, 0.0).sum(axis=1, keepdims=True)
    total = square.sum(axis=1, keepdims=True)
    against = np.where(large, amounts, -amounts * _ratio(of_large, total - of_large))
    return np.stack([_coins(amounts, sides), _coins(against, sides)])


def _coins(weights: Floats, sides: Numbers) -> Floats:
    return _ratio((weights * sides).sum(axis=1), np.sqrt((weights**2).sum(axis=1)))


def _correlation(values: Floats, weights: Floats, given: list[Floats]) -> Floats:
    """Partial correlation by row times the root of the free dimensions, ``(N, B)`` to ``(N,)``.

    The weights are taken free of every vector given, the values of the first one only: their size
    is then the same in whatever order exchangeable values come, and the mean exactly 0.
    """
    rows, basis = np.broadcast_to(weights, values.shape), list[Floats]()
    for vector in given:
        direction = vector
        for earlier in basis:
            direction = _without(direction, earlier)
        basis.append(direction)
        rows = _without(rows, direction)
    values = _without(values, basis[0])
    size = np.sqrt((values**2).sum(axis=1) * (rows**2).sum(axis=1))
    return np.asarray(np.sqrt(values.shape[1] - 1) * _ratio((values * rows).sum(axis=1), size))


def _without(values: Floats, direction: Floats) -> Floats:
    size = (direction**2).sum(axis=-1, keepdims=True)
    along = (values * direction).sum(axis=-1, keepdims=True)
    return values - _ratio(along, size) * direction


def _ratio(above: Floats, below: Floats) -> Floats:
    """Quotient, 0 where the denominator is 0 but for rounding, or missing."""
    above, below = np.broadcast_arrays(above, below)
    return np.where(below > _NOTHING, above / np.where(below > _NOTHING, below, 1.0), 0.0)
