"""The table of ICs by date: which epoch is the best, what is written, what is kept."""

import csv
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from alpha_lightning.factors.ic_table import Epoch, ICTable, cells, chosen_by

DATES = np.arange("2020-01-01", "2020-01-11", dtype="datetime64[D]")


def trainer(epoch: int, score: float, monitor: str | None = "valid/ic", mode: str = "max") -> Any:
    keeper = ModelCheckpoint(monitor=monitor, mode=mode)
    metrics = {"valid/ic": torch.tensor(score), "valid/loss": torch.tensor(score)}
    return SimpleNamespace(
        checkpoint_callbacks=[ModelCheckpoint(), keeper],
        callback_metrics=metrics,
        current_epoch=epoch,
    )


def rows(value: float) -> Tensor:
    return torch.tensor([[2.0, value, 0.5, 30], [3.0, math.nan, math.nan, 2]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("scores", "mode", "best"),
    [
        ([0.1, 0.3, 0.2], "max", 1),
        ([0.3, 0.3, 0.3], "max", 0),  # the first, as the checkpoint
        ([math.nan, 0.1, math.nan], "max", 1),
        ([math.nan, math.nan, math.nan], "max", None),
        ([0.3, 0.1, 0.2], "min", 1),
        ([math.inf, 0.4, 0.4], "min", 1),
        ([-0.3, -0.1, -0.2], "max", 1),
    ],
)
def test_the_best_epoch_is_that_of_the_checkpoint(
    scores: list[float], mode: str, best: int | None
) -> None:
    table, monitor = ICTable(), "valid/loss" if mode == "min" else "valid/ic"
    for epoch, score in enumerate(scores):
        table.add(trainer(epoch, score, monitor, mode), rows(score))
    assert (table.best.number if table.best else None) == best


def test_what_chooses_the_checkpoint_chooses_here() -> None:
    assert chosen_by(trainer(0, 0.0, "valid/loss", "min")) == ("valid/loss", "min")
    assert chosen_by(trainer(0, 0.0, None)) == ("valid/ic", "max")
    table = ICTable()
    table.add(trainer(0, 0.5, "train/loss", "min"), rows(0.5))
    assert table.best is None, "it is not known before the epoch ends"


def test_both_epochs_are_written_once_each(tmp_path: Path) -> None:
    table, file = ICTable(), tmp_path / "ic_by_date.csv"
    written = []
    for epoch, score in enumerate([0.1, 0.3, 0.2]):
        table.write(file, DATES, table.add(trainer(epoch, score), rows(score)))
        with file.open() as opened:
            read = list(csv.DictReader(opened))
        written.append([(row["epoch"], row["best"], row["ic"]) for row in read[::2]])
    expected: list[Any] = [[("0", "1", "0.1")], [("1", "1", "0.3")]]
    assert written == [*expected, [("1", "1", "0.3"), ("2", "0", "0.2")]]
    hole = {"epoch": "2", "best": "0", "date": "2020-01-04", "ic": "", "rank_ic": "", "stocks": "2"}
    assert read[-1] == hole


def test_cells_are_for_people() -> None:
    assert cells(rows(0.25), DATES)[0] == ("2020-01-03", 0.25, 0.5, 30)
    assert cells(rows(0.25), DATES)[1] == ("2020-01-04", None, None, 2)


def test_the_best_epoch_goes_through_a_safe_checkpoint(tmp_path: Path) -> None:
    table, again = ICTable(), ICTable()
    assert table.state_dict() == {}
    table.add(trainer(4, 0.1), rows(0.1))
    torch.save(table.state_dict(), tmp_path / "state.ckpt")
    again.load_state_dict(torch.load(tmp_path / "state.ckpt", weights_only=True))
    assert isinstance(again.best, Epoch)
    assert again.best.number == 4
    assert again.best.rows.nan_to_num().equal(rows(0.1).nan_to_num())
    again.load_state_dict({})
    assert again.best is None
