"""Dates sorted once; ranks within any part of their stocks are counted along the sorted dates."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_HIGHEST = np.int64(np.iinfo(np.int64).max)


class Ranks(NamedTuple):
    """Ranks of some of the stocks of a block of dates.

    Args:
        values: ``(B, N)`` from 1 for the lowest, equal values sharing their average rank; sorted,
            and without meaning where a stock does not count.
        number: ``(B,)`` how many count.
        squares: ``(B,)`` sum of the squared deviations from the mean rank.
    """

    values: NDArray[np.float64]
    number: NDArray[np.float64]
    squares: NDArray[np.float64]


@dataclass(frozen=True)
class Order:
    """The stocks of a block of dates, from the lowest value to the highest.

    Args:
        places: ``(B, N)`` where in the flattened block each value stands, missing ones last.
        present: ``(B, N)`` which stocks have a value, not sorted.
        first: ``(G,)`` places in the flattened sorted block where a group of equal values begins.
        last: ``(G,)`` and where it ends; equals of one date, two at least.
    """

    places: NDArray[np.int64]
    present: NDArray[np.bool_]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def part(self, start: int, dates: int) -> "Order":
        """The same for so many consecutive dates of the block."""
        rows = slice(start, start + dates)
        offset = start * self.places.shape[1]
        ends = (offset, offset + dates * self.places.shape[1])
        held = slice(*np.searchsorted(self.first, ends))
        ties = (each[held] - offset for each in (self.first, self.last))
        return Order(self.places[rows] - offset, self.present[rows], *ties)

    def ranks(self, counted: NDArray[np.bool_]) -> Ranks:
        """Ranks among those that count.

        Args:
            counted: ``(B, N)`` which of the sorted stocks count; none of the missing.
        """
        so_far = np.cumsum(counted, axis=1, dtype=np.int32)
        values = so_far.astype(np.float64)
        number = values[:, -1].copy()
        squares = number * (number * number - 1)
        if len(self.first):
            until = values.ravel()[self.last]
            size = until - values.ravel()[self.first] + counted.ravel()[self.first]
            dates = self.first // counted.shape[1]
            squares -= np.bincount(dates, size * (size * size - 1), minlength=len(number))
            tied = self._tied
            values.ravel()[tied] = np.repeat(until - (size - 1) / 2, self.last - self.first + 1)
        return Ranks(values, number, squares / 12)

    @cached_property
    def _tied(self) -> NDArray[np.int64]:
        """Places in the flattened sorted block of all values that have an equal."""
        sizes = self.last - self.first + 1
        begin = np.cumsum(sizes) - sizes
        shift: NDArray[np.int64] = np.repeat(self.first - begin, sizes)
        return shift + np.arange(len(shift))


def order_dates(values: NDArray[Any], present: NDArray[np.bool_]) -> Order:
    """Sort each date.

    Args:
        values: ``(B, N)``.
        present: ``(B, N)`` which of them count; finite ones only.
    """
    stocks = values.shape[1]
    bits = max(stocks - 1, 1).bit_length()
    low = np.int64((1 << bits) - 1)
    columns = np.arange(stocks)
    # -0 and 0 are the same value and not the same bits.
    keys = np.add(values, 0.0, dtype=np.float64, order="C").view(np.int64)
    # Integers order negative floats backwards.
    backwards = keys >> 63
    backwards &= _HIGHEST
    keys ^= backwards
    # Beyond infinity, and no two of them alike.
    keys = np.where(present, keys, _HIGHEST - (columns << bits))
    # Value and column share one integer, the column in the last bits: numpy sorts integers several
    # times as fast as it finds the order of floats.
    packed = np.bitwise_and(keys, ~low, out=backwards)
    packed |= columns
    packed.sort(axis=1)
    places = packed & low
    places += np.arange(len(values))[:, None] * stocks
    packed >>= bits
    alike = np.zeros(values.shape, dtype=np.bool_)
    np.equal(packed[:, 1:], packed[:, :-1], out=alike[:, 1:])
    ties = _settle(keys.ravel(), places.ravel(), np.flatnonzero(alike), bits)
    return Order(places, present, *ties)


def _settle(
    keys: NDArray[np.int64], places: NDArray[np.int64], alike: NDArray[np.int64], bits: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort runs of values that agree in all bits but the last few, in place.

    Quotients of rounded prices are often the same number but for the last bit.

    Args:
        keys: flat, as integers.
        places: flat, sorted but for the last bits.
        alike: flat and sorted, which values agree with the one before them but for these bits.
        bits: how many.

    Returns:
        Where groups of values that agree in all bits begin and end.
    """
    first, last = _ends(alike)
    sizes = last - first + 1
    run = np.repeat(np.arange(len(first)), sizes)
    inside = np.arange(len(run))
    at = inside + np.repeat(first - (np.cumsum(sizes) - sizes), sizes)
    held = places[at]
    # Number of the run, last bits and row of `at`: room for 16 dates of 250,000 stocks.
    size = len(at).bit_length()
    packed = (((run << bits) | (keys[held] & ((1 << bits) - 1))) << size) | inside
    packed.sort()
    places[at] = held[packed & ((1 << size) - 1)]
    packed >>= size
    return _ends(at[1:][packed[1:] == packed[:-1]])


def _ends(same: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last places of groups, from all places that are the same as the one before.

    A date's first value has none before it, so that no group goes on into the next date.
    """
    new = np.ones(len(same) + 1, dtype=np.bool_)
    new[1:-1] = same[1:] != same[:-1] + 1
    return same[new[:-1]] - 1, same[new[1:]]
