"""Dates that a user gives, as rows of the panel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError


def row_since(dates: NDArray[Any], text: str, name: str) -> int:
    """First row on or after a date.

    Args:
        dates: ``(T,)`` datetime64[D], ascending.
        text: an ISO date, or a year.
        name: of the option, for the message.

    Raises:
        UserError: not a date, or after the last one.

    Example:
        >>> dates = np.array(["2019-12-31", "2020-01-02"], dtype="datetime64[D]")
        >>> row_since(dates, "2020", "since")
        1
    """
    row = int(np.searchsorted(dates, parse_date(text, name)))
    if row == len(dates):
        msg = f"--{name} {text} is after the last date {dates[-1]}: choose an earlier one"
        raise UserError(msg)
    return row


def parse_date(text: str, name: str) -> np.datetime64:
    """A date from its ISO text.

    Raises:
        UserError: it is none.
    """
    msg = f"--{name} {text} is not a date: write it as 2020-01-31"
    try:
        date = np.datetime64(str(text), "D")
    except ValueError as error:
        raise UserError(msg) from error
    # numpy reads an empty text as no date, and sorts it after every date.
    if np.isnat(date):
        raise UserError(msg)
    return date


def row_until(dates: NDArray[Any], text: str, name: str = "end") -> int:
    """Last row on or before a date.

    Raises:
        UserError: not a date, or before the first one.
    """
    row = int(np.searchsorted(dates, parse_date(text, name), side="right")) - 1
    if row < 0:
        msg = f"--{name} {text} is before the first date {dates[0]}: choose a later one"
        raise UserError(msg)
    return row
