"""Rows of a few days told apart by day and stock."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.characteristics.ahead import one_ahead
from alpha_lightning.characteristics.feed_index import FeedIndex
from alpha_lightning.characteristics.feed_scan import FileScan

Day = TypeVar("Day")
_DAY = 86_400_000_000


@dataclass(frozen=True)
class DayRows:
    """Rows of one day, as reported.

    Args:
        date: of the day.
        frame: with ``_code``, the number of the row's symbol among `names`, -1 without one, and
            ``_clock``, microseconds since midnight.
        names: sorted symbols of the batch that the day was read with.
    """

    date: dt.date
    frame: pl.DataFrame
    names: NDArray[np.str_]

    def keep(self, rows: pl.Expr | pl.Series) -> "DayRows":
        """Some of the rows."""
        return replace(self, frame=self.frame.filter(rows))

    def tag(self, name: str, values: NDArray[Any]) -> "DayRows":
        """The rows with one more column."""
        return replace(self, frame=self.frame.with_columns(pl.Series(name, values)))

    def stocks(self) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
        """Symbols that the rows name, sorted, and the number of each row's symbol among them."""
        code = self.frame["_code"].to_numpy()
        present = np.bincount(code, minlength=len(self.names)) > 0
        number = np.cumsum(present) - 1
        return self.names[present], number[code]

    def clock(self) -> NDArray[np.int64]:
        """Microseconds since midnight, ``(rows,)``."""
        return self.frame["_clock"].to_numpy()

    def time_key(self) -> NDArray[np.int64]:
        """Numbers that are the same for the same stock and time only, in the order of both."""
        return np.asarray(self.frame["_code"].to_numpy() * _DAY + self.clock())

    def order(self) -> NDArray[np.intp] | slice:
        """What puts the rows in the order of stock, then time, then as reported."""
        clock, key = self.clock(), self.time_key()
        if np.all(key[1:] >= key[:-1]):
            return slice(None)
        if np.all(clock[1:] >= clock[:-1]) and len(self.names) < 1 << 16:
            # Small numbers are sorted in one go, without comparing.
            return np.argsort(self.frame["_code"].to_numpy().astype(np.uint16), kind="stable")
        return np.argsort(key, kind="stable")


def split_by_day(frame: pl.DataFrame, days: Sequence[dt.date]) -> Iterator[DayRows]:
    """Rows of each day, in the order of the days and within one as reported.

    Args:
        frame: rows with ``time`` and ``symbol``; blanks around a symbol do not count.
        days: days to give back, whether they have rows or not.
    """
    names, code = _numbered(frame["symbol"])
    time = frame["time"].to_physical().to_numpy()
    # A multiplication is quicker than a second division.
    number = time // _DAY
    clock = time - number * _DAY
    frame = frame.with_columns(code.alias("_code"), pl.Series("_clock", clock))
    if np.any(np.diff(number) < 0):
        order = np.argsort(number - number.min(initial=0), kind="stable")
        frame, number = frame[order], number[order]
    symbols = names.to_numpy().astype(str)
    epoch = np.datetime64("1970-01-01")
    for day in days:
        wanted = int((np.datetime64(day) - epoch).astype(np.int64))
        first, last = np.searchsorted(number, [wanted, wanted + 1])
        yield DayRows(day, frame[int(first) : int(last)], symbols)


def read_days(
    index: FeedIndex,
    days: Sequence[dt.date],
    tag: Callable[[FileScan], pl.LazyFrame],
    settle: Callable[[DayRows], Day],
) -> Iterator[Day]:
    """Read some days and turn each into something else, a batch read ahead.

    Args:
        index: the table and where its days are.
        days: days of the table, ascending.
        tag: what is done to a file's rows as they are read.
        settle: what becomes of a day.
    """
    groups = itertools.chain.from_iterable(map(index.apart, index.batches(days)))

    def read(group: list[dt.date]) -> tuple[pl.DataFrame, list[dt.date]]:
        return index.read(group, tag), group

    batches = one_ahead(read, groups)
    return map(settle, itertools.chain.from_iterable(itertools.starmap(split_by_day, batches)))


def _numbered(symbol: pl.Series) -> tuple[pl.Series, pl.Series]:
    # Most tables are sorted by symbol: then runs are few, and dear work on text is done on them.
    runs = symbol.rle().struct.unnest()
    value, length = runs["value"].str.strip_chars().replace("", None), runs["len"]
    names = value.drop_nulls().unique().sort()
    code = value.cast(pl.Enum(names)).to_physical().cast(pl.Int64)
    if len(runs) < len(symbol):
        repeats = length.to_numpy()
        number = np.repeat(code.fill_null(-1).to_numpy(), repeats)
        return names, pl.Series(number)
    return names, code.fill_null(-1)
