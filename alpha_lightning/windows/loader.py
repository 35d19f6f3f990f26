"""A loader of whole cross-sections that can continue in mid-epoch."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.copy_ahead import copied_ahead
from alpha_lightning.windows.dataset import CrossSectionDataset
from alpha_lightning.windows.date_sampler import DateSampler
from alpha_lightning.windows.resident import ResidentDataset


class CrossSectionLoader:
    """A loader of whole cross-sections that remembers how many batches it has handed out.

    Lightning saves `state_dict` with a checkpoint and gives it back on resume: the interrupted
    epoch goes on with the dates it had not seen. Every other epoch begins at its beginning, also
    when the one before was cut short. It holds a ``DataLoader`` and is none, for Lightning takes
    those apart and builds them anew, with samplers of its own, to predict.

    Args:
        dataset: cross-sections by date.
        sampler: the dates of this process.
        workers: processes that read ahead from disk; 0 slices in the training process.
        dates: of a batch; with more than one it is a list.
        device: where cross-sections in memory are copied ahead to; resident ones stay where they
            are when not given.
    """

    def __init__(
        self,
        dataset: CrossSectionDataset | ResidentDataset,
        sampler: DateSampler,
        workers: int = 0,
        *,
        dates: int = 1,
        device: torch.device | None = None,
    ) -> None:
        self.dataset, self.sampler = dataset, sampler
        # Lightning asks whoever has a sampler for this one too.
        self.batch_sampler = None
        self._dates, self._device = dates, device
        self._from_disk: DataLoader[CrossSection] | None = None
        if isinstance(dataset, CrossSectionDataset):
            self._from_disk = DataLoader(
                dataset=dataset,
                batch_size=None,
                sampler=sampler,
                num_workers=workers,
                persistent_workers=workers > 0,
            )
        self._done = 0
        self._resumed: dict[str, Any] = {}

    def __len__(self) -> int:
        return math.ceil(len(self.sampler) / self._dates)

    def __iter__(self) -> Iterator[Any]:
        """Cross-sections, or lists of them where a batch has several dates."""
        resumed, self._resumed = self._resumed, {}
        interrupted = resumed.get("epoch") == self.sampler.epoch
        self._done = int(resumed["done"]) if interrupted else 0
        self.sampler.first = self._done * self._dates
        for batch in self._batches():
            # The last batch ends the epoch: a checkpoint after it begins the next one.
            self._done = (self._done + 1) % len(self)
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """The epoch, its order, and how many of its batches were handed out."""
        return {"epoch": self.sampler.epoch, "done": self._done, "order": self._order}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue the epoch after that many batches.

        Raises:
            PanelError: the epoch had another order, so what it had not seen is not known.
        """
        if state["order"] != self._order:
            msg = (
                f"the checkpoint was made in mid-epoch with {state['order']}, this run has"
                f" {self._order}: resume with the settings it was made with"
            )
            raise PanelError(msg)
        self._resumed = state

    @property
    def _order(self) -> dict[str, int]:
        # A step split otherwise has as many dates, but not as many batches.
        return self.sampler.identity | {"batch_dates": self._dates}

    def _batches(self) -> Iterator[CrossSection | list[CrossSection]]:
        items = self._items()
        if self._dates == 1:
            yield from items
            return
        while batch := list(islice(items, self._dates)):
            yield batch

    def _items(self) -> Iterator[CrossSection]:
        if self._from_disk is not None:
            return iter(self._from_disk)
        if self._device is not None:
            return copied_ahead(self.dataset.__getitem__, self.sampler, self._device)
        return map(self.dataset.__getitem__, self.sampler)
