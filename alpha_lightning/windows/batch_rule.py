"""How batches are made, and where the panel lives while they are."""

from dataclasses import dataclass
from typing import Literal

from alpha_lightning.panel.errors import PanelError

Residency = Literal["auto", "device", "host", "mmap"]


@dataclass(frozen=True)
class BatchRule:
    """How batches are made; none of it changes a number."""

    dates: int = 1
    """Dates of one training step and process; their losses are averaged."""
    residency: Residency = "auto"
    """Where the panel lives: ``device``, on the accelerator, where windows are cut; ``host``, in
    memory, copied ahead; ``mmap``, on disk, for panels larger than memory; ``auto`` by size."""
    workers: int = 0
    """Processes that read ahead with ``mmap``; 0 reads in the training process."""

    def __post_init__(self) -> None:
        if self.dates < 1 or self.workers < 0:
            msg = (
                "need data.batch.dates >= 1 and data.batch.workers >= 0,"
                f" not {self.dates} and {self.workers}"
            )
            raise PanelError(msg)
