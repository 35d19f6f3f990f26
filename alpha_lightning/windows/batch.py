"""One date's whole cross-section as a typed batch."""

from typing import NamedTuple

from torch import Tensor


class CrossSection(NamedTuple):
    """Windows of the stocks of one date; the atom of training and evaluation.

    Args:
        windows: ``(N, L, F)`` float32, scaled, finite; a view of ``(L, N, F)`` storage.
        label: ``(N,)`` float32, z-scored forward return; NaN where it is not known.
        forward_return: ``(N,)`` float32, the raw return behind the label.
        assets: ``(N,)`` int64, columns of the panel.
        date: scalar int64, row of the panel.
        universe_size: scalar int64, stocks in the universe of the date, scored or not.
    """

    windows: Tensor
    label: Tensor
    forward_return: Tensor
    assets: Tensor
    date: Tensor
    universe_size: Tensor
