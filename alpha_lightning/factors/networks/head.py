"""The head: a network's hidden features become factors."""

from torch import nn


class Head(nn.Sequential):
    """Linear map to ``K`` factors, normalised over the cross-section.

    ``z = BatchNorm(W h)``. The linear map has no bias, the normalisation would cancel it.

    Args:
        in_features: Width ``D`` of the network below, its ``out_features``.
        n_factors: Number of factors ``K``.

    Example:
        >>> import torch
        >>> Head(in_features=64, n_factors=30)(torch.zeros(5, 64)).shape
        torch.Size([5, 30])
    """

    def __init__(self, in_features: int, n_factors: int = 30) -> None:
        super().__init__(
            nn.Linear(in_features, n_factors, bias=False),
            nn.BatchNorm1d(n_factors),
        )
