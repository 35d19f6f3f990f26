"""A loader of whole cross-sections that can continue in mid-epoch."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.dataset import CrossSectionDataset
from alpha_lightning.windows.date_sampler import DateSampler


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
