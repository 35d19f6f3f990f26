"""A fit that is a trial of a sweep: tells its metric after each validation, and stops when told."""

import math
from collections.abc import Callable
from typing import Protocol

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.checkpoint import read_checkpoint


class Listener(Protocol):
    """Who follows a trial."""

    def report(self, epochs: int, value: float) -> bool:
        """Hear the metric after so many epochs; whether the trial goes on."""
        ...

    def finish(self, value: float) -> None:
        """Hear the metric of the network that the fit leaves."""
        ...


class PrunedError(UserError):
    """A trial was stopped because others did better."""


_listeners: list[Listener] = []


def run_as_trial(fit: Callable[[], object], listener: Listener) -> None:
    """Run a fit whose `TrialReport` reaches a listener.

    Args:
        fit: trains in this process.
        listener: who hears of it.

    Raises:
        PrunedError: the listener said stop.
    """
    _listeners.append(listener)
    try:
        fit()
    finally:
        _listeners.remove(listener)


class TrialReport(pl.Callback):
    """Reports a metric to the sweep; in a fit of its own it does nothing.

    The trial's value is that of the weights which the fit keeps, the epoch that its
    ``ModelCheckpoint`` holds for the best one: the best value of any epoch would be a value that no
    network has that anybody will use. Without a checkpoint of the best it is the last one.

    Args:
        monitor: name of a metric that is logged after each validation.
    """

    def __init__(self, monitor: str = "valid/rank_ic") -> None:
        self.monitor = monitor
        self._by_step: dict[int, float] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report, and stop all processes together when told to.

        Raises:
            PrunedError: others did better.
            UserError: nothing of that name is logged.
        """
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        if self.monitor not in trainer.callback_metrics:
            known = ", ".join(sorted(n for n in trainer.callback_metrics if n.startswith("valid/")))
            msg = f"the sweep's metric {self.monitor!r} is not logged; there are {known}"
            raise UserError(msg)
        value = float(trainer.callback_metrics[self.monitor])
        self._by_step[trainer.global_step] = value
        epochs = trainer.current_epoch + 1
        # Process 0 hears; one that went on alone would wait for the others for ever.
        heard = [listener.report(epochs, value) for listener in self._listeners(trainer)]
        stop = not all(heard)
        if trainer.strategy.reduce_boolean_decision(stop, all=False):
            msg = f"pruned after {epochs} epochs at {self.monitor} {value:.4f}: others did better"
            raise PrunedError(msg)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the value of the weights that are kept."""
        for listener in self._listeners(trainer):
            listener.finish(self._by_step.get(_kept_step(trainer), math.nan))

    def _listeners(self, trainer: pl.Trainer) -> list[Listener]:
        return _listeners if trainer.is_global_zero else []

    def state_dict(self) -> dict[str, dict[int, float]]:
        """What was reported, for a fit that is resumed."""
        return {"by_step": dict(self._by_step)}

    def load_state_dict(self, state_dict: dict[str, dict[int, float]]) -> None:
        """Go on where the checkpoint was written."""
        self._by_step = dict(state_dict["by_step"])


def _kept_step(trainer: pl.Trainer) -> int:
    for keeper in trainer.checkpoint_callbacks:
        if isinstance(keeper, ModelCheckpoint) and keeper.monitor and keeper.best_model_path:
            return int(read_checkpoint(keeper.best_model_path)["global_step"])
    return int(trainer.global_step)
