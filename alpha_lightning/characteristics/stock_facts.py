"""What was counted for each stock while a day's characteristics were made."""

from dataclasses import dataclass, fields

import numpy as np

from alpha_lightning.characteristics.intraday import Floats


@dataclass(frozen=True)
class StockFacts:
    """Counts that tell whether a day's numbers can be trusted, each ``(N,)``.

    Args:
        day_volume: shares of the day, auctions included.
        trades: bars that trade, or prints; an opening auction counts as one bar.
        continuous: those outside the auctions that the table tells apart.
        duplicates: rows that say the same as another.
        unsided: prints outside the auctions without a side, of a table that has a column of it.
        crossed: prints whose side contradicts their order numbers.
    """

    day_volume: Floats
    trades: Floats
    continuous: Floats
    duplicates: Floats
    unsided: Floats
    crossed: Floats

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the counts, in the order of their columns."""
        return tuple(entry.name for entry in fields(cls))

    def matrix(self) -> Floats:
        """``(N, 6)``."""
        return np.stack([getattr(self, name) for name in self.names()], axis=1)
