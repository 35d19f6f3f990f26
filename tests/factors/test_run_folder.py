from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import yaml
from pytorch_lightning.loggers import CSVLogger

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.cli import main
from alpha_lightning.factors.run_folder import SaveConfig, run_folder

Options = Callable[..., list[str]]


def trainer(**settings: Any) -> pl.Trainer:
    return pl.Trainer(accelerator="cpu", enable_checkpointing=False, **settings)


@pytest.mark.parametrize(
    ("name", "version", "folder"),
    [
        ("gru", None, "gru/version_0"),
        ("gru", 3, "gru/version_3"),
        ("gru", "s0", "gru/s0"),
        ("", "s0", "s0"),
    ],
)
def test_save_dir_name_version(
    tmp_path: Path, name: str, version: int | str | None, folder: str
) -> None:
    logger = CSVLogger(tmp_path, name=name, version=version)
    assert run_folder(trainer(logger=logger)) == tmp_path / folder


def test_without_a_logger_it_is_the_root(tmp_path: Path) -> None:
    assert run_folder(trainer(logger=False, default_root_dir=tmp_path)) == tmp_path


def test_the_first_logger_decides(tmp_path: Path) -> None:
    loggers = [CSVLogger(tmp_path / place, name="x", version="1") for place in "ab"]
    assert run_folder(trainer(logger=loggers)) == tmp_path / "a" / "x" / "1"


def test_the_configuration_is_kept_whole_and_runs_again(options: Options, tmp_path: Path) -> None:
    # A null that is no default must survive: the loss's weight is 1.0 in the file.
    line = options(tmp_path / "first", **{"model.loss.init_args.weight": "null"})
    assert main(line) == 0
    kept = tmp_path / "first" / "config.yaml"
    first = yaml.safe_load(kept.read_text())
    assert first["model"]["loss"]["init_args"]["weight"] is None
    assert kept.read_text().startswith("# pytorch_lightning==")
    again = ["fit", "--config", str(kept), "--trainer.logger.init_args.version=second"]
    assert main(again) == 0
    second = yaml.safe_load((tmp_path / "second" / "config.yaml").read_text())
    second["trainer"]["logger"]["init_args"]["version"] = "first"
    assert second == first
    files = (tmp_path / run / "factors.parquet" for run in ("first", "second"))
    before, after = (read_dated_table(file).values for file in files)
    assert before.tobytes() == after.tobytes()


def test_only_fit_keeps_one(fitted: Path, again: Options, tmp_path: Path) -> None:
    assert main(again("validate", fitted, tmp_path)) == 0
    assert (tmp_path / "run" / "validate" / "metrics.csv").is_file()
    assert not list(tmp_path.rglob("config.yaml"))


def test_only_the_first_process_writes_it(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path, name="", version="run")
    other: Any = SimpleNamespace(
        logger=logger,
        loggers=[logger],
        default_root_dir=tmp_path,
        strategy=SimpleNamespace(broadcast=str),
        is_global_zero=False,
    )
    nothing: Any = None
    saver = SaveConfig(parser=nothing, config=nothing)
    saver.setup(other, nothing, "fit")
    assert saver.already_saved
    assert not (tmp_path / "run").exists()
