"""Factor matrices: what a trained unit hands to the weighting stage."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor

from alpha_lightning.artefacts.dated_table import (
    DatedTable,
    DatedTableWriter,
    Precision,
    read_dated_table,
)
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import fingerprint_file
from alpha_lightning.factors.run_folder import run_folder
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.datamodule import CrossSectionDataModule
from alpha_lightning.windows.loader import CrossSectionLoader

FILE = "factors.parquet"


class FactorMatrixExport(pl.Callback):
    """Writes the factor matrix after `fit`, the best epoch's weights restored, and at `predict`.

    Each process writes the dates it computes to a part of its own; process 0 merges the parts in
    the order of dates. The matrix is complete or absent.

    Args:
        after_fit: export at the end of `fit`; otherwise the best weights are only restored.
        in_sample: also export the dates the unit was trained and validated on.
        path: the file to write; ``factors.parquet`` in the run's folder when not given.
        unit: name of the unit in the provenance; the network's class in lower case when not given.
        run: number of the independent run, seed ``r`` of the provenance; ``seed_everything`` when
            not given.
        precision: in which factors are stored; ``float16`` takes half of the space.

    Raises:
        UserError: training never reached a finite validation score.
    """

    def __init__(
        self,
        after_fit: bool = True,
        in_sample: bool = False,
        path: str | None = None,
        unit: str | None = None,
        run: int | None = None,
        precision: Precision = "float32",
    ) -> None:
        self.after_fit, self.in_sample, self.path = after_fit, in_sample, path
        self.unit, self.run, self.precision = unit, run, precision
        self._part: DatedTableWriter | None = None
        self._target: Path | None = None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Tell the data which dates are wanted."""
        _datamodule(trainer).export_in_sample = self.in_sample

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore the best epoch and export."""
        checkpoint = _restore_best(trainer, pl_module)
        if not self.after_fit or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        loader = _datamodule(trainer).predict_dataloader()
        self._open(trainer, pl_module, checkpoint, loader)
        precision = trainer.precision_plugin
        # The trainer has moved the unit off the device by now.
        pl_module.to(trainer.strategy.root_device).eval()
        with torch.inference_mode(), precision.forward_context():
            for batch in loader:
                moved = trainer.strategy.batch_to_device(precision.convert_input(batch))
                self._append(trainer, moved, pl_module.predict_step(moved, 0))
        pl_module.cpu()
        self._merge(trainer)

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open this process's part, unless the trainer was told to stop before the last date."""
        loader: Any = trainer.predict_dataloaders
        if sum(trainer.num_predict_batches) < len(loader):
            rank_zero_info("no factor matrix: trainer.limit_predict_batches leaves dates out")
            return
        checkpoint = str(trainer.ckpt_path) if trainer.ckpt_path else None
        self._open(trainer, pl_module, checkpoint, loader)

    def on_predict_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: CrossSection,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add one date."""
        self._append(trainer, batch, outputs)

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Merge the parts."""
        self._merge(trainer)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Leave no part behind, half-written or waiting for the others."""
        part, self._part = self._part, None
        if part is not None:
            part.__exit__(type(exception), exception, exception.__traceback__)
        if self._target is not None:
            _remove(_part_paths(self._target, trainer.world_size))

    def _open(
        self,
        trainer: pl.Trainer,
        unit: pl.LightningModule,
        checkpoint: str | None,
        loader: CrossSectionLoader,
    ) -> None:
        n_factors = int(unit.n_factors)  # type: ignore[arg-type]
        columns = [f"f{k:02d}" for k in range(n_factors)]
        network = type(unit.network).__name__.lower()
        data = _datamodule(trainer)
        metadata = data.provenance() | {
            "kind": "factor_matrix",
            "unit": self.unit or network,
            "network": network,
            "seed": self.run if self.run is not None else data.seed,
            "seed_everything": data.seed,
            "n_factors": n_factors,
            "in_sample": self.in_sample,
            "date_range": [str(data.dates[loader.dataset.dates[k]]) for k in (0, -1)],
            "checkpoint": fingerprint_file(checkpoint) if checkpoint else None,
            "precision": self.precision,
        }
        self._target = Path(self.path) if self.path else run_folder(trainer) / FILE
        path = _part_paths(self._target, trainer.world_size)[trainer.global_rank]
        self._part = DatedTableWriter(path, columns, metadata, self.precision).__enter__()

    def _append(self, trainer: pl.Trainer, batch: CrossSection, factors: Tensor) -> None:
        if self._part is not None:
            data = _datamodule(trainer)
            symbols = data.symbols[batch.assets.cpu().numpy()]
            self._part.append(data.dates[int(batch.date)], symbols, factors.cpu().numpy())

    def _merge(self, trainer: pl.Trainer) -> None:
        part, self._part = self._part, None
        if part is None or self._target is None:
            return
        part.__exit__(None, None, None)
        trainer.strategy.barrier("factor matrix parts")
        if trainer.is_global_zero:
            _merge_parts(_part_paths(self._target, trainer.world_size), self._target)
            rank_zero_info(f"factor matrix: {self._target}")
        trainer.strategy.barrier("factor matrix")


def _part_paths(target: Path, processes: int) -> list[Path]:
    return [target.with_name(f".{target.name}.rank{rank}") for rank in range(processes)]


def _merge_parts(paths: list[Path], target: Path) -> None:
    if len(paths) == 1:
        paths[0].replace(target)
        return
    try:
        parts = [read_dated_table(path) for path in paths]
        about = parts[0].metadata
        with DatedTableWriter(target, parts[0].columns, about, about["precision"]) as writer:
            for date in np.unique(np.concatenate([part.dates for part in parts])):
                rows = [(part, _rows_of(part, date)) for part in parts]
                symbols = np.concatenate([part.symbols[r] for part, r in rows])
                values = np.concatenate([part.values[r] for part, r in rows])
                writer.append(date, symbols, values)
    finally:
        _remove(paths)


def _remove(parts: list[Path]) -> None:
    for path in parts:
        path.unlink(missing_ok=True)


def _rows_of(part: DatedTable, date: np.datetime64) -> slice:
    first, last = np.searchsorted(part.dates, [date, date + np.timedelta64(1, "D")])
    return slice(int(first), int(last))


def _restore_best(trainer: pl.Trainer, unit: pl.LightningModule) -> str | None:
    keeper = trainer.checkpoint_callback
    if not isinstance(keeper, ModelCheckpoint) or keeper.monitor is None:
        return None
    best = keeper.best_model_score
    if not keeper.best_model_path or best is None or not math.isfinite(float(best)):
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return None
        msg = (
            f"training never reached a finite {keeper.monitor}: no factor matrix is written; lower"
            " the learning rate, or look at the validation dates and their labels"
        )
        raise UserError(msg)
    weights = torch.load(keeper.best_model_path, map_location="cpu", weights_only=True)
    unit.load_state_dict(weights["state_dict"])
    return str(keeper.best_model_path)


def _datamodule(trainer: pl.Trainer) -> CrossSectionDataModule:
    data = trainer.datamodule  # type: ignore[attr-defined]
    if not isinstance(data, CrossSectionDataModule):
        msg = f"FactorMatrixExport needs a CrossSectionDataModule, not {type(data).__name__}"
        raise TypeError(msg)
    return data
