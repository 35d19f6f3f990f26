"""What an index consists of on one date, as far as it can be held."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.portfolio.policy import Flags, Floats


@dataclass(frozen=True)
class Constituents:
    """The part of an index that is listed in the panel.

    Args:
        weights: ``(N,)`` of sum 1; 0 everywhere where there is nothing.
        covered: share of the index's weight that they stand for, before they were scaled up.
        age: trading days since the weights last changed.
    """

    weights: Floats
    covered: float
    age: int


def constituents(weights: NDArray[Any], row: int, listed: Flags) -> Constituents:
    """Weights of an index at the close of a row; nothing after it is looked at.

    Args:
        weights: ``(T, N)`` as known on each date, 0 outside; they sum to less than 1 where
            constituents are not in the panel.
        row: of the date.
        listed: ``(N,)`` on the date; what is not cannot be held.
    """
    today = np.asarray(weights[row], dtype=np.float64)
    inside = np.where(listed & (today > 0), today, 0.0)
    covered = float(inside.sum())
    scaled = inside / covered if covered > 0 else inside
    return Constituents(scaled, covered, _age(weights, row))


def _age(weights: NDArray[Any], row: int) -> int:
    # Vendors' weights drift daily or are carried: the last change is near, or long ago.
    before = row
    while before > 0 and np.array_equal(weights[before - 1], weights[row]):
        before -= 1
    return row - before
