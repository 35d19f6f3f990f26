"""How a run begins: alone in its folder, from nothing or from where it was left."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_info, rank_zero_only

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.lock import locked
from alpha_lightning.factors.checkpoint import PROVENANCE, read_checkpoint, refuse_other_settings
from alpha_lightning.factors.run_checkpoint import (
    STATE,
    fingerprints,
    last_checkpoint,
    training_settings,
)
from alpha_lightning.factors.run_folder import run_folder
from alpha_lightning.factors.run_log import go_on_with_logs
from alpha_lightning.factors.run_state import refuse_other_panel
from alpha_lightning.factors.tracking import TrainingLog
from alpha_lightning.windows.datamodule import CrossSectionDataModule

# Without a logger a run's folder is whatever one stands in, with other runs and panels below it.
_DRAFTS = (".*.csv.*", ".*.json.*", ".*.parquet.*", ".*.txt.*", ".*.yaml.*", "checkpoints/.*")


@contextlib.contextmanager
def begun(
    trainer: pl.Trainer, unit: pl.LightningModule, data: pl.LightningDataModule, *, resume: bool
) -> Iterator[Path | None]:
    """Hold a run's folder while it trains; the checkpoint to take up, if any.

    Nothing is written before all of it agrees with the run.

    Args:
        trainer: that will train.
        unit: to be trained.
        data: to train on.
        resume: whether to take up the newest state in the folder; without one there the run begins.

    Raises:
        UserError: another process trains in the folder, or the state there is of another run.
    """
    if trainer.fast_dev_run:  # type: ignore[attr-defined]
        yield None
        return
    folder = run_folder(trainer)
    # The strategy does not know its rank before it has been set up.
    first = getattr(rank_zero_only, "rank", 0) == 0
    with _alone_in(folder) if first else contextlib.nullcontext():
        last = last_checkpoint(folder)
        texts: list[str] = []
        if resume and last.exists():
            checkpoint = _read_newest(last)
            _refuse_other_run(checkpoint, unit, data)
            texts = checkpoint.get(STATE, {}).get("logs", [])
            _tell_boards(trainer, int(checkpoint["global_step"]))
            rank_zero_info(f"goes on from {last}, after step {checkpoint['global_step']}")
        if first:
            if not resume:
                # A kill before the first state would else leave one of another run to take up.
                last.unlink(missing_ok=True)
            go_on_with_logs(trainer, texts)
        yield last if resume and last.exists() else None


def is_own_last(trainer: pl.Trainer, path: str | Path | None) -> bool:
    """Whether a checkpoint is the newest state in the folder of the run that is to begin.

    Args:
        trainer: that will train.
        path: of the checkpoint, or one of the words that Lightning has for some.
    """
    last = last_checkpoint(run_folder(trainer))
    return path is not None and last.exists() and Path(path).resolve() == last.resolve()


def refuse_unnamed_folder(loggers: Any) -> None:
    """Refuse to resume in a folder that is a new one each time.

    Args:
        loggers: ``trainer.logger`` of the configuration.

    Raises:
        UserError: the first logger numbers its versions itself.
    """
    first = loggers[0] if isinstance(loggers, list) and loggers else loggers
    settings: Mapping[str, Any] = getattr(first, "init_args", None) or {}
    if loggers is True or (first and "version" in settings and settings["version"] is None):
        msg = (
            "a run that may be resumed needs a folder of a known name: give it, for example"
            " --trainer.logger.init_args.version=s0"
        )
        raise UserError(msg)


def _alone_in(folder: Path) -> contextlib.AbstractContextManager[None]:
    otherwise = "give this run a folder of its own, as --trainer.logger.init_args.version=NAME does"
    return locked(folder, "trains", otherwise, _DRAFTS)


def _tell_boards(trainer: pl.Trainer, step: int) -> None:
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    for callback in callbacks:
        if isinstance(callback, TrainingLog):
            callback.goes_on_from = step


def _read_newest(last: Path) -> dict[str, Any]:
    try:
        return read_checkpoint(last)
    except UserError as error:
        msg = f"{error}: remove it to begin the run from nothing, or bring back a copy of it"
        raise UserError(msg) from error


def _refuse_other_run(
    checkpoint: Mapping[str, Any], unit: pl.LightningModule, data: pl.LightningDataModule
) -> None:
    # Lightning asks the unit as well, but when log and configuration have been written.
    refuse_other_settings(checkpoint.get("hyper_parameters", {}), unit.hparams)
    before, now = checkpoint.get(STATE, {}).get("settings", {}), training_settings(data)
    for name in sorted(before.keys() & now.keys()):
        if before[name] != now[name]:
            msg = (
                f"the run in this folder was begun with {name} {before[name]}, this one has"
                f" {now[name]}: give it a folder of its own, or go on with the settings of before"
            )
            raise UserError(msg)
    if isinstance(data, CrossSectionDataModule) and PROVENANCE in checkpoint:
        refuse_other_panel(checkpoint[PROVENANCE], fingerprints(data))
