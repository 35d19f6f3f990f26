"""Correlation of two cross-sections, date by date."""

import torch
from torch import Tensor

from alpha_lightning.cross_section.presence import present, upcast, varies
from alpha_lightning.cross_section.ranks import rank

MIN_PAIRS = 3


def pearson(x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
    """Pearson correlation over the last dimension, differentiable in both arguments.

    A pair counts where both values are finite and inside the mask. NaN, with zero gradient, where
    fewer than three pairs count or one side is constant.

    Args:
        x: ``(..., N)``.
        y: ``(..., N)``; leading dimensions broadcast against ``x``, the assets never do.
        mask: ``(..., N)`` bool; all assets when absent.

    Returns:
        ``(...,)`` in float64 where an argument is float64 and float32 otherwise.

    Raises:
        ValueError: ``x`` and ``y`` are about different numbers of assets.

    Example:
        >>> pearson(torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([1.0, 3.0, 2.0, 4.0]))
        tensor(0.8000)
    """
    x, y, valid = _pairs(x, y, mask)
    count = valid.sum(dim=-1, keepdim=True)
    defined = (count >= MIN_PAIRS) & varies(x, valid) & varies(y, valid)
    unit_x, unit_y = (_unit(side, valid, count, defined) for side in (x, y))
    correlation = (unit_x * unit_y).sum(dim=-1).clamp(-1, 1)
    return torch.where(defined.squeeze(-1), correlation, torch.nan)


def spearman(x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
    """Spearman rank correlation over the last dimension, ties sharing their average rank.

    Ranks are taken among the pairs that count; otherwise the rules, arguments and errors are those
    of `pearson`. Not differentiable.

    Returns:
        ``(...,)`` in float64 where an argument is float64 and float32 otherwise.

    Example:
        >>> spearman(torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([1.0, 8.0, 27.0, 0.0]))
        tensor(-0.2000)
    """
    x, y, valid = _pairs(x, y, mask)
    return pearson(rank(x, valid), rank(y, valid))


def _pairs(x: Tensor, y: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    if x.shape[-1:] != y.shape[-1:]:
        msg = f"{tuple(x.shape)} and {tuple(y.shape)} differ in assets (last dim)"
        raise ValueError(msg)
    x, y = upcast(x), upcast(y)
    return x, y, present(x, mask) & present(y)


def _unit(x: Tensor, valid: Tensor, count: Tensor, defined: Tensor) -> Tensor:
    mean = torch.where(valid, x, 0).sum(dim=-1, keepdim=True) / count.clamp(min=1)
    centred = torch.where(valid, x - mean, 0)
    # sqrt has an infinite slope at 0, and 0 × inf would put NaN into the gradient of every date.
    squares = torch.where(defined, centred.square().sum(dim=-1, keepdim=True), 1)
    return centred / squares.sqrt()
