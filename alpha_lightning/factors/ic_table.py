"""The table of ICs by date: the latest and the best epoch, beside the run's other files."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.metrics.ic_by_date import COLUMNS

FILE = "ic_by_date.csv"
_DEFAULT = ("valid/ic", "max")


class Epoch(NamedTuple):
    """Rows of one validation.

    Args:
        number: of the epoch, from 0.
        score: what the best epoch is chosen by; NaN when it is not known.
        rows: ``(T, 4)`` float64, `COLUMNS` of the metric, the date as a row of the panel.
    """

    number: int
    score: float
    rows: Tensor


class ICTable:
    """Keeps the latest validation and the best one, by what chooses the best checkpoint."""

    def __init__(self) -> None:
        self.best: Epoch | None = None

    def add(self, trainer: pl.Trainer, rows: Tensor) -> Epoch:
        """The validation just done; it is the best one when its score is strictly better."""
        monitor, mode = chosen_by(trainer)
        score = float(trainer.callback_metrics.get(monitor, math.nan))
        latest = Epoch(trainer.current_epoch, score, rows.cpu())
        if self.best is None:
            better = math.isfinite(score)
        else:
            better = score < self.best.score if mode == "min" else score > self.best.score
        if better:
            self.best = latest
        return latest

    def write(self, path: Path, dates: NDArray[np.datetime64], latest: Epoch) -> None:
        """Write both as CSV: epoch, whether it is the best, date, ic, rank_ic, stocks.

        Args:
            path: the file.
            dates: of the panel.
            latest: the last validation.
        """
        epochs = [latest] if self.best in (None, latest) else [self.best, latest]
        with atomic_file(path) as draft, draft.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("epoch", "best", *COLUMNS))
            for epoch in epochs:
                about = (epoch.number, int(epoch is self.best))
                writer.writerows((*about, *row) for row in cells(epoch.rows, dates))

    def state_dict(self) -> dict[str, Any]:
        """The best epoch, in types that a safe reader loads."""
        return {} if self.best is None else dict(self.best._asdict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the best epoch of a checkpoint."""
        self.best = Epoch(**state) if state else None


def chosen_by(trainer: pl.Trainer) -> tuple[str, str]:
    """Metric and direction by which the best checkpoint is chosen."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.monitor is not None:
            return callback.monitor, str(callback.mode)
    return _DEFAULT


def cells(rows: Tensor, dates: NDArray[np.datetime64]) -> list[Sequence[str | float | None]]:
    """Rows for people: ISO date, ic, rank_ic (None where there is none) and number of stocks."""
    return [
        (str(dates[int(date)]), *(None if math.isnan(x) else x for x in (ic, rank_ic)), int(stocks))
        for date, ic, rank_ic, stocks in rows.to(torch.float64).tolist()
    ]
