"""Which values of a cross-section count, and in what precision they are worked on."""

import torch
from torch import Tensor


def upcast(x: Tensor) -> Tensor:
    """``x`` in float32 or better: half precisions are too coarse to add up thousands of assets."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def present(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Where ``x`` is finite and inside the mask; NaN and both infinities count as missing.

    Args:
        x: ``(..., N)``.
        mask: ``(..., N)`` bool, leading dimensions broadcast; all assets when absent.

    Returns:
        ``(..., N)`` bool.

    Raises:
        ValueError: the mask is about another number of assets.
    """
    if mask is None:
        return x.isfinite()
    if mask.shape[-1:] != x.shape[-1:]:
        msg = f"mask {tuple(mask.shape)} and values {tuple(x.shape)} differ in assets (last dim)"
        raise ValueError(msg)
    return x.isfinite() & mask


def varies(x: Tensor, valid: Tensor) -> Tensor:
    """Whether the valid values of each date take more than one value.

    Decided on the values themselves: the standard deviation of equal floats need not round to zero.

    Args:
        x: ``(..., N)``.
        valid: ``(..., N)`` bool.

    Returns:
        ``(..., 1)`` bool.
    """
    if not valid.shape[-1]:  # amax refuses an empty dimension
        return valid.any(dim=-1, keepdim=True)
    low = torch.where(valid, x, torch.inf).amin(dim=-1, keepdim=True)
    high = torch.where(valid, x, -torch.inf).amax(dim=-1, keepdim=True)
    return high > low
