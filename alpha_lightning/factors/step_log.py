"""What the steps of an epoch leave: gradient norm, learning rate and pace."""

import time
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer


class GradientNorms:
    """Mean and maximum over an epoch of the gradient's norm, as it is before it is clipped.

    All processes hold the same gradient, and so the same numbers. Nothing leaves the device before
    the epoch ends. A step that a gradient scaler is going to leave out, its gradient being
    infinite, does not count; elsewhere a gradient that is not finite shows.
    """

    def __init__(self) -> None:
        self._sums: Tensor | None = None
        self._saved: list[float] = []

    def add(self, trainer: pl.Trainer, unit: pl.LightningModule) -> None:
        """Count one step."""
        gradients = [p.grad.detach() for p in unit.parameters() if p.grad is not None]
        if not gradients:
            return
        norm = torch.nn.utils.get_total_norm(gradients).double()
        counts = torch.ones_like(norm)
        if getattr(trainer.precision_plugin, "scaler", None) is not None:
            counts = norm.isfinite().double()
            norm = torch.where(norm.isfinite(), norm, 0)
        if self._sums is None:
            self._sums = torch.tensor(self._saved or [0.0] * 3, dtype=torch.float64).to(norm.device)
        total, largest, steps = self._sums
        # Unlike Python's, torch's maximum keeps a NaN.
        self._sums = torch.stack([total + norm, torch.maximum(largest, norm), steps + counts])

    def finish(self) -> dict[str, float]:
        """Values of the epoch by logged name; the count begins anew."""
        total, largest, steps = self.state
        self._sums, self._saved = None, []
        if not steps:
            return {}
        return {"train/grad_norm": total / steps, "train/grad_norm_max": largest}

    @property
    def state(self) -> list[float]:
        """Sum, maximum and number of the norms of a half-done epoch."""
        if self._sums is not None:
            return [float(x) for x in self._sums.tolist()]
        return self._saved or [0.0] * 3

    @state.setter
    def state(self, saved: list[float]) -> None:
        self._sums, self._saved = None, list(saved)


class LearningRates:
    """The learning rate of the last step, one number a group of parameters."""

    def __init__(self) -> None:
        self.rates: list[float] = []

    def add(self, optimizer: Optimizer) -> None:
        """Look at one step."""
        self.rates = [float(group["lr"]) for group in optimizer.param_groups]

    def finish(self) -> dict[str, float]:
        """``train/lr``; further groups of parameters are ``train/lr_1`` and so on."""
        names = (f"train/lr_{k}" if k else "train/lr" for k in range(len(self.rates)))
        return dict(zip(names, self.rates, strict=True))


class Pace:
    """Stock-windows a second of all processes while they train, validation left out."""

    def __init__(self) -> None:
        self._windows = 0
        self._seconds = 0.0
        self._since: float | None = None

    def go(self) -> None:
        """Training begins, or goes on."""
        self._since = time.perf_counter()

    def pause(self, device: torch.device) -> None:
        """Something else begins; work handed to an accelerator belongs to what asked for it."""
        if self._since is not None:
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            self._seconds += time.perf_counter() - self._since
            self._since = None

    def add(self, batch: Any) -> None:
        """Count the windows of a batch: a cross-section or a list of them."""
        dates = [batch] if hasattr(batch, "assets") else batch
        self._windows += sum(len(date.assets) for date in dates)

    def finish(self, trainer: pl.Trainer) -> dict[str, float]:
        """``train/samples_per_s``, the same on all processes; the count begins anew."""
        device = trainer.strategy.root_device
        self.pause(device)
        own = torch.tensor([self._windows, self._seconds], dtype=torch.float64, device=device)
        windows = trainer.strategy.reduce(own[0].clone(), reduce_op="sum")
        seconds = trainer.strategy.reduce(own[1].clone(), reduce_op="max")
        self._windows, self._seconds = 0, 0.0
        return {"train/samples_per_s": float(windows / seconds)} if float(seconds) > 0 else {}
