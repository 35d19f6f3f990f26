"""Random numbers by purpose and day, so that no draw depends on how long the market lasts.

A market of 300 days is the beginning of the market of 400 days with the same seed, and a new
purpose never moves the numbers of an old one.
"""

import math
from enum import IntEnum

import numpy as np

from alpha_lightning.simulation.arrays import Floats


class Purpose(IntEnum):
    """What random numbers are for; a number, once given, is never reused."""

    STOCKS = 0
    LISTINGS = 1
    INDUSTRIES = 2
    RETURNS = 3
    BARS = 4
    VOLUME = 5
    ACTIONS = 6
    EVENTS = 7
    SIZES = 8
    SIDES = 9
    ORDERS = 10
    SPECIAL = 11
    BOARDS = 12
    FUNDAMENTALS = 13


def stream(seed: int, purpose: Purpose, day: int = 0) -> np.random.Generator:
    """The generator of one purpose on one day.

    Example:
        >>> first, again = (stream(0, Purpose.RETURNS, 5).random() for _ in range(2))
        >>> first == again
        True
    """
    key = (int(purpose), day)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))


def fat_tailed(generator: np.random.Generator, size: int, tail: float) -> Floats:
    """Symmetric draws of mean 0 and variance 1: ``n exp(tail m - tail^2)``, ``n`` and ``m`` normal.

    Their kurtosis is ``3 exp(4 tail^2)`` (a normal whose own volatility is lognormal).
    """
    normal, volatility = generator.standard_normal((2, size))
    return np.asarray(normal * np.exp(tail * volatility - tail**2))


def mean_size(tail: float) -> float:
    """Mean absolute value of a `fat_tailed` draw, ``sqrt(2 / pi) exp(-tail^2 / 2)``.

    Example:
        >>> round(mean_size(0.0), 4)
        0.7979
    """
    return math.sqrt(2 / math.pi) * math.exp(-(tail**2) / 2)
