"""What is odd about a day of intraday data, beside the panel's daily bars."""

import csv
import datetime as dt
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
CLOSE = "close differs from the daily bar's"
RANGE = "high or low outside the daily bar's"
MONEY = "amount / volume outside the day's low to high"
ABSENT = "absent on a day with a daily bar"
ALL_ABSENT = "no stock has rows"
IDLE = "trades on a day without a daily bar"
UNKNOWN = "symbol is not in the panel"
_SINGLE = "a single trade"
_AUCTION = "trades in an auction only"
_TWICE = "repeated rows"
_CROSSED = "sides that contradict the order numbers"
_UNSIDED = "missing sides"
_NO_SIDES = "no trade tells its side"
_NEAR = 0.2
PRICE_TOLERANCE = 0.005
"""Relative difference of prices that is let pass: a daily close may be an average of trades."""
_TOTALS = ("continuous", "unsided", "by_order")


@dataclass(frozen=True)
class DailyRow:
    """The panel on one date.

    Args:
        date: of the row.
        traded: ``(N,)``.
        volume: ``(N,)`` shares.
        close: ``(N,)`` raw price; likewise high and low.
        high: of the day.
        low: of the day.
    """

    date: np.datetime64
    traded: Flags
    volume: Floats
    close: Floats
    high: Floats
    low: Floats


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
        unknown_dates: dates of the table, after the panel's first, that the panel lacks.
        totals: of all days, of the counts that tell how trades got their sides.
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
    unknown_dates: list[dt.date] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)

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
        self.totals.update({name: int(facts[name].sum()) for name in _TOTALS})
        ours = {name: self._by_column(facts[name][known], place[known]) for name in facts}
        lines = [
            *self._against_panel(row, ours["day_volume"]),
            *self._prices(row, ours),
            *_lines(UNKNOWN, ~known, day.symbols, facts["trades"]),
            *_oddities(day.symbols, facts),
            *(("", f"left out: {why}", float(n)) for why, n in day.sifting.left_out.items()),
            *(("", f"bad rows: {why}", float(n)) for why, n in day.sifting.bad.items()),
        ]
        self._write(row.date, sorted(lines))

    def _by_column(self, values: Floats, place: NDArray[np.intp]) -> Floats:
        out = np.full(len(self.symbols), np.nan)
        out[place] = values
        return out

    def _against_panel(self, row: DailyRow, volume: Floats) -> list[tuple[str, str, float]]:
        there = volume > 0
        both = there & row.traded
        ratio = np.where(both, volume, 1.0) / np.where(both, row.volume, 1.0)
        times = np.maximum(ratio, 1 / ratio)
        self.compared += int(both.sum())
        self.many_times += int((both & (np.abs(times / self.lot - 1) < _NEAR)).sum())
        differs = np.abs(ratio - 1) > self.tolerance
        return [
            *_lines(ABSENT, row.traded & ~there, self.symbols, row.volume),
            *_lines(IDLE, there & ~row.traded, self.symbols, volume),
            *_lines(VOLUME, differs, self.symbols, ratio - 1),
        ]

    def _prices(self, row: DailyRow, ours: dict[str, Floats]) -> list[tuple[str, str, float]]:
        """Prices beside the daily bar's, and money beside the table's own prices.

        Auctions may lie outside a table's bars and extended hours outside its sessions, so that its
        range may be narrower than the daily bar's, but not wider.
        """
        both = row.traded & (ours["day_volume"] > 0)
        low, high, last = (ours[f"day_{name}"] for name in ("low", "high", "close"))
        with np.errstate(divide="ignore", invalid="ignore"):
            close, above, below = last / row.close - 1, high / row.high - 1, low / row.low - 1
            a_share = ours["day_amount"] / ours["day_volume"]
        wide = np.where(above > PRICE_TOLERANCE, above, below)
        outside = (above > PRICE_TOLERANCE) | (below < -PRICE_TOLERANCE)
        # What is let pass of a volume is let pass of what is divided by it.
        slack = max(self.tolerance, PRICE_TOLERANCE)
        unlike = (a_share < low * (1 - slack)) | (a_share > high * (1 + slack))
        return [
            *_lines(CLOSE, both & (np.abs(close) > PRICE_TOLERANCE), self.symbols, close),
            *_lines(RANGE, both & outside, self.symbols, wide),
            *_lines(MONEY, both & unlike, self.symbols, a_share / last - 1),
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
        *_missing_sides(symbols, facts),
        *_lines(_CROSSED, facts["crossed"] > 0, symbols, facts["crossed"]),
    ]


def _missing_sides(
    symbols: NDArray[np.str_], facts: dict[str, Floats]
) -> list[tuple[str, str, float]]:
    unsided = facts["unsided"]
    if unsided.any() and unsided.sum() == facts["continuous"].sum():
        return [("", _NO_SIDES, float(unsided.sum()))]  # one line: it is a habit of the table
    return _lines(_UNSIDED, unsided > 0, symbols, unsided)


def _lines(
    what: str, rows: Flags, symbols: NDArray[np.str_], values: Floats
) -> list[tuple[str, str, float]]:
    return [
        (str(symbol), what, float(value))
        for symbol, value in zip(symbols[rows], values[rows], strict=True)
    ]
