"""What a cross-section says beyond given exposures."""

import torch
from torch import Tensor

from alpha_lightning.cross_section.presence import present


def neutralise(
    y: Tensor, exposures: Tensor, mask: Tensor | None = None, *, intercept: bool = True
) -> Tensor:
    """Residual of the least-squares regression of ``y`` on the exposures, date by date.

    Redundant exposures (all industry dummies beside the intercept) are harmless: only the space
    they span matters. An asset counts where ``y`` and all its exposures are finite and the mask
    holds. A date with no more assets than independent exposures is fitted perfectly, which says
    nothing: all NaN. Computed in float64.

    Args:
        y: ``(..., N)``.
        exposures: ``(..., N, P)``, leading dimensions broadcast against ``y``.
        mask: ``(..., N)`` bool; all assets when absent.
        intercept: also remove the mean.

    Returns:
        ``(..., N)``, float64 for float64 ``y`` and float32 otherwise, NaN outside the mask.

    Raises:
        ValueError: ``y`` and the exposures are about different numbers of assets.

    Example:
        >>> size = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
        >>> neutralise(torch.tensor([3.0, 5.0, 7.0, 13.0]), size)
        tensor([ 0.8000, -0.4000, -1.6000,  1.2000])
    """
    if exposures.shape[-2:-1] != y.shape[-1:]:
        msg = f"y {tuple(y.shape)} and exposures {tuple(exposures.shape)} differ in assets"
        raise ValueError(msg)
    valid = present(y, mask) & exposures.isfinite().all(dim=-1)
    design = torch.where(valid[..., None], exposures.double(), 0)
    if intercept:
        design = torch.cat([design, valid[..., None].double()], dim=-1)
    # Columns of equal length: a market capitalisation must not make the dummies look redundant.
    lengths = torch.linalg.vector_norm(design, dim=-2, keepdim=True)
    directions, sizes, _ = torch.linalg.svd(
        design / torch.where(lengths > 0, lengths, 1), full_matrices=False
    )
    tolerance = max(design.shape[-2:]) * torch.finfo(torch.float64).eps
    kept = sizes > tolerance * sizes.amax(dim=-1, keepdim=True)
    directions = torch.where(kept[..., None, :], directions, 0)
    target = torch.where(valid, y.double(), 0)[..., None]
    residual = (target - directions @ (directions.mT @ target)).squeeze(-1)
    determined = valid.sum(dim=-1, keepdim=True) > kept.sum(dim=-1, keepdim=True)
    dtype = torch.promote_types(y.dtype, torch.float32)
    return torch.where(valid & determined, residual, torch.nan).to(dtype)
