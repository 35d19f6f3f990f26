"""Prices that a day's trades may not leave."""

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from alpha_lightning.portfolio.policy import Floats, Index


class PriceLimits(Protocol):
    """Limits of a day, known before its open; NaN where there is none."""

    def up(self, row: int, columns: Index) -> Floats:
        """Highest price of some stocks, ``(n,)``, raw."""
        ...

    def down(self, row: int, columns: Index) -> Floats:
        """Lowest price of some stocks, ``(n,)``, raw."""
        ...


@dataclass(frozen=True)
class LimitColumns:
    """Limits as the exchange published them.

    Args:
        highest: ``(T, N)`` raw; NaN without a limit.
        lowest: likewise.
    """

    highest: NDArray[Any]
    lowest: NDArray[Any]

    def up(self, row: int, columns: Index) -> Floats:
        """Highest price of some stocks, ``(n,)``."""
        found: Floats = self.highest[row][columns]
        return found

    def down(self, row: int, columns: Index) -> Floats:
        """Lowest price of some stocks, ``(n,)``."""
        found: Floats = self.lowest[row][columns]
        return found
