"""Signal dates: when a score is looked at."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Frequency = Literal["weekly", "daily"]
Calendar = Literal["daily", "weekly", "monthly"]
_DAYS_FROM_MONDAY_TO_EPOCH = 3


def signal_rows(
    dates: NDArray[Any], frequency: Calendar = "weekly", every: int = 1
) -> NDArray[np.intp]:
    """Row numbers of the signal dates of a calendar.

    Weekly: the last trading day of each ISO week (Monday to Sunday); monthly: of each month. The
    calendar's last date is neither: its week may go on, and nothing after it can be traded or
    measured. Always cut the whole calendar, then select, or a period's end becomes the end of a
    week.

    Args:
        dates: ``(T,)`` datetime64[D], ascending.
        frequency: ``daily``, ``weekly`` or ``monthly``.
        every: keep the first of so many signal dates: 2 and ``weekly`` is every other week.

    Example:
        >>> dates = np.arange("2024-01-01", "2024-01-13", dtype="datetime64[D]")
        >>> dates[signal_rows(dates[np.is_busday(dates)])].tolist()[0].isoformat()
        '2024-01-05'
    """
    if frequency == "daily":
        return np.arange(len(dates))[::every]
    days = dates.astype("datetime64[D]")
    week = (days.astype(np.int64) + _DAYS_FROM_MONDAY_TO_EPOCH) // 7
    period = week if frequency == "weekly" else days.astype("datetime64[M]").astype(np.int64)
    return np.flatnonzero(period[1:] != period[:-1])[::every]


def typical_step(rows: NDArray[np.intp]) -> int:
    """Trading days from one signal date to the next, the median; 1 when there is a single date.

    Example:
        >>> typical_step(np.array([4, 9, 14, 17, 22]))
        5
    """
    return int(np.median(np.diff(rows))) if len(rows) > 1 else 1
