"""What a day's tables foretell: each signal's news, odd in noise that is symmetric around 0."""

import numpy as np

from alpha_lightning.simulation.arrays import Floats, Numbers
from alpha_lightning.simulation.bars import Bars, MinuteBars
from alpha_lightning.simulation.prints import Prints
from alpha_lightning.simulation.returns import Move
from alpha_lightning.simulation.session import Session

_LARGE = 0.05
_LARGEST_MOVE = 4.0
# What gives news variance 1.
_REVERSAL_SIZE, _PLACE_SIZE, _SKEW_SIZE = 1.08, 4.9, 1.4
_NOTHING = 1e-9


def daily_news(move: Move, surprise: Floats, bars: Bars) -> Floats:
    """News visible in daily bars, ``(3, N)``: reversal, volume, location.

    Args:
        move: the day's returns; what they are relative to the market counts.
        surprise: ``(N,)`` standardised news in log-turnover.
        bars: of the day.

    Each has mean 0 given the past and variance about 1 at the default settings.
    """
    relative = np.clip(move.relative, -_LARGEST_MOVE, _LARGEST_MOVE)
    vwap = _ratio(bars.amount, bars.volume)
    place = _ratio(vwap - (bars.open + bars.close) / 2, bars.high - bars.low)
    return -np.stack([_REVERSAL_SIZE * relative, surprise, _PLACE_SIZE * place])


def intraday_news(bars: MinuteBars, opening: Floats, session: Session) -> Floats:
    """News visible in minute bars, ``(2, N)``: skew, spread.

    Skew is minus the realised skewness of the bars' returns less their shares of the day's: of the
    bridge between open and close, which is as likely as its mirror image. Its variance is about 1.

    Spread is minus the correlation of the square roots of the bars' volumes, relative to their
    usual ones, with the first and the last hour, given the day's volume and VWAP. Times the square
    root of the number of free bars, it has mean 0 and variance 1 when bars are exchangeable.

    Daily bars show nothing of spread. Of skew they show a little on days at their price limit and
    where high and low lie far apart on one side of the chord: correlations stay below 0.06, but a
    model of whole bars reaches 0.23, 5 % of the variance.

    Args:
        bars: of the day.
        opening: ``(N,)`` price of the opening auction, whole cents.
        session: usual variances and volumes of the bars.

    Reference:
        D. Amaya, P. Christoffersen, K. Jacobs, A. Vasquez, "Does Realized Skewness Predict the
        Cross-Section of Equity Returns?", Journal of Financial Economics 118 (2015).
    """
    prices = np.concatenate([opening[:, None], bars.close], axis=1)
    bridge = np.diff(prices, axis=1) - (prices[:, -1:] - prices[:, :1]) * session.bar_variance
    skew = _ratio((bridge**3).sum(axis=1), (bridge**2).sum(axis=1) ** 1.5)
    skew *= _SKEW_SIZE * np.sqrt(session.bars)

    # The last bar holds the closing auction as well, so that it is not like the others.
    usual, lots, close = session.bar_volume[:-1], bars.lots[:, :-1], bars.close[:, :-1]
    middle = (close * usual).sum(axis=1, keepdims=True) / usual.sum()
    # Volume along this path moves the VWAP, which daily bars show.
    path = usual * (close - middle)
    given = [np.ones_like(usual), path]
    spread = _correlation(np.sqrt(lots / usual), session.ends[:-1], given)
    return -np.stack([skew, spread])


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
