"""The state of a training, written so often and so whole that a kill anywhere costs little."""

import json
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.trainer.states import TrainerFn

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.checkpoint import PROVENANCE
from alpha_lightning.factors.preemption import Preemption
from alpha_lightning.factors.run_folder import run_folder
from alpha_lightning.factors.run_log import log_texts
from alpha_lightning.factors.run_state import (
    between_epochs,
    follow_moved_folder,
    has_stopped,
    random_states,
    refuse_other_panel,
    set_random_states,
    settle,
)
from alpha_lightning.factors.step_statistics import refuse_half_steps
from alpha_lightning.windows.datamodule import CrossSectionDataModule

STATE = "alpha_lightning_run"
"""Key of a checkpoint under which lies what only the resumption of its run needs."""

_DUE = 1  # below the number of any signal that is listened to
_LOOK_SECONDS = 1.0  # between two questions of several processes to each other
_LOOK_STEPS = 64  # the most of them


def last_checkpoint(folder: Path) -> Path:
    """Where a run keeps its newest state.

    Args:
        folder: of the run.
    """
    return folder / "checkpoints" / "last.ckpt"


class RunCheckpoint(pl.Callback):
    """Keeps ``checkpoints/last.ckpt`` in the run's folder: always the newest state, always whole.

    Written after each epoch, its validation included, and within epochs as often as asked, always
    between two steps of the optimiser. It holds all that a training is made of: weights, optimiser,
    place in the order of dates, states of callbacks and random generators, and the log so far.
    SIGTERM, and SLURM's SIGUSR1, are answered by writing it and going.

    Args:
        every_minutes: also write it so often within an epoch; never when 0.
        every_steps: also write it after so many steps of the optimiser; never when 0.

    Raises:
        UserError: a negative number.
    """

    def __init__(self, every_minutes: float = 10.0, every_steps: int = 0) -> None:
        for name, value in (("every_minutes", every_minutes), ("every_steps", every_steps)):
            if value < 0:
                msg = f"checkpoint.{name} is {value}: give a positive number, or 0 for never"
                raise UserError(msg)
        self.every_minutes, self.every_steps = every_minutes, every_steps
        self._preemption = Preemption()
        self._path = Path()
        self._written_at = 0.0
        self._saved = (0, 0)
        self._writing = False
        self._resumed: dict[str, Any] = {}
        self._looked, self._next_look = (0.0, 0), 0

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Find the run's folder; ``last.ckpt`` is ours alone."""
        if stage != "fit":
            return
        self._path = last_checkpoint(run_folder(trainer))
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint):
                # Its own "last" is the last of the best; resumed, it would write last-v1.ckpt.
                callback.save_last = False
                # A best.ckpt that a killed run wrote after its last state is written again.
                callback._enable_version_counter = False

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add to ``last.ckpt`` what other checkpoints need not hold."""
        if self._writing:
            settle(checkpoint, validating=trainer.validating)
            checkpoint[STATE] = {
                "stopped": has_stopped(trainer),
                "metrics": {name: value.cpu() for name, value in trainer.callback_metrics.items()},
                "random": random_states(),
                "logs": log_texts(trainer),
                "settings": training_settings(trainer.datamodule),  # type: ignore[attr-defined]
            }

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take up a training where it was left.

        Raises:
            UserError: the checkpoint is of another panel or data set.
        """
        if trainer.state.fn != TrainerFn.FITTING:
            return
        data = trainer.datamodule  # type: ignore[attr-defined]
        if isinstance(data, CrossSectionDataModule) and PROVENANCE in checkpoint:
            refuse_other_panel(checkpoint[PROVENANCE], fingerprints(data))
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint):
                states, folder = checkpoint.get("callbacks", {}), str(callback.dirpath)
                follow_moved_folder(states, callback.state_key, folder)
        self._resumed = checkpoint.get(STATE, {})
        if self._resumed:
            self._saved = (int(checkpoint["epoch"]), int(checkpoint["global_step"]))
            self._resumed["between_epochs"] = between_epochs(checkpoint)
            # Not one of the states that Lightning keeps: the epoch after would be trained.
            trainer.should_stop = self._resumed["stopped"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen to signals, and begin to count minutes.

        Raises:
            UserError: an epoch would end in the midst of a step.
        """
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            refuse_half_steps(int(trainer.num_training_batches), trainer.accumulate_grad_batches)
        self._written_at = time.monotonic()
        self._looked, self._next_look = (self._written_at, trainer.global_step), 0
        self._preemption.listen(trainer)
        # Early stopping asks for them when an epoch is left before its validation.
        trainer._logger_connector._callback_metrics.update(self._resumed.get("metrics", {}))
        if self._resumed.get("between_epochs"):
            # With max_steps Lightning believes every resumed epoch to be cut.
            trainer.fit_loop.epoch_loop.restarting = False

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the state after the epoch before, of which all is done and logged by now."""
        self._go_on()
        if _place(trainer) != self._saved:
            self.save(trainer)
        self._leave_if_asked(trainer, self._agreed(trainer, self._preemption.number))

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Write the state after the step before, when it is time or we are asked to go."""
        self._go_on()
        waits = trainer.world_size > 1 and trainer.global_step < self._next_look
        if not _between_steps(trainer) or (waits and not self._is_step(trainer)):
            return
        asked = self._agreed(trainer, self._preemption.number or int(self._is_due(trainer)))
        if asked:
            self.save(trainer)
        self._leave_if_asked(trainer, asked)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Go on from a validation that was cut."""
        if trainer.state.fn == TrainerFn.FITTING:
            self._go_on()

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Go from an epoch's validation when asked; several processes end it first."""
        asked = self._preemption.number
        alone = trainer.world_size == 1 and trainer.state.fn == TrainerFn.FITTING
        if asked and alone and trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self.save(trainer)
            self._leave_if_asked(trainer, asked)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the last state."""
        if _place(trainer) != self._saved or trainer.should_stop:
            self.save(trainer)
        self._leave_if_asked(trainer, self._agreed(trainer, self._preemption.number))

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Answer signals at once: what comes now can be done again."""
        told = f"training is done, its state is in {self._path}: {_REMEDY}"
        self._preemption.listen(trainer, told)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Listen no more."""
        self._preemption.rest()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Listen no more."""
        self._preemption.rest()

    def save(self, trainer: pl.Trainer) -> None:
        """Write ``last.ckpt``; all processes come here together."""
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        self._writing = True
        try:
            trainer.save_checkpoint(self._path, weights_only=False)
        finally:
            self._writing = False
        self._saved, self._written_at = _place(trainer), time.monotonic()

    def _go_on(self) -> None:
        states = self._resumed.pop("random", None)
        if states is not None:
            set_random_states(states)

    def _is_due(self, trainer: pl.Trainer) -> bool:
        if _place(trainer) == self._saved:
            return False
        minutes = (time.monotonic() - self._written_at) / 60
        return self._is_step(trainer) or 0 < self.every_minutes <= minutes

    def _is_step(self, trainer: pl.Trainer) -> bool:
        return self.every_steps > 0 and trainer.global_step % self.every_steps == 0

    def _agreed(self, trainer: pl.Trainer, asked: int) -> int:
        # Clocks differ, and a signal reaches one process before another. To ask makes each of them
        # wait for its device, which steps need not do: the slowest says when to ask again.
        if trainer.world_size == 1:
            return asked
        now, step = time.monotonic(), trainer.global_step
        steps = step - self._looked[1]
        seconds = (now - self._looked[0]) / steps if steps else math.inf
        own = torch.tensor([asked, seconds], device=trainer.strategy.root_device)
        most, slowest = trainer.strategy.reduce(own, reduce_op="max").tolist()
        self._looked = now, step
        self._next_look = step + max(1, round(min(_LOOK_SECONDS / max(slowest, 1e-9), _LOOK_STEPS)))
        return int(most)

    def _leave_if_asked(self, trainer: pl.Trainer, asked: int) -> None:
        if asked > _DUE:
            self._preemption.number = asked
            told = f"the state after step {trainer.global_step} is in {self._path}: {_REMEDY}"
            self._preemption.leave(told)


def fingerprints(data: CrossSectionDataModule) -> dict[str, str]:
    """What must agree for a training to go on."""
    return {
        "panel_fingerprint": data.panel_fingerprint,
        "dataset_fingerprint": data.dataset_fingerprint,
    }


def training_settings(data: Any) -> dict[str, Any]:
    """Settings beside those of the unit that make a run another run, by dotted name, in JSON types.

    Where the panel lives, how a step is split and for how long one trains are not among them.
    """
    if not isinstance(data, CrossSectionDataModule):
        return {}
    nested = {"rule": asdict(data.rule), "sample": asdict(data.sample_rule)}
    nested["inputs"] = asdict(data.inputs)
    flat = {f"data.{a}.{b}": value for a, rule in nested.items() for b, value in rule.items()}
    steps = {"data.date_step": data.date_step, "data.valid_step": data.valid_step}
    told: dict[str, Any] = json.loads(json.dumps(flat | steps | {"seed_everything": data.seed}))
    return told


_REMEDY = "give the same command with --resume true to go on"


def _place(trainer: pl.Trainer) -> tuple[int, int]:
    return trainer.current_epoch, trainer.global_step


def _between_steps(trainer: pl.Trainer) -> bool:
    # Not before a first batch, where the epoch's beginning has done it, nor after a validation
    # within an epoch, which Lightning would count as a step.
    progress = trainer.fit_loop.epoch_loop.batch_progress
    done = progress.current.completed
    counted = progress.total.completed if trainer.check_val_every_n_epoch is None else done
    often = trainer.val_check_interval != 1.0
    validated = often and counted % int(trainer.val_check_batch or 1) == 0
    return bool(done and done % trainer.accumulate_grad_batches == 0 and not validated)
