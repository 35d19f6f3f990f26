"""Dates dealt out to epochs and processes."""

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler

from alpha_lightning.panel.errors import PanelError


class DateSampler(Sampler[int]):
    """Deals whole dates to the processes of a run: none twice, and none left out.

    Training shuffles anew each epoch from ``(seed, epoch)`` and, so that all processes make the
    same number of steps, leaves out the last ``dates % processes`` of the shuffled order (others
    each epoch). Everything else keeps the order and leaves out nothing.

    Args:
        dates: how many there are.
        shuffle: whether this is training.
        seed: of the order.
        rank: this process.
        processes: how many there are.

    Raises:
        PanelError: fewer dates than processes; one without work would wait for ever.

    Example:
        >>> list(DateSampler(5, rank=1, processes=2))
        [1, 3]
    """

    def __init__(
        self, dates: int, *, shuffle: bool = False, seed: int = 0, rank: int = 0, processes: int = 1
    ) -> None:
        if dates < processes:
            msg = f"{processes} processes for {dates} dates: use at most {dates} processes"
            raise PanelError(msg)
        self.dates, self.shuffle, self.seed = dates, shuffle, seed
        self.rank, self.processes = rank, processes
        self.epoch = 0
        self.first = 0

    @property
    def identity(self) -> dict[str, int]:
        """What, beside the epoch, decides the order of dates on all processes."""
        return {"dates": self.dates, "seed": self.seed, "processes": self.processes}

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch's order; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        whole = self.dates // self.processes
        extra = not self.shuffle and self.rank < self.dates % self.processes
        return whole + int(extra)

    def __iter__(self) -> Iterator[int]:
        order = self._order()[self.rank :: self.processes][: len(self)]
        return iter(order[self.first :])

    def _order(self) -> list[int]:
        if not self.shuffle:
            return list(range(self.dates))
        # Two numbers into one seed; epochs stay far below the stride.
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        return torch.randperm(self.dates, generator=generator).tolist()
