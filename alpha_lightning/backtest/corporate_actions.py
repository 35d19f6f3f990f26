"""Splits, bonus shares and cash dividends of held stocks."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.corporate_events import CorporateEvents
from alpha_lightning.backtest.settings import ExecutionSettings
from alpha_lightning.portfolio.policy import Flags, Floats, Index

_NO_CHANGE = 1e-9
_ROUNDING = 1e-4  # factors with few digits wander by less between two events of a table
_CHANGES = "the adjustment factor of {} changes"
_TOLD = "the table of corporate actions divides the price of {}"
_LARGE = 0.25  # of the logarithm; a smaller jump hides in a day's price move


class Booking(NamedTuple):
    """What a day's corporate actions do to held stocks, ``(n,)`` each.

    Args:
        growth: shares after the actions, of one before.
        cash: per share held before, before tax.
        marks: raw price of a share after them, at which nobody has traded yet.
    """

    growth: Floats
    cash: Floats
    marks: Floats


class _Held(NamedTuple):
    row: int
    columns: Index
    marks: Floats
    change: Floats


@dataclass(frozen=True)
class CorporateActions:
    """Books what the adjustment factor or a table of events tells.

    A table is believed from its first to its last date, and the factor only held against it; on
    other dates, and without a table, the change of the factor itself is booked. A change of more
    than a quarter that the day's open does not follow is unexplained, and so is a change of the
    factor that the table does not know.

    Args:
        dates: ``(T,)``.
        symbols: ``(N,)``.
        factor: ``(T, N)``: raw price times factor is the adjusted price.
        opens: ``(T, N)`` raw.
        traded: ``(T, N)``.
        events: the table.
    """

    dates: NDArray[Any]
    symbols: NDArray[Any]
    factor: Floats
    opens: Floats
    traded: Flags
    events: CorporateEvents | None = None

    def on(
        self, row: int, columns: Index, marks: Floats, execution: ExecutionSettings
    ) -> Booking | None:
        """Actions of a date before its open.

        Args:
            row: the date's.
            columns: ``(n,)`` held stocks.
            marks: ``(n,)`` their last raw prices.
            execution: how a change of the factor is booked.

        Returns:
            None when nothing changes.

        Raises:
            UserError: a dividend as large as the price; or an unexplained change under
                ``factor_jumps: refuse``.
        """
        if row == 0:
            return None
        held = _Held(row, columns, marks, self.factor[row][columns] / self.factor[row - 1][columns])
        if self.events is not None:
            held.change[self._told_before(self.events, held)] = 1.0
            if self.events.covers(row):
                return self._told(self.events, held, execution)
        jump = np.abs(held.change - 1) > _NO_CHANGE
        if not jump.any():
            return None
        wrong = jump & self._unmoved(held)
        if wrong.any():
            if execution.factor_jumps == "refuse":
                raise self._refusal(held, wrong, "but its price does not")
            if execution.factor_jumps == "ignore":
                jump &= ~wrong
        return _from_factor(np.where(jump, held.change, 1.0), marks, execution)

    def _told_before(self, events: CorporateEvents, held: _Held) -> list[int]:
        # Who comes back from a suspension with a factor that only now catches up with an event
        # which the table told, and which was booked, while the stock was away.
        before = held.row - 1
        away = (np.abs(held.change - 1) > _NO_CHANGE) & ~self.traded[before][held.columns]
        found = []
        for k in np.flatnonzero(away).tolist():
            column, last = held.columns[k], before
            while last > 0 and not self.traded[last, column]:
                last -= 1
            still = self.factor[before, column] == self.factor[last, column]
            if still and events.any_of(column, last + 1, held.row):
                found.append(k)
        return found

    def _told(
        self, events: CorporateEvents, held: _Held, execution: ExecutionSettings
    ) -> Booking | None:
        cash, shares, known = events.of(held.row, held.columns)
        unknown = ~known & (np.abs(held.change - 1) > _ROUNDING)
        if not known.any() and not unknown.any():
            return None
        large = known & (cash >= held.marks)
        if large.any():
            raise self._too_large(held, cash, large)
        growth = 1 + shares
        marks = (held.marks - cash) / growth
        wrong = known & self._unmoved(held._replace(change=held.marks / marks))
        if execution.factor_jumps == "refuse" and wrong.any():
            told = held._replace(change=held.marks / marks)
            raise self._refusal(told, wrong, "but it does not fall so far", _TOLD)
        if execution.factor_jumps == "refuse" and unknown.any():
            raise self._refusal(held, unknown, "but the table of corporate actions has no event")
        if execution.factor_jumps == "ignore":
            growth[wrong], cash[wrong], marks[wrong] = 1.0, 0.0, held.marks[wrong]
        elif unknown.any():
            other = _from_factor(held.change, held.marks, execution)
            growth[unknown], cash[unknown] = other.growth[unknown], other.cash[unknown]
            marks[unknown] = other.marks[unknown]
        return Booking(growth, cash, marks)

    def _unmoved(self, held: _Held) -> Flags:
        size = np.abs(np.log(held.change))
        wrong: Flags = (size > _LARGE) & self.traded[held.row][held.columns]
        if wrong.any():
            move = np.log(self.opens[held.row][held.columns] / held.marks)
            wrong &= np.abs(move + np.log(held.change)) > np.maximum(_LARGE, np.abs(move))
        return wrong

    def _refusal(
        self, held: _Held, wrong: Flags, reason: str, subject: str = _CHANGES
    ) -> UserError:
        k = int(np.argmax(wrong))
        open_ = self.opens[held.row, held.columns[k]]
        what = subject.format(self.symbols[held.columns[k]])
        return UserError(
            f"{what} by {held.change[k]:.6g} on {self.dates[held.row]}, {reason} (last close"
            f" {held.marks[k]:.6g}, open {open_:.6g}): mend the data, or set"
            " execution.factor_jumps to ignore (book nothing) or keep (book it)"
        )

    def _too_large(self, held: _Held, cash: Floats, large: Flags) -> UserError:
        k = int(np.argmax(large))
        return UserError(
            f"the table of corporate actions gives {self.symbols[held.columns[k]]} a dividend of"
            f" {cash[k]:.6g} a share on {self.dates[held.row]}, its last price is"
            f" {held.marks[k]:.6g}: give cash per share, not per ten shares"
        )


def _from_factor(change: Floats, marks: Floats, execution: ExecutionSettings) -> Booking:
    after = marks / change
    if execution.corporate_actions == "shares":
        return Booking(change, np.zeros(len(marks)), after)
    split = (change < 1) | (change >= execution.split_from)
    return Booking(np.where(split, change, 1.0), np.where(split, 0.0, marks - after), after)
