"""Dates dealt out to epochs and processes, and a loader that can continue in mid-epoch."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.dataset import CrossSectionDataset


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


class CrossSectionLoader:
    """A loader of whole cross-sections that remembers how many it has handed out.

    Lightning saves `state_dict` with a checkpoint and gives it back on resume: the interrupted
    epoch goes on with the dates it had not seen. Every other epoch begins at its beginning, also
    when the one before was cut short. It holds a ``DataLoader`` and is none, for Lightning takes
    those apart and builds them anew, with samplers of its own, to predict.

    Args:
        dataset: cross-sections by date.
        sampler: the dates of this process.
        workers: processes that read ahead; 0 slices in the training process.
    """

    def __init__(
        self, dataset: CrossSectionDataset, sampler: DateSampler, workers: int = 0
    ) -> None:
        self.dataset, self.sampler = dataset, sampler
        # Lightning asks whoever has a sampler for this one too.
        self.batch_sampler = None
        self._loader: DataLoader[CrossSection] = DataLoader(
            dataset=dataset,
            batch_size=None,
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
        )
        self._done = 0
        self._resumed: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[CrossSection]:
        resumed, self._resumed = self._resumed, {}
        interrupted = resumed.get("epoch") == self.sampler.epoch
        self.sampler.first = self._done = int(resumed["done"]) if interrupted else 0
        for batch in self._loader:
            # The last batch ends the epoch: a checkpoint after it begins the next one.
            self._done = (self._done + 1) % len(self)
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """The epoch, its order, and how many of its batches were handed out."""
        return {"epoch": self.sampler.epoch, "done": self._done, "order": self.sampler.identity}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue the epoch after that many batches.

        Raises:
            PanelError: the epoch had another order, so what it had not seen is not known.
        """
        if state["order"] != self.sampler.identity:
            msg = (
                f"the checkpoint was made in mid-epoch with {state['order']}, this run has"
                f" {self.sampler.identity}: resume with the settings it was made with"
            )
            raise PanelError(msg)
        self._resumed = state
