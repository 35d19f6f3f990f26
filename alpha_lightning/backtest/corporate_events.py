"""A table of dividends and bonus shares, laid out on the rows of a panel."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.arrays import Grid
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.vendor import TableSpec, VendorTable, read_vendor_table
from alpha_lightning.portfolio.policy import Flags, Floats, Index

# A vendor may have no cash or no shares at all, but must say so with an empty column.
SPEC = TableSpec(
    "corporate actions",
    {"date": "date", "symbol": "text"},
    {"cash": "number", "shares": "number"},
)


@dataclass(frozen=True)
class CorporateEvents:
    """What shareholders received, by ex-date, then stock.

    Args:
        rows: ``(E,)`` panel row, ascending.
        columns: ``(E,)`` stock, ascending within a row.
        cash: ``(E,)`` per share, before tax, in the currency of the prices.
        shares: ``(E,)`` further shares per share.
        first: first panel row that the table covers; on rows outside it says nothing.
        last: last one.
        warnings: what was left out.
    """

    rows: Index
    columns: Index
    cash: Floats
    shares: Floats
    first: int
    last: int
    warnings: tuple[str, ...] = ()

    def covers(self, row: int) -> bool:
        """Whether the table would know an event of the row."""
        return self.first <= row <= self.last

    def any_of(self, column: int, first: int, end: int) -> bool:
        """Whether a stock has an event on the rows from ``first`` to before ``end``."""
        begin, stop = np.searchsorted(self.rows, [first, end])
        return bool((self.columns[begin:stop] == column).any())

    def of(self, row: int, columns: Index) -> tuple[Floats, Floats, Flags]:
        """Events of some stocks on a row, ``(n,)`` each.

        Returns:
            Cash and further shares per share, 0 without an event, and who has one.
        """
        begin, end = np.searchsorted(self.rows, [row, row + 1])
        some = self.columns[begin:end]
        place = np.minimum(np.searchsorted(some, columns), max(len(some) - 1, 0))
        known = some[place] == columns if len(some) else np.zeros(len(columns), dtype=np.bool_)
        cash, shares = np.zeros(len(columns)), np.zeros(len(columns))
        cash[known] = self.cash[begin:end][place[known]]
        shares[known] = self.shares[begin:end][place[known]]
        return cash, shares, known


def read_events(path: str | Path, panel: Panel) -> CorporateEvents:
    """Read a Parquet or CSV table of corporate actions.

    Columns: ``date`` (ex-date), ``symbol``, ``cash`` per share before tax, ``shares`` further
    shares per share (0.3: three for ten; -0.5: a consolidation of two into one). An empty cell is
    0. An ex-date on which nobody traded counts on the next trading day.

    Args:
        path: the table.
        panel: whose dates and symbols the events are laid out on.

    Raises:
        UserError: no such file or column, an unreadable value, a repeated date and symbol, a
            negative dividend, or all shares taken away.
    """
    table = read_vendor_table(path, SPEC)
    dates, cash, shares = _checked(table, path)
    columns = Grid(panel.dates, panel.symbols).columns_of(table.frame)
    rows = np.searchsorted(panel.dates, dates)
    # An ex-date before the panel must not move to its first row.
    inside = (dates >= panel.dates[0]) & (rows < len(panel.dates))
    unknown = int((columns < 0).sum())
    warnings = (_left_out(path, unknown, table, columns),) if unknown else ()
    kept = inside & (columns >= 0)
    order = np.lexsort((dates[kept], columns[kept], rows[kept]))
    sorted_by = [values[kept][order] for values in (rows, columns, cash, shares)]
    first = int(np.searchsorted(panel.dates, dates.min()))
    last = int(np.searchsorted(panel.dates, dates.max(), side="right")) - 1
    return CorporateEvents(*_joined(*sorted_by), first, last, warnings)


def _checked(
    table: VendorTable, path: str | Path
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64]]:
    frame = table.frame
    for column in SPEC.optional:
        if column not in frame.columns:
            msg = f"{path} lacks column {column!r} of {SPEC.name}: add it, with 0 for none"
            raise UserError(msg)
    cash = frame["cash"].fill_null(0.0).to_numpy()
    shares = frame["shares"].fill_null(0.0).to_numpy()
    keys = frame.select("date", "symbol")
    wrong = {
        "a value that cannot be read": frame["_unreadable"].is_not_null().to_numpy(),
        "no date or symbol": (frame["date"].is_null() | frame["symbol"].is_null()).to_numpy(),
        "cash per share that is negative or infinite": ~((cash >= 0) & np.isfinite(cash)),
        "shares per share of -1 or less, or infinite": ~((shares > -1) & np.isfinite(shares)),
        "a date and symbol that it repeats": keys.is_duplicated().to_numpy(),
    }
    for what, rows in wrong.items():
        if rows.any():
            row = frame.row(int(np.argmax(rows)), named=True)
            msg = (
                f"{path} row {row['_row']}, {row['date']} {row['symbol']}: {what}"
                f" ({int(rows.sum())} rows in all): mend the table"
            )
            raise UserError(msg)
    return frame["date"].to_numpy().astype("datetime64[D]"), cash, shares


def _left_out(path: str | Path, unknown: int, table: VendorTable, columns: Index) -> str:
    example = table.frame["symbol"][int(np.argmax(columns < 0))]
    return (
        f"{path}: {unknown} of {len(columns)} corporate actions are of symbols that the panel does"
        f" not have, such as {example}; they are left out."
    )


def _joined(
    rows: Index, columns: Index, cash: Floats, shares: Floats
) -> tuple[Index, Index, Floats, Floats]:
    # Ex-dates that moved to the same trading day: the later one is of the shares after the earlier.
    kept: list[int] = []
    for k in range(len(rows)):
        if kept and rows[k] == rows[kept[-1]] and columns[k] == columns[kept[-1]]:
            before = kept[-1]
            cash[before] += (1 + shares[before]) * cash[k]
            shares[before] = (1 + shares[before]) * (1 + shares[k]) - 1
        else:
            kept.append(k)
    return rows[kept], columns[kept], cash[kept], shares[kept]
