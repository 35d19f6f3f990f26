"""Mean over dates of a number each date has."""

from typing import Any

import torch
from torch import Tensor

from alpha_lightning.metrics.date_metric import DateMetric


class DateMean(DateMetric):
    """Plain mean over dates of a scalar such as the loss or the coverage; NaN without any date.

    A NaN is not skipped: one broken date shows in the mean.

    Args:
        kwargs: of ``torchmetrics.Metric``.

    Example:
        >>> coverage = DateMean()
        >>> coverage.update(torch.tensor(0.5))
        >>> coverage.update(torch.tensor([1.0, 0.75]))
        >>> coverage.compute()
        tensor(0.7500, dtype=torch.float64)
    """

    state_name = "date_mean_sums"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(size=2, **kwargs)

    def update(self, value: Tensor) -> None:
        """Count one date or several.

        Args:
            value: scalar, or ``(T,)`` with one number a date.

        Raises:
            ValueError: ``value`` has more dimensions.
        """
        if value.ndim > 1:
            msg = f"value {tuple(value.shape)} is not one number a date: give a scalar or (T,)"
            raise ValueError(msg)
        dates = value.double().reshape(-1)
        self.add(dates.sum(), torch.ones_like(dates).sum())

    def compute(self) -> Tensor:
        """The mean, a float64 scalar."""
        return self.sums[0] / self.sums[1]
