"""How alike the factors of a unit are."""

from typing import Any

import torch
from torch import Tensor

from alpha_lightning.cross_section.presence import varies
from alpha_lightning.metrics.date_metric import DateMetric


class FactorCorrelation(DateMetric):
    """Mean over dates of the mean absolute Pearson correlation of the pairs of factors.

    0 is K factors that say different things, 1 is one factor said K times. A pair with a constant
    or not finite side is left out; a date without any other pair is skipped. NaN without any date.

    Args:
        kwargs: of ``torchmetrics.Metric``.

    Example:
        >>> alike = FactorCorrelation()
        >>> alike.update(torch.tensor([[1.0, -2.0], [2.0, -4.0], [3.0, -6.0]]))
        >>> alike.compute()
        tensor(1.0000, dtype=torch.float64)
    """

    state_name = "factor_correlation_sums"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(size=2, **kwargs)

    def update(self, factors: Tensor) -> None:
        """Count one date.

        Args:
            factors: ``(N, K)``.

        Raises:
            ValueError: ``factors`` is not a matrix.
        """
        if factors.ndim != 2:
            msg = f"factors {tuple(factors.shape)} are not those of one date: give (N, K)"
            raise ValueError(msg)
        columns = factors.double().T
        valid = columns.isfinite().all(dim=-1, keepdim=True).expand_as(columns)
        defined = varies(columns, valid).squeeze(-1)
        centred = torch.where(defined[:, None], columns - columns.mean(dim=-1, keepdim=True), 0)
        unit = centred / centred.norm(dim=-1, keepdim=True).clamp(min=torch.finfo().tiny)
        alike = (unit @ unit.T).clamp(-1, 1).abs().triu(diagonal=1).sum()
        each = defined.double().sum()
        pairs = each * (each - 1) / 2
        self.add(torch.where(pairs > 0, alike / pairs.clamp(min=1), 0), (pairs > 0).double())

    def compute(self) -> Tensor:
        """The mean, a float64 scalar."""
        return self.sums[0] / self.sums[1]
