"""Vintages: every date boundary of training, validation and output, and its purge, in one place.

A vintage is the year a network serves. Two schemes say which dates it may learn from:

* ``oos_lagged`` (default): the vintage serving year Y learns from dates before year Y - 1 and
  supplies factors for Y - 1 and Y, so that the weighting model, too, sees only its out-of-sample
  factors.
* ``in_sample``: the newest vintage learns from dates before year Y and recomputes Y - 1, which it
  was trained on (optimistic: a report must show the gap).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.returns import LABEL

Dates = NDArray[np.datetime64]
Index = NDArray[np.intp]
LABEL_SPAN = sum(LABEL)
"""Trading days from a date to the end of its label."""


@dataclass(frozen=True)
class VintageRule:
    """How a vintage is cut."""

    scheme: Literal["oos_lagged", "in_sample"] = "oos_lagged"
    """Which years the network learns from and which it supplies."""
    max_years: int = 8
    """Longest history a network learns from, in years; the window expands from the first date."""
    train_share: float = 0.8
    """Share of the learning dates used to train; the rest, later in time, validate."""
    label_span: int = LABEL_SPAN
    """Trading days from a date to the end of its label; one more is dropped at each boundary."""

    def __post_init__(self) -> None:
        if self.scheme not in ("oos_lagged", "in_sample"):
            msg = f"unknown vintage scheme {self.scheme!r}: choose oos_lagged or in_sample"
            raise PanelError(msg)
        if not 0 < self.train_share < 1 or self.max_years < 1 or self.label_span < 1:
            msg = f"a vintage needs 0 < train_share < 1, max_years >= 1, label_span >= 1: {self}"
            raise PanelError(msg)

    @property
    def purge(self) -> int:
        """Trading days dropped before each boundary."""
        return self.label_span + 1


@dataclass(frozen=True)
class Vintage:
    """Date indices of one vintage; `train`, `valid` and `output` are disjoint in ``oos_lagged``.

    Args:
        year: the year served.
        train: dates to learn from.
        valid: later dates to stop early on.
        output: dates factors are exported for, years ``year - 1`` and ``year``.
        serve: dates of ``year``, where scores are made.
        out_of_sample_from: first date index that no label of training or validation reaches.
    """

    year: int
    train: Index
    valid: Index
    output: Index
    serve: Index
    out_of_sample_from: int


def purge_before(index: int, label_span: int = LABEL_SPAN) -> int:
    """First date index to drop so that labels of all earlier dates end before date ``index``.

    The label of the last kept date ends two dates before ``index``: known, whatever the hour.

    Example:
        >>> purge_before(100)
        88
    """
    return max(index - (label_span + 1), 0)


def cut_vintage(dates: Dates, year: int, rule: VintageRule | None = None) -> Vintage:
    """Cut one vintage out of a calendar.

    Args:
        dates: ``(T,)`` trading dates, ascending.
        year: the year served.
        rule: the scheme and its sizes.

    Raises:
        PanelError: nothing to learn from, nothing to validate on, or nothing to serve.

    Example:
        >>> dates = np.arange("2018-01-01", "2023-01-01", dtype="datetime64[D]")
        >>> vintage = cut_vintage(dates, 2022)
        >>> str(dates[vintage.valid[-1]]), str(dates[vintage.output[0]])
        ('2020-12-19', '2021-01-01')
    """
    rule = rule or VintageRule()
    first_unknown = year - 1 if rule.scheme == "oos_lagged" else year
    boundary = _start_of(dates, first_unknown)
    start = _start_of(dates, first_unknown - rule.max_years)
    learn = np.arange(start, purge_before(boundary, rule.label_span))
    split = start + round(rule.train_share * len(learn))
    train = np.arange(start, max(purge_before(split, rule.label_span), start))
    valid = np.arange(split, max(learn[-1] + 1 if len(learn) else split, split))
    serve = np.arange(_start_of(dates, year), _start_of(dates, year + 1))
    output = np.arange(_start_of(dates, year - 1), _start_of(dates, year + 1))
    for name, part in (("training", train), ("validation", valid), ("output", serve)):
        if len(part) == 0:
            msg = _no_dates(name, year, first_unknown, dates, rule)
            raise PanelError(msg)
    return Vintage(year, train, valid, output, serve, boundary)


def _start_of(dates: Dates, year: int) -> int:
    return int(np.searchsorted(dates, np.datetime64(f"{year:04d}-01-01")))


def _no_dates(name: str, year: int, until: int, dates: Dates, rule: VintageRule) -> str:
    remedy = "an earlier" if name == "output" else "a later"
    span = f"the panel holds {dates[0]} to {dates[-1]}" if len(dates) else "the panel is empty"
    return (
        f"vintage {year} ({rule.scheme}) has no {name} dates: {span}, it learns from dates before"
        f" {until}-01-01 less {rule.purge} purged trading days: choose {remedy} vintage"
        " or ingest a longer history"
    )
