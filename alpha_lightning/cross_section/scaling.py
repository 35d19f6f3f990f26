"""Location and scale of a cross-section, classical and robust."""

import torch
from torch import Tensor

from alpha_lightning.cross_section.presence import present, upcast, varies


def zscore(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Subtract the mean and divide by the population standard deviation (``ddof = 0``).

    NaN and infinite values are outside the mask. A constant cross-section says nothing about its
    assets and becomes zero. On a CPU, assets outside the mask do not change a bit, however many
    there are: a stock that is listed tomorrow leaves today's scores alone.

    Args:
        x: ``(..., N)``.
        mask: ``(..., N)`` bool; all assets when absent.

    Returns:
        ``(..., N)``, float64 for float64 input and float32 otherwise, NaN outside the mask.

    Example:
        >>> zscore(torch.tensor([1.0, 2.0, float("nan"), 3.0]))
        tensor([-1.2247,  0.0000,     nan,  1.2247])
    """
    values = upcast(x)
    valid = present(values, mask)
    count = valid.sum(dim=-1, keepdim=True)
    mean = _total(torch.where(valid, values, 0)) / count
    centred = torch.where(valid, values - mean, 0)
    std = (_total(centred.square()) / count).sqrt()
    scaled = torch.where(varies(values, valid), centred / std, 0)
    return torch.where(valid, scaled, torch.nan)


def median_and_mad(x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Median and median absolute deviation from it, neither rescaled.

    1.4826 MAD estimates the standard deviation of normal data. NaN and infinite values are outside
    the mask.

    Args:
        x: ``(..., N)`` with N ≥ 1.
        mask: ``(..., N)`` bool; all assets when absent.

    Returns:
        Two ``(...,)``, float64 for float64 input and float32 otherwise, NaN where no asset counts.
        An even number of assets gives the mean of the two in the middle.

    Example:
        >>> median_and_mad(torch.tensor([1.0, 2.0, 4.0, 100.0]))
        (tensor(3.), tensor(1.5000))
    """
    values = upcast(x)
    observed = torch.where(present(values, mask), values, torch.nan)
    median = _median(observed)
    return median, _median((observed - median[..., None]).abs())


def winsorise(x: Tensor, n_mads: float, mask: Tensor | None = None) -> Tensor:
    """Pull values beyond median ± ``n_mads`` × MAD back onto that bound.

    The MAD is not rescaled: on normal data ``n_mads = 3`` is 2.02 standard deviations, and
    ``3 * 1.4826`` is three. NaN and infinite values are outside the mask. Where more than half
    the values are equal the MAD is zero and nothing is moved.

    Args:
        x: ``(..., N)`` with N ≥ 1.
        n_mads: half-width of the kept range in MADs, above 0.
        mask: ``(..., N)`` bool; all assets when absent.

    Returns:
        ``(..., N)``, float64 for float64 input and float32 otherwise, NaN outside the mask.

    Raises:
        ValueError: ``n_mads`` is not above 0.

    Example:
        >>> winsorise(torch.tensor([1.0, 2.0, 4.0, 100.0]), n_mads=3)
        tensor([1.0000, 2.0000, 4.0000, 7.5000])
    """
    if not n_mads > 0:
        msg = f"n_mads is {n_mads}: give the half-width of the kept range in MADs, above 0"
        raise ValueError(msg)
    values = upcast(x)
    valid = present(values, mask)
    median, mad = (bound[..., None] for bound in median_and_mad(values, valid))
    reach = torch.where(mad > 0, n_mads * mad, torch.inf)
    return torch.where(valid, values.clamp(median - reach, median + reach), torch.nan)


def _total(x: Tensor) -> Tensor:
    # One after another: zeros between them then add nothing, while `sum` adds in groups, whose
    # bounds, and with them the last bit, move with every column that is added.
    return x.cumsum(dim=-1)[..., -1:]


def _median(observed: Tensor) -> Tensor:
    # torch takes the lower of two middle values; the upper one is the lower one seen in a mirror.
    # Two selections cost less than half of the sort behind torch.nanquantile.
    lower = observed.nanmedian(dim=-1).values
    upper = -(-observed).nanmedian(dim=-1).values
    return (lower + upper) / 2
