"""Dates sorted once; ranks within any part of their stocks are counted along the sorted dates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HIGHEST = np.int64(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Order:
    """The stocks of a block of dates, from the lowest value to the highest.

    Args:
        places: ``(B, N)`` where in the flattened block each value stands, missing ones last.
        present: ``(B, N)`` which stocks have a value, not sorted.
        tied: ``(M,)`` places in the flattened sorted block of values that have an equal on their
            date, ascending.
        first: ``(M,)`` place of the first of these equals.
        last: ``(M,)`` place of the last.
    """

    places: NDArray[np.int64]
    present: NDArray[np.bool_]
    tied: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def part(self, start: int, dates: int) -> "Order":
        """The same for so many consecutive dates of the block."""
        rows = slice(start, start + dates)
        offset = start * self.places.shape[1]
        ends = (offset, offset + dates * self.places.shape[1])
        held = slice(*np.searchsorted(self.tied, ends))
        ties = (each[held] - offset for each in (self.tied, self.first, self.last))
        return Order(self.places[rows] - offset, self.present[rows], *ties)

    def doubled_ranks(self, counted: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Twice the rank, from 2 for the lowest, equal values sharing their average rank.

        Twice, because an average rank is a whole number of halves: sums of products are exact.

        Args:
            counted: ``(B, N)`` which of the sorted stocks to rank among themselves; none of the
                missing.

        Returns:
            ``(B, N)``, sorted, 0 where not counted.
        """
        so_far = np.cumsum(counted, axis=1, dtype=np.int32)
        ranks = so_far + so_far
        if len(self.tied):
            below = so_far.ravel()[self.first] - counted.ravel()[self.first]
            ranks.ravel()[self.tied] = below + so_far.ravel()[self.last] + 1
        ranks *= counted
        return ranks


def order_dates(values: NDArray[Any], present: NDArray[np.bool_]) -> Order:
    """Sort each date.

    Args:
        values: ``(B, N)``.
        present: ``(B, N)`` which of them count; finite ones only.
    """
    stocks = values.shape[1]
    bits = max(stocks - 1, 1).bit_length()
    low = np.int64((1 << bits) - 1)
    # -0 and 0 are the same value and not the same bits.
    keys = np.add(values, 0.0, dtype=np.float64, order="C").view(np.int64)
    # Integers order negative floats backwards.
    keys ^= (keys >> 63) & _HIGHEST
    np.copyto(keys, _HIGHEST, where=~present)
    # Value and column share one integer, the column in the last bits: numpy sorts integers several
    # times as fast as it finds the order of floats.
    packed = (keys & ~low) | np.arange(stocks)
    packed.sort(axis=1)
    places = packed & low
    places += np.arange(len(values))[:, None] * stocks
    packed >>= bits
    alike = np.zeros(values.shape, dtype=np.bool_)
    np.equal(packed[:, 1:], packed[:, :-1], out=alike[:, 1:])
    alike[:, 1:] &= packed[:, 1:] != _HIGHEST >> bits
    _settle(keys.ravel(), places.ravel(), alike.ravel(), bits)
    return Order(places, present, *_ties(alike))


def _settle(
    keys: NDArray[np.int64], places: NDArray[np.int64], alike: NDArray[np.bool_], bits: int
) -> None:
    """Sort runs that agree in all bits but the last few; let ``alike`` be true of equals only.

    Quotients of rounded prices are often the same number but for the last bit.

    Args:
        keys: flat, as integers.
        places: flat, sorted but for the last bits.
        alike: flat and sorted, whether a value agrees with the one before it but for these bits.
        bits: how many.
    """
    inside = alike.copy()
    inside[:-1] |= alike[1:]
    at = np.flatnonzero(inside)
    if not len(at):
        return
    run = np.cumsum(~alike[at])
    held = places[at]
    # Number of the run, last bits and row of `at`: room for 32 dates of 250,000 stocks.
    size = len(at).bit_length()
    packed = (((run << bits) | (keys[held] & ((1 << bits) - 1))) << size) | np.arange(len(at))
    packed.sort()
    places[at] = held[packed & ((1 << size) - 1)]
    packed >>= size
    alike[at[0]] = False
    alike[at[1:]] = packed[1:] == packed[:-1]


def _ties(alike: NDArray[np.bool_]) -> tuple[NDArray[np.int64], ...]:
    """Places of tied values, and of the first and the last of their equals."""
    same = np.flatnonzero(alike)
    # A date's first value has none before it, so no group goes on into the next date.
    new = np.diff(same, prepend=-1) > 1
    first = same[new] - 1
    last = same[np.append(new[1:], np.ones(min(len(same), 1), dtype=np.bool_))]
    sizes = last - first + 1
    inside = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.repeat(first, sizes) + inside, np.repeat(first, sizes), np.repeat(last, sizes)
