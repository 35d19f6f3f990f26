"""The mould of a metric that adds up over dates."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torchmetrics import Metric


class DateMetric(Metric):
    """Sums over dates in one float64 state; processes are merged by adding their states.

    Sums, not means: where processes hold different numbers of dates, the mean of their means is not
    the mean over dates. No date at all is an answer (NaN), not a mistake to be warned of.

    Args:
        size: number of sums.
        kwargs: of ``torchmetrics.Metric``.
    """

    # torchmetrics computes metrics of a collection together once their states carry equal names and
    # happen to hold equal values after the first batch, as they all do when it holds only skipped
    # dates. Metrics that sum different things must therefore name their states differently.
    state_name: ClassVar[str]

    is_differentiable = False
    full_state_update = False

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        zeros = torch.zeros(size, dtype=torch.float64)
        self.add_state(self.state_name, default=zeros, dist_reduce_fx="sum")

    @property
    def update_called(self) -> bool:
        """Always true, which keeps torchmetrics from warning of a metric that has seen no date."""
        return True

    @property
    def sums(self) -> Tensor:
        """What this process has added up since the last reset, ``(size,)`` float64."""
        sums: Tensor = getattr(self, self.state_name)
        return sums

    def add(self, *sums: Tensor) -> None:
        """Add one scalar to each sum."""
        setattr(self, self.state_name, self.sums + torch.stack(sums))

    def _apply(
        self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = ""
    ) -> nn.Module:
        # Lightning's bf16-true calls Module.to(bfloat16), which torchmetrics lets through to the
        # states, and a count in bfloat16 ends at 256. Follow the device, keep the precision.
        device = fn(torch.empty(0, device=self.device)).device
        return super()._apply(lambda state: state.to(device), exclude_state)
