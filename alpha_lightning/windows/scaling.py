"""Scaling of windows: inside the window first, then across the stocks of the date.

Stage 1 divides each feature by the yardstick of its kind: prices by the last close, shares and
amounts by the window's mean day; the volume of ``rawbar`` by the last volume. Ratios, returns and
moments stay as they are. Stage 2 subtracts the median of the scored stocks per lag and feature,
divides by 1.4826 MAD and clips at ±5. What is missing becomes 0. Both stages are elementwise once
location and scale are known, so they run on any device.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Feature
from alpha_lightning.windows.yardsticks import YARDSTICKS

CLIP = 5.0
MAD_TO_STD = 1.4826
# Below this, relative to 1, a spread is float32 rounding of a constant (close / close).
_SMALLEST_SPREAD = 1e-6
_UNCHANGED = len(YARDSTICKS)
_YARDSTICK = {
    "price": YARDSTICKS.index("last close"),
    "volume": YARDSTICKS.index("last volume"),
    "shares": YARDSTICKS.index("mean volume"),
    "amount": YARDSTICKS.index("mean amount"),
    "ratio": _UNCHANGED,
    "return": _UNCHANGED,
    "moment": _UNCHANGED,
}


@dataclass(frozen=True)
class WindowScaling:
    """Stage 1 for one data set.

    Args:
        yardstick: ``(F,)`` for each feature the column of the yardsticks that divides it.
    """

    yardstick: Tensor

    @classmethod
    def of(cls, features: Sequence[Feature]) -> Self:
        """The scaling declared by the kinds of the features.

        Raises:
            PanelError: a feature of a kind without a rule.
        """
        unknown = [f for f in features if f.kind not in _YARDSTICK]
        if unknown:
            kinds = ", ".join(_YARDSTICK)
            msg = f"feature {unknown[0].name} has kind {unknown[0].kind!r}: choose one of {kinds}"
            raise PanelError(msg)
        return cls(torch.tensor([_YARDSTICK[feature.kind] for feature in features]))

    @property
    def needs_means(self) -> bool:
        """Whether a feature is measured against the window's mean day."""
        means = {_YARDSTICK["shares"], _YARDSTICK["amount"]}
        return not means.isdisjoint(self.yardstick.tolist())

    def within_window(self, slab: Tensor, yardsticks: Tensor) -> Tensor:
        """Apply it in place.

        Args:
            slab: ``(L, N, F)`` raw values, oldest first.
            yardsticks: ``(N, 5)`` of the last date, see `Yardsticks`.

        Returns:
            The slab; NaN where a value or its yardstick is missing.
        """
        return slab.mul_(yardsticks.reciprocal().index_select(1, self.yardstick))


def across_stocks(slab: Tensor, location: Tensor, inverse_scale: Tensor) -> Tensor:
    """Stage 2, in place.

    Args:
        slab: ``(L, N, F)`` after stage 1; NaN is missing and stays NaN.
        location: ``(L, F)`` medians.
        inverse_scale: ``(L, F)``, 0 for a feature that is constant or switched off.

    Returns:
        The slab, within ±5.
    """
    return slab.sub_(location[:, None]).mul_(inverse_scale[:, None]).clamp_(-CLIP, CLIP)


def without_missing(slab: Tensor) -> Tensor:
    """What is missing, or was divided by a missing or zero price, set to 0 in place."""
    return slab.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)


def scaled(
    slab: Tensor,
    scaling: WindowScaling,
    yardsticks: Tensor,
    statistics: Tensor | None,
    switched_on: Tensor,
) -> Tensor:
    """Both stages in place, wherever the tensors live.

    Args:
        slab: ``(L, N, F)`` raw values, oldest first; NaN is missing.
        scaling: stage 1.
        yardsticks: ``(N, 5)`` of the last date, see `Yardsticks`.
        statistics: ``(2, L, F)`` location and inverse scale of stage 2, None when it is off.
        switched_on: ``(F,)``, 0 for features that are switched off.

    Returns:
        ``(N, L, F)``, a view of the slab; what is missing is 0.
    """
    scaling.within_window(slab, yardsticks)
    if statistics is None:
        slab.mul_(switched_on)
    else:
        across_stocks(slab, statistics[0], statistics[1] * switched_on)
    return without_missing(slab).transpose(0, 1)


def location_and_inverse_scale(slab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median and 1 / (1.4826 MAD) over stocks, per lag and feature.

    Args:
        slab: ``(L, N, F)`` after stage 1; NaN is missing.

    Returns:
        ``(2, L, F)``: location, inverse scale. A feature without spread or without a value has
        inverse scale 0 (and location 0 when it has no value).
    """
    columns = np.ascontiguousarray(slab.transpose(0, 2, 1))
    location = _median(columns)
    spread = MAD_TO_STD * _median(np.abs(columns - location[..., None]))
    flat = ~(spread > _SMALLEST_SPREAD * np.maximum(np.abs(location), 1e-3))
    inverse = np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, spread))
    return np.stack([np.nan_to_num(location), inverse]).astype(np.float32)


def _median(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    # np.nanmedian loops in Python over slices with NaN; sorting puts NaN last and is vectorised.
    ordered = np.sort(columns, axis=-1)
    count = (~np.isnan(columns)).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0), axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, columns.shape[-1] - 1), axis=-1)
    middle = np.where(count > 0, (low + high) / 2, np.nan)[..., 0]
    return middle.astype(np.float32)
