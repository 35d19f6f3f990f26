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
    """One fit and the month it serves; all dates are positions in the panel's dates.

    Args:
        train: dates to learn from.
        valid: later dates to stop early on; their labels end before the first of ``serve``.
        serve: dates of the month, the fit's own date first.
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
    """Monthly refits of a vintage's year.

    A fit on the first trading date r of a month learns from the last ``settings.window`` of the
    vintage's learnable output dates whose label is known before r. The last
    ``settings.valid_share`` of them validate; training dates whose label reaches into those are
    dropped.

    Args:
        dates: ``(T,)`` trading dates.
        vintage: whose ``serve`` dates are planned and whose ``output`` dates may be learnt from.
        learnable: ascending positions of the dates that have something to learn from.
        settings: window and validation share.
        label_span: trading days from a date to the end of its label.

    Returns:
        A refit per month, in order; ``train`` and ``valid`` may be empty early in a history.
    """
    months = dates[vintage.serve].astype("datetime64[M]")
    own = np.intersect1d(vintage.output, learnable)
    return tuple(
        _refit(vintage.serve[months == month], own, settings, label_span)
        for month in np.unique(months)
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
