"""Ranks within a cross-section."""

import torch
from torch import Tensor

from alpha_lightning.cross_section.presence import present, upcast


def rank(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Rank from 1 (lowest), equal values sharing the average of their ranks.

    NaN and infinite values are outside the mask. Exact for any number of ties up to eight million
    assets: positions are counted in int64.

    Args:
        x: ``(..., N)``.
        mask: ``(..., N)`` bool; all assets when absent.

    Returns:
        ``(..., N)``, float64 for float64 input and float32 otherwise, NaN outside the mask.

    Example:
        >>> rank(torch.tensor([0.3, float("nan"), 0.1, 0.3]))
        tensor([2.5000,    nan, 1.0000, 2.5000])
    """
    values = upcast(x)
    valid = present(values, mask)
    ordered, order = torch.where(valid, values, torch.inf).sort(dim=-1)
    position = torch.arange(ordered.shape[-1], device=x.device)
    changes = ordered[..., 1:] != ordered[..., :-1]
    edge = torch.ones_like(ordered[..., :1], dtype=torch.bool)
    starts = torch.where(torch.cat([edge, changes], dim=-1), position, 0)
    ends = torch.where(torch.cat([changes, edge], dim=-1), position, ordered.shape[-1])
    first = starts.cummax(dim=-1).values
    last = ends.flip(-1).cummin(dim=-1).values.flip(-1)
    average = (first + last).to(values.dtype) / 2 + 1
    ranks = torch.empty_like(average).scatter_(-1, order, average)
    return torch.where(valid, ranks, torch.nan)
