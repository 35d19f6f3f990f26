from pathlib import Path
from typing import Any

import pandas as pd
import pytorch_lightning as pl
from pytorch_lightning.loggers import CSVLogger

from alpha_lightning.factors.run_log import go_on_with_logs, log_texts


def trainer(folder: Path) -> pl.Trainer:
    loggers = [CSVLogger(folder, name="", version=version) for version in ("a", "b")]
    return pl.Trainer(accelerator="cpu", logger=loggers, enable_checkpointing=False)


def log(run: pl.Trainer, step: int, **values: float) -> None:
    for logger in run.loggers:
        logger.log_metrics(values, step)
        logger.save()


def text(folder: Path, version: str = "a") -> str:
    return (folder / version / "metrics.csv").read_text()


def test_a_log_goes_on_where_the_checkpoint_left_it(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    go_on_with_logs(whole, [])
    assert log_texts(whole) == ["", ""]
    log(whole, 1, ic=0.1)
    log(whole, 2, ic=0.2, loss=1.5)
    log(whole, 3, ic=1 / 3)

    killed = trainer(tmp_path / "killed")
    go_on_with_logs(killed, [])
    log(killed, 1, ic=0.1)
    kept = log_texts(killed)
    log(killed, 2, ic=0.2, loss=1.5)  # after the checkpoint: to be logged again
    (tmp_path / "killed" / "b" / "metrics.csv").unlink()

    resumed = trainer(tmp_path / "killed")
    go_on_with_logs(resumed, kept)
    assert pd.read_csv(tmp_path / "killed" / "a" / "metrics.csv")["step"].tolist() == [1]
    log(resumed, 2, ic=0.2, loss=1.5)
    log(resumed, 3, ic=1 / 3)
    for version in "ab":
        assert text(tmp_path / "killed", version) == text(tmp_path / "whole", version)


def test_a_new_run_begins_a_new_log(tmp_path: Path) -> None:
    for value in (0.1, 0.2):
        run = trainer(tmp_path)
        go_on_with_logs(run, [])
        log(run, 1, ic=value)
    assert pd.read_csv(tmp_path / "a" / "metrics.csv")["ic"].tolist() == [0.2]


def test_a_log_more_than_the_checkpoint_had_begins_empty(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    go_on_with_logs(run, ["ic,step\r\n0.5,1\r\n"])
    log(run, 2, ic=0.6)
    assert pd.read_csv(tmp_path / "a" / "metrics.csv")["ic"].tolist() == [0.5, 0.6]
    assert pd.read_csv(tmp_path / "b" / "metrics.csv")["ic"].tolist() == [0.6]


def test_only_process_0_has_the_files(tmp_path: Path) -> None:
    run: Any = trainer(tmp_path)
    run.strategy.__class__ = type("Second", (run.strategy.__class__,), {"is_global_zero": False})
    assert log_texts(run) == []
