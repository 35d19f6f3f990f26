"""Quantile groups of a cross-section."""

import torch
from torch import Tensor

from alpha_lightning.cross_section.presence import present, upcast


def quantile_groups(x: Tensor, n: int, mask: Tensor | None = None) -> Tensor:
    """Cut each date into ``n`` groups of equal count by rank; group 0 holds the highest values.

    The asset at place p of M, counted from 0 at the top, joins group floor(p n / M), so that sizes
    differ by at most one (with M < n some groups are empty). Equal values keep the order of their
    positions. NaN and infinite values are outside the mask.

    Args:
        x: ``(..., N)``.
        n: number of groups, at least 1.
        mask: ``(..., N)`` bool; all assets when absent.

    Returns:
        ``(..., N)`` int64 in 0 … n - 1, and -1 outside the mask.

    Raises:
        ValueError: ``n`` is below 1.

    Example:
        >>> quantile_groups(torch.tensor([0.1, 0.9, float("nan"), 0.5, 0.7]), n=2)
        tensor([ 1,  0, -1,  1,  0])
    """
    if n < 1:
        msg = f"n is {n}: a cross-section is cut into at least 1 group"
        raise ValueError(msg)
    values = upcast(x)
    valid = present(values, mask)
    order = torch.where(valid, -values, torch.inf).argsort(dim=-1, stable=True)
    place = torch.arange(order.shape[-1], device=x.device).expand_as(order)
    place = torch.empty_like(order).scatter_(-1, order, place)
    count = valid.sum(dim=-1, keepdim=True).clamp(min=1)
    return torch.where(valid, place * n // count, -1)
