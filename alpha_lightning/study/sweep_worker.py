"""Trials of a sweep run one by one in processes of their own, which report as they go."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple, Self, cast

from alpha_lightning.study.logged import run_logged
from alpha_lightning.study.tasks import Identity, Task

_TRAINING = "alpha_lightning.factors.training_cli"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_GRACE = 10.0  # seconds to end after the last word


@dataclass(frozen=True)
class Job:
    """A trial to run.

    Args:
        number: of the trial.
        function: ``module:function`` that runs it; it takes the options.
        options: of `fit`.
        log: folder for what it prints.
        threads: of torch.
        device: which accelerator of the machine it has for itself, counted from 0 and begun again
            when there are fewer; None if that is not ours to say.
    """

    number: int
    function: str
    options: Sequence[str]
    log: Path
    threads: int = 1
    device: int | None = None


class Report(NamedTuple):
    """The metric of a trial after so many epochs."""

    epochs: int
    value: float


class Final(NamedTuple):
    """The metric of what a trial leaves."""

    value: float


class End(NamedTuple):
    """A trial ended: after so many seconds, and with which failure."""

    seconds: float
    failure: str | None


Message = Report | Final | End


class Workers:
    """Running trials; they die with this process, and when it leaves them.

    Processes fork from one that has loaded torch and never computed: a trial begins at once, what
    it took is given back when it ends, and one that is killed takes no other with it.

    Args:
        number: of trials at a time.
        threads: of a trial, which the libraries' own pools are told too.
    """

    def __init__(self, number: int, threads: int = 1) -> None:
        self.number = number
        self._threads = threads
        self._running: dict[Connection, tuple[BaseProcess, Job, float]] = {}
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([_TRAINING])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        for process, *_ in self._running.values():
            process.kill()
        for pipe, (process, *_) in self._running.items():
            process.join()
            pipe.close()

    @property
    def free(self) -> int:
        """Number of trials that may be started."""
        return self.number - len(self._running)

    def slot(self) -> int:
        """The least number that no running trial has."""
        taken = {job.device for _, job, _ in self._running.values()}
        return next(slot for slot in range(self.number + 1) if slot not in taken)

    def start(self, job: Job) -> None:
        """Begin a trial."""
        ours, theirs = self._context.Pipe()
        arguments = (theirs, job, dict(os.environ), str(Path.cwd()))
        process = self._context.Process(target=_work, args=arguments)
        before = {name: os.environ.get(name) for name in _THREADS}
        os.environ.update(dict.fromkeys(_THREADS, str(self._threads)))
        try:
            process.start()
        finally:
            _set_environment(before)
        theirs.close()
        self._running[ours] = process, job, time.perf_counter()

    def wait(self) -> Iterator[tuple[Job, Message]]:
        """What running trials have to say, at least one message."""
        for pipe in cast("list[Connection]", wait(list(self._running))):
            process, job, begin = self._running[pipe]
            try:
                message: Message = pipe.recv()
            except (EOFError, OSError):
                process.join()
                message = End(time.perf_counter() - begin, _last_words(process.exitcode or 0))
            if isinstance(message, End):
                del self._running[pipe]
                pipe.close()
                process.join(_GRACE)
                process.kill()
                process.join()
            yield job, message

    def answer(self, job: Job, *, go_on: bool) -> None:
        """Tell a trial that reported whether it goes on."""
        pipe = next(pipe for pipe, (_, running, _) in self._running.items() if running is job)
        # One that died meanwhile is found dead by `wait`.
        with contextlib.suppress(BrokenPipeError):
            pipe.send(go_on)


class _Pipe:
    """Hears the trial in its own process and passes it on."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def report(self, epochs: int, value: float) -> bool:
        self._pipe.send(Report(epochs, value))
        return bool(self._pipe.recv())

    def finish(self, value: float) -> None:
        self._pipe.send(Final(value))


_pipes: list[_Pipe] = []


def train_trial(options: list[str]) -> None:
    """Run `fit` and report to the sweep.

    Args:
        options: of `fit`.
    """
    from alpha_lightning.factors.pruning import run_as_trial
    from alpha_lightning.factors.training_cli import train

    run_as_trial(lambda: train(["fit", *options]), _pipes[-1])


def _work(pipe: Connection, job: Job, environment: Mapping[str, str], folder: str) -> None:
    # The parent decides what an interrupt means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.chdir(folder)
    _set_environment({name: environment.get(name) for name in {*os.environ, *environment}})
    _take_device(job.device)
    # Lightning starts the other processes of a fit by the command line of this one.
    sys.argv = [sys.argv[0], "fit", *job.options]
    _pipes.append(_Pipe(pipe))
    _set_threads(job.threads)
    task = Task(f"trial/{job.number}", job.function, {"options": list(job.options)})
    ended = run_logged(task, job.log, Identity("", "", "", ""))
    pipe.send(End(ended.seconds, ended.failure))


def _set_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _take_device(slot: int | None) -> None:
    if slot is None:
        return
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = named.split(",") if named else [str(n) for n in range(torch.cuda.device_count())]
    if len(names) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = names[slot % len(names)]


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _last_words(status: int) -> str:
    if status == -signal.SIGKILL:
        return "its process was killed, perhaps for want of memory"
    cause = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return f"its process ended with {cause}"
