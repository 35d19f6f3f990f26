"""What a panel says of its stocks on a day, without what cannot be."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.side_arrays import fundamental, fundamentals, industry_codes
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.factor_risk import Flags, Floats

UNKNOWN_INDUSTRY = -1


class StockDays:
    """Rows ``(N,)`` of a panel, by day.

    NaN rule: whatever is not finite is NaN, as are a price, a market value or a turnover that is
    not above 0, and everything of a stock that is not listed on the day.

    Args:
        panel: the panel.
        published: names of the published numbers that are wanted; those that the panel lacks are
            passed over.
    """

    def __init__(self, panel: Panel, published: tuple[str, ...] = ()) -> None:
        self.symbols = panel.symbols
        self.listed = panel.listed
        self._traded = panel.traded
        caps = [name for name in ("total_cap", "float_cap") if panel.has(name)]
        self.cap_field = caps[0] if caps else None
        self.float_field = caps[-1] if caps else None
        wanted = ("close", "high", "low", "adj_factor", "volume", "amount", *caps)
        self._market = {name: panel.market(name) for name in wanted if panel.has(name)}
        known = fundamentals(panel)
        self._published = {name: fundamental(panel, name) for name in published if name in known}
        coded = industry_codes(panel)
        self._industry = None if coded is None else coded[0]
        self._first = np.argmax(self.listed, axis=0)

    @property
    def published(self) -> tuple[str, ...]:
        """Published numbers that are there."""
        return tuple(self._published)

    def price(self, row: int, field: str = "close") -> Floats:
        """Adjusted price; NaN where the stock did not trade."""
        return self._positive(
            np.where(
                self._traded[row],
                self._market[field][row] * self._market["adj_factor"][row],
                np.nan,
            ),
            row,
        )

    def simple_return(self, row: int) -> Floats:
        """Return from the close of the day before; NaN unless the stock traded on both days."""
        if row == 0:
            return np.full(len(self.symbols), np.nan)
        return np.asarray(self.price(row) / self.price(row - 1) - 1)

    def cap(self, row: int) -> Floats:
        """What stocks weigh: market value; 1 for every listed stock of a panel that has none."""
        if self.cap_field is None:
            return np.where(self.listed[row], 1.0, np.nan)
        return self._positive(self._market[self.cap_field][row], row)

    def traded_value(self, row: int) -> Floats:
        """Money traded; NaN where the stock did not trade."""
        if "amount" in self._market:
            money = self._market["amount"][row]
        else:
            money = self._market["volume"][row] * self._market["close"][row]
        return self._positive(np.where(self._traded[row], money, np.nan), row)

    def float_cap(self, row: int) -> Floats:
        """Market value of what can be traded, or of all where only that is known."""
        return self._positive(self._market[str(self.float_field)][row], row)

    def log_turnover(self, row: int) -> Floats:
        """Logarithm of the traded share of the float."""
        return np.asarray(np.log(self.traded_value(row) / self.float_cap(row)))

    def number(self, name: str, row: int) -> Floats:
        """A published number as known on the day."""
        values = self._published[name][row]
        return np.where(self.listed[row] & np.isfinite(values), values, np.nan)

    def industry(self, row: int) -> NDArray[np.int64]:
        """Codes of industries, -1 where unknown."""
        if self._industry is None:
            return np.full(len(self.symbols), UNKNOWN_INDUSTRY)
        return np.asarray(self._industry[row], dtype=np.int64)

    def age(self, row: int) -> Floats:
        """Trading days since the listing; NaN for the stocks that the panel begins with."""
        known = self.listed[row] & (self._first > 0)
        return np.where(known, float(row) - self._first, np.nan)

    def digest(self, row: int) -> str:
        """Hash of all that is read of a row, of listed stocks only, in the order of symbols."""
        stocks = np.flatnonzero(self.listed[row])
        text = "\n".join(self.symbols[stocks].tolist())
        made = hashlib.blake2b(text.encode(), digest_size=16)
        arrays = [*self._market.values(), *self._published.values(), self._traded]
        if self._industry is not None:
            arrays.append(self._industry)
        for array in arrays:
            made.update(np.ascontiguousarray(array[row][stocks]).data)
        made.update(np.ascontiguousarray(self.age(row)[stocks]).data)
        return made.hexdigest()

    def _positive(self, values: Floats, row: int) -> Floats:
        sound: Flags = self.listed[row] & (values > 0) & (values < np.inf)
        return np.where(sound, values, np.nan)
