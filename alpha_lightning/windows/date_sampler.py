"""Dates dealt out to epochs and processes."""

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler

from alpha_lightning.panel.errors import PanelError


class DateSampler(Sampler[int]):
    """Deals whole dates to the processes of a run: none twice, and none left out.

    Training shuffles anew each epoch from ``(seed, epoch)``. Step ``s`` takes the dates
    ``s * step`` to ``(s + 1) * step`` of that order, however they are split into processes,
    accumulated batches and dates of a batch; the last ``dates % step``, which make no whole step,
    are left out (others each epoch). Everything else keeps the order and leaves out nothing.

    Args:
        dates: how many there are.
        shuffle: whether this is training.
        seed: of the order.
        rank: this process.
        processes: how many there are.
        step: dates of one training step over all processes, ``processes`` x accumulated batches x
            dates of a batch; ``processes``, that is one date each, when not given.

    Raises:
        PanelError: fewer dates than processes, of which one without work would wait for ever, or
            fewer training dates than one step takes.
        ValueError: the dates of a step cannot be shared out to the processes.

    Example:
        >>> list(DateSampler(5, rank=1, processes=2))
        [1, 3]
        >>> len(DateSampler(11, shuffle=True, processes=2, step=4))
        4
    """

    def __init__(
        self,
        dates: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        rank: int = 0,
        processes: int = 1,
        step: int | None = None,
    ) -> None:
        self.dates, self.shuffle, self.seed = dates, shuffle, seed
        self.rank, self.processes = rank, processes
        self.step = processes if step is None else step
        self._check()
        self.epoch = 0
        self.first = 0

    @property
    def identity(self) -> dict[str, int]:
        """What, beside the epoch, decides the order of dates on all processes."""
        about = {"dates": self.dates, "seed": self.seed, "processes": self.processes}
        return about | {"step": self.step}

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch's order; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        if self.shuffle:
            return self.dates // self.step * (self.step // self.processes)
        return self.dates // self.processes + int(self.rank < self.dates % self.processes)

    def __iter__(self) -> Iterator[int]:
        order = self._order()[self.rank :: self.processes][: len(self)]
        return iter(order[self.first :])

    def _order(self) -> list[int]:
        if not self.shuffle:
            return list(range(self.dates))
        # Two numbers into one seed; epochs stay far below the stride.
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        return torch.randperm(self.dates, generator=generator).tolist()

    def _check(self) -> None:
        if self.step < 1 or self.step % self.processes:
            msg = f"{self.step} dates of a step cannot be shared out to {self.processes} processes"
            raise ValueError(msg)
        if self.dates < self.processes:
            msg = (
                f"{self.processes} processes for {self.dates} dates: use at most {self.dates}"
                " processes"
            )
            raise PanelError(msg)
        if self.shuffle and self.dates < self.step:
            msg = (
                f"a training step takes {self.step} dates, {self.processes} processes of"
                f" {self.step // self.processes} each (trainer.accumulate_grad_batches x"
                f" data.batch.dates), and there are {self.dates}: lower one of the three"
            )
            raise PanelError(msg)
