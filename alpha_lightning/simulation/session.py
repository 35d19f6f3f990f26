"""The trading day's clock: auctions, bars and prints, and what each usually brings."""

from dataclasses import dataclass, field

import numpy as np

from alpha_lightning.simulation.arrays import Floats, Numbers

OPENING = 9 * 60 + 25
"""Minute of the opening auction; the closing auction's is the last bar's end, 15:00."""
_MORNING, _AFTERNOON, _HALF = 9 * 60 + 30, 13 * 60, 120
_OPENING_SHARE, _CLOSING_SHARE = 0.010, 0.015
_BEND = 2.0


@dataclass(frozen=True)
class Session:
    """A day from 09:30 to 11:30 and from 13:00 to 15:00, cut into ``B`` bars of ``P`` prints.

    Prints are numbered from the opening auction, 0, over continuous trading, 1 to ``B P``, to the
    closing auction, ``B P + 1``; a step leads from each print to the next. Both profiles are
    symmetric in time and U-shaped: the day's ends bring three times what noon brings.

    Args:
        bar_minutes: length of a bar.
        prints: of a bar.

    Attributes:
        bars: ``B``.
        starts: ``(B,)`` minute of the day at which each bar begins; it ends `bar_minutes` later.
        variance: ``(B P + 1,)`` share of the variance from open to close that each step brings.
        volume: ``(B P + 2,)`` usual share of the day's volume that each print brings.

    Example:
        >>> session = Session(bar_minutes=30, prints=2)
        >>> session.starts.tolist()
        [570, 600, 630, 660, 780, 810, 840, 870]
        >>> session.volume.round(2).tolist()[:3]
        [0.01, 0.09, 0.09]
    """

    bar_minutes: int
    prints: int
    bars: int = field(init=False)
    starts: Numbers = field(init=False, repr=False)
    variance: Floats = field(init=False, repr=False)
    volume: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        half = np.arange(0, _HALF, self.bar_minutes)
        starts = np.concatenate([_MORNING + half, _AFTERNOON + half])
        # The prints of a bar are alike, and so are bars, relative to what they usually bring.
        by_bar = (1 - _OPENING_SHARE - _CLOSING_SHARE) * _u_shape(len(starts))
        continuous = np.repeat(by_bar / self.prints, self.prints)
        object.__setattr__(self, "bars", len(starts))
        object.__setattr__(self, "starts", starts)
        object.__setattr__(self, "variance", _u_shape(len(continuous) + 1))
        volume = np.concatenate([[_OPENING_SHARE], continuous, [_CLOSING_SHARE]])
        object.__setattr__(self, "volume", volume)

    @property
    def bar_variance(self) -> Floats:
        """Share of the variance of each bar, ``(B,)``, the steps of both auctions included."""
        return self._by_bar(self.variance[:-1], self.variance[-1])

    @property
    def bar_volume(self) -> Floats:
        """Usual share of each bar in the day's volume, ``(B,)``, the opening auction left out."""
        return self._by_bar(self.volume[1:-1], self.volume[-1])

    @property
    def ends(self) -> Floats:
        """1 in the bars of the first and of the last hour, else 0, ``(B,)``."""
        hour = 60 // self.bar_minutes
        bar = np.arange(self.bars)
        return ((bar < hour) | (bar >= self.bars - hour)).astype(np.float64)

    def _by_bar(self, continuous: Floats, closing: float) -> Floats:
        bars: Floats = continuous.reshape(self.bars, self.prints).sum(axis=1)
        bars[-1] += closing
        return bars


def _u_shape(count: int) -> Floats:
    place = (2 * np.arange(count) + 1) / count - 1
    weight = 1 + _BEND * place**2
    return np.asarray(weight / weight.sum())
