"""Price limits by board, and special treatment (ST), which narrows them."""

from dataclasses import dataclass

import numpy as np

from alpha_lightning.simulation.arrays import Flags, Floats
from alpha_lightning.simulation.settings import LimitSettings


@dataclass(frozen=True)
class Limits:
    """Prices that a day's prints may not leave.

    Args:
        up: ``(N,)`` CNY, two decimals; NaN without a limit.
        down: likewise.
    """

    up: Floats
    down: Floats


def limits_of(reference: Floats, share: Floats, free: Flags) -> Limits:
    """Limits of a day.

    Args:
        reference: ``(N,)`` close of the day before, adjusted for the day's ex-events, CNY.
        share: ``(N,)`` largest move in either direction.
        free: ``(N,)`` who has no limit.

    Example:
        >>> limits = limits_of(np.array([12.34, 0.07]), np.array([0.1, 0.05]), np.zeros(2, bool))
        >>> limits.up.tolist(), limits.down.tolist()
        ([13.57, 0.08], [11.11, 0.06])
    """
    cents = np.rint(100 * reference)
    # A cent at least, as on the exchange; halves are rounded up.
    up = np.maximum(np.floor(cents * (1 + share) + 0.5 + 1e-6), cents + 1)
    down = np.minimum(np.floor(cents * (1 - share) + 0.5 + 1e-6), cents - 1)
    up, down = (np.where(free, np.nan, price / 100) for price in (up, np.maximum(down, 1)))
    return Limits(up, down)


class SpecialTreatment:
    """Who is under special treatment, day after day; nothing of it depends on prices.

    Args:
        settings: mean share and length.
        growth: ``(N,)`` who is listed on the growth board.
    """

    def __init__(self, settings: LimitSettings, growth: Flags) -> None:
        self._settings = settings
        self._growth = growth
        self._special: Flags | None = None

    def step(self, generator: np.random.Generator) -> tuple[Flags, Floats]:
        """Who is under special treatment on the day, and the largest moves, ``(N,)`` each."""
        settings, draw = self._settings, generator.random(len(self._growth))
        share, leave = settings.special_share, 1 / settings.special_days
        if self._special is None:
            self._special = draw < share
        else:
            # As many enter as leave, so that the mean share stays.
            enter = leave * share / (1 - share)
            self._special = np.where(self._special, draw >= leave, draw < enter)
        board = np.where(self._growth, settings.growth, settings.main)
        return self._special, np.where(self._special, settings.special, board)
