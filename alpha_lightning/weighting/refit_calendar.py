"""When the weighting model is fitted again, and on which dates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.vintages import Vintage, purge_before
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Refit:
    """One fit and the months it serves; all dates are positions in the panel's dates.

    Args:
        train: dates to learn from.
        valid: later dates to stop early on; their labels end before the first of ``serve``.
        serve: dates of the months, the fit's own date first.
    """

    train: Index
    valid: Index
    serve: Index


def plan_refits(
    dates: NDArray[Any],
    vintage: Vintage,
    learnable: Index,
    settings: LightGBMSettings,
    label_span: int,
) -> tuple[Refit, ...]:
    """Refits of a vintage's year, one every ``settings.refit_every`` months.

    A fit on the first trading date r of its first month learns from the last ``settings.window`` of
    the vintage's learnable output dates whose label is known before r. The last
    ``settings.valid_share`` of them validate; training dates whose label reaches into those are
    dropped.

    Args:
        dates: ``(T,)`` trading dates.
        vintage: whose ``serve`` dates are planned and whose ``output`` dates may be learnt from.
        learnable: ascending positions of the dates that have something to learn from.
        settings: window, validation share and months between fits.
        label_span: trading days from a date to the end of its label.

    Returns:
        Refits in order; ``train`` and ``valid`` may be empty early in a history.
    """
    _, month = np.unique(dates[vintage.serve].astype("datetime64[M]"), return_inverse=True)
    own = np.intersect1d(vintage.output, learnable)
    turn = month // settings.refit_every
    return tuple(
        _refit(vintage.serve[turn == k], own, settings, label_span) for k in range(turn[-1] + 1)
    )


def first_learnt(plan: tuple[Refit, ...]) -> int:
    """Position of the first date that any fit of a plan learns from; of its first month if none."""
    return min(int(np.r_[refit.train, refit.serve][0]) for refit in plan)


def _refit(serve: Index, own: Index, settings: LightGBMSettings, label_span: int) -> Refit:
    known = own[own < purge_before(int(serve[0]), label_span)][-settings.window :]
    split = len(known) - round(settings.valid_share * len(known))
    train, valid = known[:split], known[split:]
    if len(valid):
        train = train[train < purge_before(int(valid[0]), label_span)]
    return Refit(train, valid, serve)
