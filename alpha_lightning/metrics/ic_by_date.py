"""Information coefficients date by date, for those who want to see more than their mean."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from alpha_lightning.cross_section import pearson, spearman

COLUMNS = ("date", "ic", "rank_ic", "stocks")
"""What each row of `ICByDate` holds."""


class ICByDate(Metric):
    """IC, RankIC and number of stocks of each date, the dates of all processes in order.

    The means of its columns over the dates where they are finite are those of `IC` and `RankIC`.

    Args:
        kwargs: of ``torchmetrics.Metric``.
    """

    is_differentiable = False
    full_state_update = False
    rows: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("rows", default=[], dist_reduce_fx="cat")

    def update(self, date: Tensor, score: Tensor, label: Tensor, forward_return: Tensor) -> None:
        """Add one date.

        Args:
            date: scalar, row of the panel.
            score: ``(N,)``, what the IC is of.
            label: ``(N,)``; NaN where it is not known.
            forward_return: ``(N,)``, the raw return; NaN where it is not known.
        """
        score, forward_return = score.double(), forward_return.double()
        pairs = (score.isfinite() & forward_return.isfinite()).double().sum()
        ic, rank_ic = pearson(score, label.double()), spearman(score, forward_return)
        row = torch.stack([date.double(), ic, rank_ic, pairs])
        self.rows.append(row[None])

    def compute(self) -> Tensor:
        """``(T, 4)`` float64 by `COLUMNS`, NaN where a date has fewer than three pairs."""
        rows: Tensor = dim_zero_cat(self.rows)
        return rows[rows[:, 0].argsort()]

    def _apply(
        self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = ""
    ) -> nn.Module:
        # As in DateMetric: follow the device, keep the precision.
        device = fn(torch.empty(0, device=self.device)).device
        return super()._apply(lambda state: state.to(device), exclude_state)
