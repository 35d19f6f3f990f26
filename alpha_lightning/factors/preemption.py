"""Signals that ask a training to go: it is told apart from a mistake, and it goes between steps."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any, NoReturn

import pytorch_lightning as pl
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class PreemptedError(SystemExit):
    """A training that was asked to go has saved its state and goes, with status 128 + signal.

    It is no error of the user or the program: whoever runs several trainings must not go on to the
    next one.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


class Preemption:
    """Listens to SIGTERM, SIGUSR1 and what SLURM's plugin names, and remembers instead of acting.

    One of several processes that comes to no end of a step within the time limit of collectives
    dies of the signal after all.

    Lightning's own way acts inside of the handler: SLURM's checkpoint may fall between the two
    halves of a step, and under ddp a collective of the handler meets the collectives of the step.
    """

    def __init__(self) -> None:
        self.number = 0
        self.at_once = ""
        self._trainer: pl.Trainer | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._deadline: threading.Timer | None = None

    def listen(self, trainer: pl.Trainer, at_once: str = "") -> None:
        """Begin to listen.

        Args:
            trainer: once it has put its own handlers in place.
            at_once: what became of the run, to go at once; otherwise a signal is remembered.
        """
        self.number, self.at_once, self._trainer = 0, at_once, trainer
        if threading.current_thread() is not threading.main_thread():
            return
        self.rest()
        for number in {*_SIGNALS, _requeue_signal(trainer) or signal.SIGTERM}:
            self._before[number] = signal.signal(number, self._note)
        if trainer.received_sigterm:
            # It came after Lightning had begun to listen, and before us.
            trainer._signal_connector.received_sigterm = False
            self.number = int(signal.SIGTERM)

    def rest(self) -> None:
        """Put those handlers back that were there before."""
        if self._deadline is not None:
            self._deadline.cancel()
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._note:
                signal.signal(number, handler)
        self._before = {}

    def leave(self, told: str) -> NoReturn:
        """Go; under SLURM with auto-requeue, process 0 puts the job into the queue again first.

        Args:
            told: what became of the run, for stderr.

        Raises:
            PreemptedError: always.
        """
        trainer = self._trainer
        if trainer is not None and trainer.is_global_zero:
            # Not logged: a training without Lightning's messages says this all the same.
            sys.stderr.write(f"error: stopped by {signal.Signals(self.number).name}; {told}\n")
            if self.number == _requeue_signal(trainer):
                requeue(os.environ)
        raise PreemptedError(self.number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        if self.at_once:
            self.leave(self.at_once)
        seconds = getattr(getattr(self._trainer, "strategy", None), "_timeout", None)
        if seconds is not None and self._deadline is None:
            # One of several processes may never come to the end of a step: others wait for it.
            self._deadline = threading.Timer(
                seconds.total_seconds(), os._exit, (128 + int(number),)
            )
            self._deadline.daemon = True
            self._deadline.start()


def requeue(environment: Mapping[str, str]) -> None:
    """Ask SLURM to put this job, or this element of an array, into the queue again.

    Args:
        environment: of the process; nothing is done outside of a job.
    """
    array = environment.get("SLURM_ARRAY_JOB_ID")
    element = f"{array}_{environment.get('SLURM_ARRAY_TASK_ID')}" if array else None
    job = element or environment.get("SLURM_JOB_ID", "")
    if not re.fullmatch(r"[0-9_]+", job):
        return
    scontrol = shutil.which("scontrol", path=environment.get("PATH"))
    line = [scontrol or "", "requeue", job]
    done = scontrol is not None and subprocess.run(line, check=False).returncode == 0  # noqa: S603
    if not done:
        sys.stderr.write(f"job {job} could not be put into the queue again: submit it yourself\n")


def _requeue_signal(trainer: pl.Trainer) -> signal.Signals | None:
    plugin: Any = trainer._accelerator_connector.cluster_environment
    asks = isinstance(plugin, SLURMEnvironment) and plugin.auto_requeue
    return plugin.requeue_signal if asks else None
