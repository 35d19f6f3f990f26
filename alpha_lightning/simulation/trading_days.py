"""The simulated exchange's calendar: weekdays less a rule of fixed holidays."""

import numpy as np

from alpha_lightning.simulation.arrays import Dates

_HOLIDAYS = (("01-01", 1), ("02-01", 7), ("04-04", 2), ("05-01", 5), ("06-10", 1), ("10-01", 7))


def trading_days(start: str, count: int) -> Dates:
    """The first ``count`` trading days on or after a date, ``(count,)`` datetime64[D].

    Closed are weekends, New Year, the first week of February, 4-5 April, 1-5 May, 10 June and the
    first week of October: about 244 trading days a year.

    Example:
        >>> [str(day) for day in trading_days("2019-04-03", 3)]
        ['2019-04-03', '2019-04-08', '2019-04-09']
    """
    first = int(start[:4])
    holidays = [
        np.datetime64(f"{year:04d}-{month_day}") + offset
        for year in range(first, first + count // 240 + 2)
        for month_day, length in _HOLIDAYS
        for offset in range(length)
    ]
    calendar = np.busdaycalendar(holidays=np.array(holidays, dtype="datetime64[D]"))
    opening = np.busday_offset(start, 0, roll="forward", busdaycal=calendar)
    return np.asarray(np.busday_offset(opening, np.arange(count), busdaycal=calendar))


def month_of(date: np.datetime64) -> int:
    """Month of a date, 1 to 12.

    Example:
        >>> month_of(np.datetime64("2019-04-03"))
        4
    """
    return int(date.astype("datetime64[M]").astype(np.int64)) % 12 + 1
