"""The file of a checkpoint: written whole or not at all, read without unpickling foreign code."""

import io
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.factors.checkpoint import read_safely


class CheckpointFile(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it; a kill leaves the one before.

    Lightning's own passes over a file in the system's temporary folder, from which the way to
    another disk is a copy, and does not wait for the disk.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            ArtefactError: the system refuses (disk full, no permission, ...).
        """
        # In memory first: torch's writer of files says nothing of why a disk refuses.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        with atomic_file(path) as draft:
            draft.write_bytes(content.getbuffer())

    def load_checkpoint(
        self, path: str | Path, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint; whatever is asked, nothing but tensors and plain values is loaded.

        Raises:
            UserError: there is no such file, or it is damaged.
        """
        content: dict[str, Any] = read_safely(path)
        return content
