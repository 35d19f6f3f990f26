"""What is logged of a training: against other ways of computing it, and the same on N processes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.cli import main
from alpha_lightning.factors.training_cli import train
from alpha_lightning.factors.unit import FactorUnit

Options = Callable[..., list[str]]
LOGGED = {
    "train/grad_norm",
    "train/grad_norm_max",
    "train/lr",
    "train/samples_per_s",
    "valid/factor_correlation",
}
IN_THE_SAME_FOLDER = pytest.mark.filterwarnings("ignore:.*directory .* exists and is not empty")


def of(folder: Path, split: str) -> pd.DataFrame:
    """Logged values of a split by epoch."""
    logged = pd.read_csv(folder / "metrics.csv")
    columns = [name for name in logged.columns if name.startswith(split)]
    return logged.set_index("epoch")[columns].dropna()


def by_date(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "ic_by_date.csv")


def test_the_gradient_is_the_one_before_clipping(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    norms: list[float] = []
    clip = torch.nn.utils.clip_grad_norm_

    def spy(*args: Any, **kwargs: Any) -> Tensor:
        norm = clip(*args, **kwargs)
        norms.append(float(norm))
        return norm

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", spy)
    changes = {"trainer.gradient_clip_val": 0.01, "model.optimizer.init_args.lr": 0.002}
    assert main(options(tmp_path / "run", **changes)) == 0
    logged = of(tmp_path / "run", "train/")
    assert set(logged) > {name for name in LOGGED if name.startswith("train/")}
    epochs = np.array(norms).reshape(2, -1)
    assert epochs.min() > 0.01
    np.testing.assert_allclose(logged["train/grad_norm"], epochs.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(logged["train/grad_norm_max"], epochs.max(axis=1), rtol=1e-6)
    assert logged["train/lr"].tolist() == pytest.approx([0.002, 0.002])
    assert (logged["train/samples_per_s"] > 0).all()


def test_ics_by_date_have_the_means_that_are_logged_and_mark_the_best_epoch(
    fitted: Path,
) -> None:
    logged, table = of(fitted, "valid/"), by_date(fitted)
    assert list(table) == ["epoch", "best", "date", "ic", "rank_ic", "stocks"]
    best = int(logged["valid/ic"].idxmax())
    kept = table.groupby("epoch")
    assert set(kept.groups) == {best, logged.index.max()}
    assert (table["best"] == (table["epoch"] == best)).all()
    for epoch, rows in kept:
        assert rows["date"].is_monotonic_increasing
        for column in ("ic", "rank_ic"):
            expected = logged.loc[epoch, f"valid/{column}"]
            assert rows[column].mean() == pytest.approx(expected, rel=1e-6)


def test_factors_alike_are_those_of_the_matrix(
    fitted: Path, again: Options, tmp_path: Path
) -> None:
    # The matrix holds the factors of the best epoch, NumPy their correlations.
    export = "--trainer.callbacks+=alpha_lightning.factors.export.FactorMatrixExport"
    in_sample = [export, "--trainer.callbacks.in_sample=true"]
    assert main([*again("predict", fitted, tmp_path), *in_sample]) == 0
    matrix = read_dated_table(tmp_path / "run" / "predict" / "factors.parquet")
    dates = by_date(fitted).query("best == 1")["date"]
    alike = []
    for date in dates:
        factors = matrix.values[matrix.dates == np.datetime64(date)].astype(float)
        corr = np.abs(np.corrcoef(factors.T))
        alike.append(corr[np.triu_indices(len(corr), 1)].mean())
    logged = of(fitted, "valid/")
    best = logged.loc[logged["valid/ic"].idxmax(), "valid/factor_correlation"]
    assert np.mean(alike) == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("n", [2, 3])
def test_processes_see_the_numbers_of_one(
    again: Options, fitted: Path, tmp_path: Path, n: int
) -> None:
    few = {"data.rule.train_share": 0.978}  # five dates
    several = {"trainer.strategy": "ddp_fork", "trainer.devices": n, "collective_timeout": 30}
    assert main(again("validate", fitted, tmp_path / "one", **few)) == 0
    assert main(again("validate", fitted, tmp_path / "n", **few, **several)) == 0
    one, more = (tmp_path / name / "run" / "validate" for name in ("one", "n"))
    assert len(by_date(one)) == 5
    assert (one / "ic_by_date.csv").read_text() == (more / "ic_by_date.csv").read_text()
    name = "valid/factor_correlation"
    np.testing.assert_allclose(of(more, "valid/")[name], of(one, "valid/")[name], rtol=1e-6)


def test_the_gradient_of_two_processes_is_that_of_two_batches(
    options: Options, tmp_path: Path
) -> None:
    two = {"trainer.strategy": "ddp_fork", "trainer.devices": 2, "collective_timeout": 30}
    assert main(options(tmp_path / "one", **{"trainer.accumulate_grad_batches": 2})) == 0
    assert main(options(tmp_path / "two", **two)) == 0
    one, more = (of(tmp_path / name, "train/") for name in ("one", "two"))
    for name in ("train/grad_norm", "train/grad_norm_max", "train/lr"):
        np.testing.assert_allclose(more[name], one[name], rtol=1e-4)
    rows = [by_date(tmp_path / name) for name in ("one", "two")]
    pd.testing.assert_frame_equal(rows[0], rows[1], rtol=1e-3)


class KilledError(Exception):
    """Stands for a kill."""


@IN_THE_SAME_FOLDER
def test_a_resumed_training_logs_what_an_uninterrupted_one_does(
    options: Options,
    edited: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def keep_steps(config: Any) -> None:
        settings = {"filename": "step", "save_last": True, "every_n_train_steps": 4}
        path = "pytorch_lightning.callbacks.ModelCheckpoint"
        config["trainer"]["callbacks"][1]["init_args"]["save_last"] = False
        config["trainer"]["callbacks"].append({"class_path": path, "init_args": settings})

    def line(name: str, **more: Any) -> list[str]:
        return edited(options(tmp_path / name, **{"trainer.max_epochs": 3}, **more), keep_steps)

    train(line("whole"))
    step = FactorUnit.training_step

    def dies(self: FactorUnit, batch: Any, index: int) -> Tensor:
        if self.global_step == 37:  # in the last epoch of 15 steps each; the best is behind
            raise KilledError
        return step(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(FactorUnit, "training_step", dies)
        with pytest.raises(KilledError):
            train(line("parts"))
    train(line("parts", ckpt_path="last"))
    whole, parts = (of(tmp_path / name, "train/").iloc[-1] for name in ("whole", "parts"))
    names = ["train/grad_norm", "train/grad_norm_max", "train/lr"]
    assert parts[names].tolist() == whole[names].tolist()
    files = [(tmp_path / name / "ic_by_date.csv").read_text() for name in ("whole", "parts")]
    assert files[0] == files[1]


def test_dates_of_a_sanity_check_are_not_counted(
    options: Options, fitted: Path, tmp_path: Path
) -> None:
    settings = {"trainer.num_sanity_val_steps": 2, "trainer.max_epochs": 1}
    assert main(options(tmp_path / "run", **settings)) == 0
    dates = by_date(tmp_path / "run")["date"]
    assert dates.is_unique
    assert len(dates) == by_date(fitted)["date"].nunique()


def test_curves_for_tensorboard_lie_in_the_runs_folder_unless_not_wanted(
    fitted: Path, options: Options, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(fitted))
    board.Reload()
    logged = of(fitted, "valid/")
    read = [event.value for event in board.Scalars("valid/rank_ic")]
    np.testing.assert_allclose(read, logged["valid/rank_ic"], rtol=1e-6)
    assert set(board.Tags()["scalars"]) > LOGGED
    plain = {"log.tensorboard": "false", "log.by_date": "false", "trainer.max_epochs": 1}
    assert main(options(tmp_path / "run", **plain)) == 0
    names = {file.name for file in (tmp_path / "run").iterdir()}
    assert not {name for name in names if name.startswith("events")}
    assert "ic_by_date.csv" not in names
    assert "valid/factor_correlation" in of(tmp_path / "run", "valid/")


@pytest.mark.parametrize("how", ["--trainer.logger=false", "--trainer.fast_dev_run=true"])
def test_without_a_logger_nothing_is_written(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.chdir(tmp_path)
    line = [arg for arg in options(tmp_path / "x") if not arg.startswith("--trainer.logger")]
    assert main([*line, how, "--trainer.max_epochs=1"]) == 0
    files = {file.name for file in tmp_path.rglob("*")}
    assert "ic_by_date.csv" not in files
    assert not {name for name in files if name.startswith("events")}


def test_the_log_of_a_fit_with_several_loggers_survives_its_validation(
    options: Options, edited: Callable[..., list[str]], again: Options, tmp_path: Path
) -> None:
    def two(config: Any) -> None:
        logger = config["trainer"]["logger"]
        logger["init_args"] = {"save_dir": str(tmp_path), "name": "", "version": "run"}
        board = {"save_dir": str(tmp_path), "name": "board", "version": "run"}
        path = "pytorch_lightning.loggers.TensorBoardLogger"
        config["trainer"]["logger"] = [logger, {"class_path": path, "init_args": board}]

    line = edited(options(tmp_path / "run", **{"trainer.max_epochs": 1}), two)
    assert main([arg for arg in line if not arg.startswith("--trainer.logger")]) == 0
    before = (tmp_path / "run" / "metrics.csv").read_text()
    assert list((tmp_path / "board" / "run").glob("events*")), "the user's own"
    assert not list((tmp_path / "run").glob("events*"))
    assert main(again("validate", tmp_path / "run")) == 0
    assert (tmp_path / "run" / "metrics.csv").read_text() == before
    assert (tmp_path / "run" / "validate" / "metrics.csv").exists()
