"""Price limits by the rule of a stock's board, where no vendor tells them.

==============================  =======  =====================================
board                           share    without a limit
==============================  =======  =====================================
STAR (688, 689)                 20 %     first 5 days of the listing
ChiNext (300, 301, 302)         20 %     likewise; before 2020-08-24 as others
Beijing (4, 8, 92)              30 %     first day
other codes of six digits       10 %     first 5 days of a listing from
                                         2023-04-10 on, first day before
the same, special treatment     5 %      likewise
any other symbol                none
==============================  =======  =====================================

The reference is the last close before the day, adjusted for the corporate actions since. The wider
limits that some boards have on a first day (44 % upwards, 36 % downwards) are not modelled.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.portfolio.policy import Flags, Floats, Index

_SPELLING = re.compile(
    r"(?:SH|SZ|BJ)?(\d{6})(?:\.(?:SH|SZ|BJ|SS|XSHG|XSHE|XBSE|BSE))?", re.IGNORECASE
)
_GROWTH_REFORM = np.datetime64("2020-08-24")
_REGISTRATION = np.datetime64("2023-04-10")
_NONE, _MAIN, _STAR, _GROWTH, _BEIJING = range(5)
_SPECIAL = 0.05
_FREE_DAYS = 5
_LOOK_BACK = 64  # rows searched at once for the last close of a suspended stock


@dataclass(frozen=True)
class BoardLimits:
    """Limits by board, special treatment and age of the listing; nothing of the day is used.

    Args:
        dates: ``(T,)``.
        symbols: ``(N,)`` such as ``600519.SH``, ``SH600519`` or ``600519``.
        close: ``(T, N)`` raw.
        factor: ``(T, N)`` adjustment factor.
        traded: ``(T, N)``.
        listed: ``(T, N)``; a stock that is listed on the first row counts as an old one.
        special: ``(T, N)`` under special treatment; None is nobody.
    """

    dates: NDArray[Any]
    symbols: NDArray[Any]
    close: Floats
    factor: Floats
    traded: Flags
    listed: Flags
    special: Flags | None = None

    @property
    def known(self) -> int:
        """Stocks that have a limit at all."""
        return int((self._boards != _NONE).sum())

    def up(self, row: int, columns: Index) -> Floats:
        """Highest price of some stocks, ``(n,)``, raw; NaN without a limit."""
        cents, share = self._terms(row, columns)
        # A cent at least, as on the exchange; halves are rounded up.
        return np.asarray(np.maximum(_whole(cents * (1 + share)), cents + 1) / 100)

    def down(self, row: int, columns: Index) -> Floats:
        """Lowest price of some stocks, ``(n,)``, raw; NaN without a limit."""
        cents, share = self._terms(row, columns)
        lowest = np.minimum(_whole(cents * (1 - share)), cents - 1)
        return np.asarray(np.maximum(lowest, 1) / 100)

    def _terms(self, row: int, columns: Index) -> tuple[Floats, Floats]:
        cents = _whole(100 * self._reference(row, columns))
        return cents, self._shares(row, columns)

    def _shares(self, row: int, columns: Index) -> Floats:
        board = self._boards[columns]
        reformed = bool(self.dates[row] >= _GROWTH_REFORM)
        share = _shares_of(reformed)[board]
        if self.special is not None:
            share[self.special[row][columns] & (share == 0.10)] = _SPECIAL
        share[row - self._first[columns] < self._free[columns]] = np.nan
        return share

    def _reference(self, row: int, columns: Index) -> Floats:
        found = np.full(len(columns), np.nan)
        if row == 0:
            return found
        day = row - 1
        known = self.traded[day][columns]
        ratio = self.factor[day][columns] / self.factor[row][columns]
        np.copyto(found, self.close[day][columns] * ratio, where=known)
        missing = np.flatnonzero(~known)
        while len(missing) and day > 0:
            first = max(day - _LOOK_BACK, 0)
            asked = columns[missing]
            seen = self.traded[first:day, asked]
            some = seen.any(axis=0)
            last = day - 1 - np.argmax(seen[::-1], axis=0)
            place, cell = missing[some], (last[some], asked[some])
            found[place] = self.close[cell] * self.factor[cell] / self.factor[row, asked[some]]
            missing, day = missing[~some], first
        return found

    @cached_property
    def _boards(self) -> NDArray[np.int8]:
        return np.array([_board(str(symbol)) for symbol in self.symbols], dtype=np.int8)

    @cached_property
    def _first(self) -> NDArray[np.int64]:
        ever = self.listed.any(axis=0)
        return np.where(ever, np.argmax(self.listed, axis=0), len(self.dates))

    @cached_property
    def _free(self) -> NDArray[np.int64]:
        date = self.dates[np.minimum(self._first, len(self.dates) - 1)]
        reformed = np.where(self._boards == _GROWTH, _GROWTH_REFORM, _REGISTRATION)
        days = np.where((self._boards == _STAR) | (date >= reformed), _FREE_DAYS, 1)
        days[self._boards == _BEIJING] = 1
        # Nothing is known of listings before the first row.
        days[self._first == 0] = 0
        return days


def _shares_of(reformed: bool) -> Floats:
    return np.array([np.nan, 0.10, 0.20, 0.20 if reformed else 0.10, 0.30])


def _whole(cents: Floats) -> Floats:
    # The slack is above the rounding of a product, and below any true distance to a half.
    return np.floor(cents + 0.5 + 1e-6)


def _board(symbol: str) -> int:
    match = _SPELLING.fullmatch(symbol)
    if match is None:
        return _NONE
    code = match[1]
    if code.startswith(("688", "689")):
        return _STAR
    if code.startswith(("300", "301", "302")):
        return _GROWTH
    return _BEIJING if code.startswith(("4", "8", "92")) else _MAIN
