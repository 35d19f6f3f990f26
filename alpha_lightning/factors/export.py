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

from alpha_lightning.artefacts.dated_table import DatedTable, DatedTableWriter, read_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import fingerprint_file
from alpha_lightning.factors.run_folder import run_folder
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.datamodule import CrossSectionDataModule

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
    ) -> None:
        self.after_fit, self.in_sample, self.path = after_fit, in_sample, path
        self.unit, self.run = unit, run
        self._part: DatedTableWriter | None = None

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore the best epoch and export."""
        checkpoint = _restore_best(trainer, pl_module)
        if not self.after_fit or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        data = _datamodule(trainer)
        pl_module.eval()
        self._open(trainer, pl_module, checkpoint)
        with torch.inference_mode(), trainer.precision_plugin.forward_context():
            for batch in data.output_dataloader(in_sample=self.in_sample):
                moved: CrossSection = trainer.strategy.batch_to_device(batch)
                self._append(data, moved, pl_module.predict_step(moved, 0))
        self._merge(trainer)

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open this process's part."""
        self._open(trainer, pl_module, trainer.ckpt_path)  # type: ignore[arg-type]

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
        self._append(_datamodule(trainer), batch, outputs)

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Merge the parts."""
        self._merge(trainer)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Leave no half-written part behind."""
        if self._part is not None:
            self._part.__exit__(type(exception), exception, exception.__traceback__)
            self._part = None

    def _open(self, trainer: pl.Trainer, unit: pl.LightningModule, checkpoint: str | None) -> None:
        self._target = Path(self.path) if self.path else run_folder(trainer) / FILE
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
            "checkpoint": fingerprint_file(checkpoint) if checkpoint else None,
        }
        self._part = DatedTableWriter(self._part_path(trainer.global_rank), columns, metadata)
        self._part.__enter__()

    def _append(self, data: CrossSectionDataModule, batch: CrossSection, factors: Tensor) -> None:
        if self._part is None:
            msg = "a date was exported before the part was opened"
            raise RuntimeError(msg)
        symbols = data.symbols[batch.assets.cpu().numpy()]
        self._part.append(data.dates[int(batch.date)], symbols, factors.cpu().numpy())

    def _merge(self, trainer: pl.Trainer) -> None:
        part, self._part = self._part, None
        if part is not None:
            part.__exit__(None, None, None)
        trainer.strategy.barrier("factor matrix parts")
        if trainer.is_global_zero:
            paths = [self._part_path(rank) for rank in range(trainer.world_size)]
            if len(paths) == 1:
                paths[0].replace(self._target)
            else:
                _merge_parts(paths, self._target)
            rank_zero_info(f"factor matrix: {self._target}")
        trainer.strategy.barrier("factor matrix")

    def _part_path(self, rank: int) -> Path:
        return self._target.with_name(f".{self._target.name}.rank{rank}")


def _merge_parts(paths: list[Path], target: Path) -> None:
    parts = [read_dated_table(path) for path in paths]
    with DatedTableWriter(target, parts[0].columns, parts[0].metadata) as writer:
        for date in np.unique(np.concatenate([part.dates for part in parts])):
            rows = [_rows_of(part, date) for part in parts]
            symbols = np.concatenate([part.symbols[r] for part, r in zip(parts, rows, strict=True)])
            values = np.concatenate([part.values[r] for part, r in zip(parts, rows, strict=True)])
            writer.append(date, symbols, values)
    for path in paths:
        path.unlink()


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
