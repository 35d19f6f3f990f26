"""Trading calendar: given by a file, or read off the daily bars."""

from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.errors import PanelError

Dates = NDArray[np.datetime64]
_THIN_SHARE = 0.05
_THIN_FLOOR = 20


def read_calendar(path: str | Path) -> Dates:
    """Trading dates from a text file, one ISO date a line, ascending.

    Raises:
        PanelError: no file, a line that is not a date, or a date out of order; the line is named.
    """
    file = Path(path)
    lines = [(k, line.strip()) for k, line in enumerate(read_lines(file), 1) if line.strip()]
    if not lines:
        msg = f"calendar {file} is empty: it needs one ISO date a line"
        raise PanelError(msg)
    dates = np.array([_parse(line, k, file) for k, line in lines], dtype="datetime64[D]")
    wrong = np.flatnonzero(dates[1:] <= dates[:-1])
    if len(wrong):
        first = int(wrong[0])
        msg = (
            f"calendar {file} line {lines[first + 1][0]}: {dates[first + 1]} does not come after"
            f" {dates[first]}: sort the file and remove repeated dates"
        )
        raise PanelError(msg)
    return dates


def read_lines(file: Path) -> list[str]:
    """Lines of a UTF-8 text file, with or without a byte-order mark.

    Raises:
        PanelError: the file cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file} cannot be read ({error}): check the path and that it is UTF-8 text"
        raise PanelError(msg) from error


def infer_calendar(dates: Dates) -> Dates:
    """Trading dates read off a table: weekdays on which a usual number of symbols has a row.

    A date with fewer than 5 % of the rows of the busiest of the ten dates before it (when that is
    at least 20) is not a trading day but an accident of the table. Only earlier dates decide.

    Args:
        dates: ``(rows,)`` datetime64[D], one per row of the table, in any order.

    Example:
        >>> infer_calendar(np.array(["2024-01-05", "2024-01-06"], dtype="datetime64[D]")).tolist()
        [datetime.date(2024, 1, 5)]
    """
    days, rows = np.unique(dates, return_counts=True)
    weekday = is_weekday(days)
    days, rows = days[weekday], rows[weekday]
    padded = np.pad(rows, (10, 0))
    busiest = np.max([padded[k : k + len(rows)] for k in range(10)], axis=0)
    thin = (rows < _THIN_SHARE * busiest) & (busiest >= _THIN_FLOOR)
    return np.asarray(days[~thin])


def is_weekday(dates: Dates) -> NDArray[np.bool_]:
    """Whether each date is a Monday to Friday."""
    # 1970-01-01 was a Thursday, the fourth day of its week.
    return (dates.astype(np.int64) + 3) % 7 < 5


def _parse(line: str, number: int, file: Path) -> date:
    try:
        return date.fromisoformat(line)
    except ValueError as error:
        msg = f"calendar {file} line {number}: {line!r} is not a date such as 2024-01-31"
        raise PanelError(msg) from error
