"""Realised statistics of a day's bars and of those of each period."""

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.characteristics.intraday import Floats

MIN_TRADED_BARS = 3
"""Bars with a trade below which nothing is said."""
JUMP_SIGMAS = 3.0
"""A return is a jump beyond so many standard deviations of the continuous part."""


def realised(
    returns: Floats, volume: Floats, traded: NDArray[np.bool_], periods: int
) -> NDArray[np.float64]:
    r"""Volatility, skewness, kurtosis, spread and concentration of volume, and jumps.

    With log returns :math:`r_j` and volumes :math:`v_j` of the :math:`n` bars of the day or of a
    period, bars without a trade included (their return and volume are 0):

    * rvol :math:`= \sqrt{\sum r^2}`,
    * rskew :math:`= \sqrt n \sum r^3 / (\sum r^2)^{1.5}`, 0 when no price moves,
    * rkurt :math:`= n \sum r^4 / (\sum r^2)^2`, 3 when no price moves,
    * vvol = population standard deviation of :math:`v` (``ddof = 0``),
    * vhhi :math:`= n \sum (v / \sum v)^2`, 1 when volume is spread evenly,
    * jump = sum of the :math:`r_j` with :math:`|r_j| > 3 \sigma`, where :math:`\sigma^2` is
      :math:`\pi / 2` times the mean of :math:`|r_j| |r_{j-1}|` over adjacent bars of the period.

    Args:
        returns: ``(N, B)``; the first of a period is against the last close before the period.
        volume: ``(N, B)`` shares.
        traded: ``(N, B)``, whether the bar has a trade.
        periods: number of periods ``K``; they share the bars equally.

    Returns:
        ``(N, 1 + K, 6)``, the day and then each period; NaN with fewer than three bars that trade.

    Reference:
        Amaya, Christoffersen, Jacobs and Vasquez (2015), Does realized skewness predict the
        cross-section of equity returns; Barndorff-Nielsen and Shephard (2004), Power and bipower
        variation with stochastic volatility and jumps.
    """
    stocks, bars = returns.shape
    shape = (stocks, periods, bars // periods)
    length = np.full(1 + periods, bars // periods)
    length[0] = bars
    r = returns.reshape(shape)
    square = r * r
    second = _day_and_periods(np.einsum("nkb,nkb->nk", r, r))
    third = _day_and_periods(np.einsum("nkb,nkb->nk", square, r))
    fourth = _day_and_periods(np.einsum("nkb,nkb->nk", square, square))
    moves = second > 0
    divisor = np.where(moves, second, 1.0)
    out = np.empty((stocks, 1 + periods, 6))
    out[..., 0] = np.sqrt(second)
    out[..., 1] = np.sqrt(length) * third / divisor**1.5
    out[..., 2] = np.where(moves, length * fourth / divisor**2, 3.0)
    out[..., 3], out[..., 4] = _spread(volume.reshape(shape))
    out[..., 5] = _jumps(returns, periods)
    enough = _day_and_periods(traded.reshape(shape).sum(axis=2)) >= MIN_TRADED_BARS
    out[~enough] = np.nan
    return out


def _day_and_periods(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([sums.sum(axis=1, keepdims=True), sums], axis=1)


def _spread(volume: Floats) -> tuple[Floats, Floats]:
    # n Σ (v / V)² = 1 + variance / mean²; the day's variance is that within plus that between
    # periods, which loses no digits as a difference of squares would.
    mean = volume.mean(axis=2)
    centred = volume - mean[..., None]
    within = np.einsum("nkb,nkb->nk", centred, centred) / volume.shape[2]
    day_mean = mean.mean(axis=1, keepdims=True)
    day = (within + (mean - day_mean) ** 2).mean(axis=1, keepdims=True)
    variance = np.concatenate([day, within], axis=1)
    mean = np.concatenate([day_mean, mean], axis=1)
    return np.sqrt(variance), 1 + variance / np.where(mean > 0, mean, 1.0) ** 2


def _jumps(returns: Floats, periods: int) -> Floats:
    stocks, bars = returns.shape
    width = bars // periods
    size = np.abs(returns)
    pairs = np.zeros_like(size)
    np.multiply(size[:, 1:], size[:, :-1], out=pairs[:, 1:])
    shape = (stocks, periods, width)
    # A day of one bar a period has pairs between its periods but none within.
    bipower = np.empty((stocks, 1 + periods))
    bipower[:, 0] = pairs.sum(axis=1) / max(bars - 1, 1)
    bipower[:, 1:] = pairs.reshape(shape)[..., 1:].sum(axis=2) / max(width - 1, 1)
    bound = JUMP_SIGMAS * np.sqrt(np.pi / 2 * bipower)
    out = np.empty((stocks, 1 + periods))
    out[:, 0] = np.where(size > bound[:, :1], returns, 0.0).sum(axis=1)
    beyond = size.reshape(shape) > bound[:, 1:, None]
    out[:, 1:] = np.where(beyond, returns.reshape(shape), 0.0).sum(axis=2)
    return out
