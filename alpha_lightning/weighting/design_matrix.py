"""What trees are fitted on: rows of features by date and stock, whatever made them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class DesignMatrix:
    """Features of some stocks on some dates, sorted by date, then symbol.

    Args:
        date_index: ``(rows,)`` positions in the panel's dates.
        symbol_index: ``(rows,)`` positions in the panel's symbols.
        values: ``(rows, C)`` float32; NaN is missing.
        columns: ``C`` names.
    """

    date_index: Array
    symbol_index: Array
    values: Array
    columns: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.date_index)

    def on(self, dates: Array) -> "DesignMatrix":
        """The rows from the first to the last of some dates, as views.

        Args:
            dates: ascending positions in the panel's dates; may be empty.
        """
        if not len(dates):
            return self._rows(slice(0, 0))
        ends = np.searchsorted(self.date_index, [dates[0], dates[-1] + 1])
        return self._rows(slice(*ends.tolist()))

    def where(self, wanted: Array) -> "DesignMatrix":
        """The rows that ``wanted`` ``(rows,)`` marks."""
        return self if wanted.all() else self._rows(wanted)

    def _rows(self, rows: slice | Array) -> "DesignMatrix":
        return DesignMatrix(
            self.date_index[rows], self.symbol_index[rows], self.values[rows], self.columns
        )


def design_bytes(rows: int, columns: int) -> int:
    """Memory that weighing takes at its peak for a design matrix of float32, in bytes, about.

    Three copies of four bytes a value: the rows; those of them to learn from (while files are
    joined, the files); and the z-scores of the linear model, or the binned windows of eight
    LightGBM fits at once, half the rows at a byte a value. And what those eight draw to place their
    bins, `bin_rows` at twelve bytes a value each.

    Args:
        rows: stock-dates of a vintage, two years of the universe.
        columns: factors of all units and data sets together.

    Example:
        >>> f"{design_bytes(486 * 4500, 450) / 2**30:.1f} GiB"
        '13.0 GiB'
    """
    return 12 * columns * (rows + 8 * min(rows, bin_rows(columns)))


def bin_rows(columns: int) -> int:
    """Rows that a LightGBM fit draws to place the bounds of its bins.

    LightGBM's own 200,000 while columns are few. It copies them for each fit: with many columns
    eight fits at once would cost more than the design matrix does; 50,000 place 255 bounds well.

    Args:
        columns: factors.

    Example:
        >>> bin_rows(90), bin_rows(270), bin_rows(450)
        (200000, 83333, 50000)
    """
    return max(50_000, min(200_000, 22_500_000 // columns))


def from_dense(values: Array, mask: Array, dates: Array, columns: tuple[str, ...]) -> DesignMatrix:
    """Rows of dense features.

    Args:
        values: ``(T, N, C)``.
        mask: ``(T, N)`` which rows to take.
        dates: ``(D,)`` positions of the dates to take, ascending.
        columns: ``C`` names.
    """
    position, symbol = np.nonzero(mask[dates])
    date = dates[position]
    return DesignMatrix(date, symbol, values[date, symbol], columns)


def join(parts: list[DesignMatrix]) -> DesignMatrix:
    """Put columns side by side by date and symbol; a row that a part lacks is NaN in its columns.

    Example:
        >>> x = DesignMatrix(np.array([0, 0]), np.array([1, 2]), np.ones((2, 1)), ("x",))
        >>> y = DesignMatrix(np.array([0]), np.array([2]), np.zeros((1, 1)), ("y",))
        >>> join([x, y]).values
        array([[ 1., nan],
               [ 1.,  0.]], dtype=float32)
    """
    width = 1 + max(int(part.symbol_index.max(initial=0)) for part in parts)
    keys = [part.date_index * width + part.symbol_index for part in parts]
    rows = np.unique(np.concatenate(keys))
    columns = tuple(name for part in parts for name in part.columns)
    values = np.full((len(rows), len(columns)), np.nan, dtype=np.float32)
    start = 0
    for part, key in zip(parts, keys, strict=True):
        stop = start + len(part.columns)
        values[np.searchsorted(rows, key), start:stop] = part.values
        start = stop
    return DesignMatrix(rows // width, rows % width, values, columns)
