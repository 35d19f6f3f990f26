"""What is odd about a day of intraday data, beside the panel's daily bars."""

import csv
from collections import Counter
from dataclasses import dataclass, field
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.characteristics.day_store import StockDay
from alpha_lightning.characteristics.stock_facts import StockFacts

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
VOLUME = "volume differs from the daily bar's"
ABSENT = "absent on a day with a daily bar"
ALL_ABSENT = "no stock has rows"
IDLE = "trades on a day without a daily bar"
UNKNOWN = "symbol is not in the panel"
_SINGLE = "a single trade"
_AUCTION = "trades in an auction only"
_TWICE = "repeated rows"
_CROSSED = "sides that contradict the order numbers"
_UNSIDED = "missing sides"
_CLOSE = 0.2


@dataclass(frozen=True)
class DailyRow:
    """The panel on one date.

    Args:
        date: of the row.
        traded: ``(N,)``.
        volume: ``(N,)`` shares.
    """

    date: np.datetime64
    traded: Flags
    volume: Floats


@dataclass
class DayChecks:
    """Checks of one date after another, written as lines of ``date, symbol, what, value``.

    Args:
        file: where the lines go.
        symbols: ``(N,)`` of the panel, sorted.
        tolerance: relative difference of volumes that is let pass.
        lot: shares of a lot.
        counts: lines by what they say.
        strangers: dates with a symbol that the panel does not know, by symbol.
        absent_dates: dates on which stocks traded and the table has no rows.
        compared: stock-days with a volume in both.
        many_times: those on which one is a lot's number of times the other.
    """

    file: TextIO
    symbols: NDArray[np.str_]
    tolerance: float
    lot: int
    counts: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    many_times: int = 0
    strangers: Counter[str] = field(default_factory=Counter)
    absent_dates: list[np.datetime64] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._heard = np.zeros(len(self.symbols), dtype=bool)
        self._wanted = self._heard.copy()
        self._writer = csv.writer(self.file, lineterminator="\n")
        self._writer.writerow(["date", "symbol", "what", "value"])

    def unheard(self) -> list[str]:
        """Symbols that trade in the panel and never appear in the table."""
        return [str(symbol) for symbol in self.symbols[self._wanted & ~self._heard]]

    @property
    def heard(self) -> bool:
        """Whether any symbol of the panel has appeared."""
        return bool(self._heard.any())

    def add(self, row: DailyRow, day: StockDay | None, place: NDArray[np.intp]) -> None:
        """Check one date.

        Args:
            row: what the panel says.
            day: what the table says; None when it has no rows of the date.
            place: ``(n,)`` column of each of the day's symbols, -1 where the panel has none.
        """
        self._wanted |= row.traded
        if day is None:
            if row.traded.any():
                self.absent_dates.append(row.date)
                self._write(row.date, [("", ALL_ABSENT, float(row.traded.sum()))])
            return
        known = place >= 0
        self._heard[place[known]] = True
        self.strangers.update(day.symbols[~known].tolist())
        facts = dict(zip(StockFacts.names(), day.facts.T, strict=True))
        lines = [
            *self._against_panel(row, facts["day_volume"][known], place[known]),
            *_lines(UNKNOWN, ~known, day.symbols, facts["trades"]),
            *_oddities(day.symbols, facts),
            *(("", f"left out: {why}", float(n)) for why, n in day.sifting.left_out.items()),
            *(("", f"bad rows: {why}", float(n)) for why, n in day.sifting.bad.items()),
        ]
        self._write(row.date, sorted(lines))

    def _against_panel(
        self, row: DailyRow, shares: Floats, place: NDArray[np.intp]
    ) -> list[tuple[str, str, float]]:
        volume = np.zeros(len(self.symbols))
        volume[place] = shares
        there = volume > 0
        both = there & row.traded
        ratio = np.where(both, volume, 1.0) / np.where(both, row.volume, 1.0)
        times = np.maximum(ratio, 1 / ratio)
        self.compared += int(both.sum())
        self.many_times += int((both & (np.abs(times / self.lot - 1) < _CLOSE)).sum())
        differs = np.abs(ratio - 1) > self.tolerance
        return [
            *_lines(ABSENT, row.traded & ~there, self.symbols, row.volume),
            *_lines(IDLE, there & ~row.traded, self.symbols, volume),
            *_lines(VOLUME, differs, self.symbols, ratio - 1),
        ]

    def _write(self, date: np.datetime64, lines: list[tuple[str, str, float]]) -> None:
        for symbol, what, value in lines:
            self._writer.writerow([str(date), symbol, what, f"{value:.6g}"])
            self.counts[what] += 1


def _oddities(symbols: NDArray[np.str_], facts: dict[str, Floats]) -> list[tuple[str, str, float]]:
    trades = facts["trades"]
    return [
        *_lines(_SINGLE, trades == 1, symbols, facts["day_volume"]),
        *_lines(_AUCTION, (trades > 0) & (facts["continuous"] == 0), symbols, facts["day_volume"]),
        *_lines(_TWICE, facts["duplicates"] > 0, symbols, facts["duplicates"]),
        *_lines(_UNSIDED, facts["unsided"] > 0, symbols, facts["unsided"]),
        *_lines(_CROSSED, facts["crossed"] > 0, symbols, facts["crossed"]),
    ]


def _lines(
    what: str, rows: Flags, symbols: NDArray[np.str_], values: Floats
) -> list[tuple[str, str, float]]:
    return [
        (str(symbol), what, float(value))
        for symbol, value in zip(symbols[rows], values[rows], strict=True)
    ]
