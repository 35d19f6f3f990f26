"""The local engine: tasks on worker processes that stay alive, in the order of their needs."""

import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import NamedTuple, Self, cast

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.tasks import Identity, Task, run_task

LOG = "log.txt"
# Set before a worker imports numpy and torch; a task may raise torch's own number again.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# glibc returns blocks over 32 MB to the system after each use, and the kernel zeroes them again for
# the next: with thousands of stocks a step that is up to half of the time.
_ENVIRONMENT |= {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "16000000000"}
_GRACE = 10.0  # seconds for an idle worker to end by itself


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Args:
        task: which.
        seconds: it took.
        failure: one line, or None after success.
        log: what it printed.
    """

    task: Task
    seconds: float
    failure: str | None
    log: Path


class Ended(NamedTuple):
    """What a worker sends back: plain values, since not every exception survives the way."""

    seconds: float
    failure: str | None


def run_local(
    tasks: Sequence[Task], identities: Mapping[str, Identity], folder: Path, jobs: int
) -> Generator[Outcome, None, None]:
    """Run tasks on worker processes; yields each as it ends.

    A task runs once all tasks of the list that it needs have succeeded. One that fails takes only
    those down that need it; they are not yielded. A worker that is killed fails its own task.
    Workers die with this process, and at once when the generator is closed or interrupted.

    Args:
        tasks: not done yet, needs first.
        identities: by name.
        folder: of markers and logs.
        jobs: worker processes.
    """
    waiting = {task.name: task for task in tasks}
    unfinished = set(waiting)
    with _Workers() as workers:
        while True:
            ready = [task for task in waiting.values() if not unfinished.intersection(task.needs)]
            # What reads transient artefacts comes first, so that few of them lie there at once.
            ready.sort(key=lambda task: task.transient)
            for task in ready[: jobs - len(workers.busy)]:
                workers.start(task, folder / task.name, identities[task.name])
                del waiting[task.name]
            if not workers.busy:
                return
            for task, ended in workers.wait():
                if ended.failure is None:
                    unfinished.discard(task.name)
                yield Outcome(task, *ended, folder / task.name / LOG)


@dataclass(frozen=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection


class _Workers:
    """Processes that wait for tasks; started when all others are busy.

    A pool of the standard library would fail every running task when one worker is killed.
    """

    def __init__(self) -> None:
        self.idle: list[_Worker] = []
        self.busy: dict[Connection, tuple[_Worker, Task]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        workers = [*self.idle, *(worker for worker, _ in self.busy.values())]
        for worker in workers:
            worker.pipe.close()
            if failure[0] is not None:
                worker.process.kill()
        for worker in workers:
            worker.process.join(_GRACE)
            worker.process.kill()
            worker.process.join()

    def start(self, task: Task, folder: Path, identity: Identity) -> None:
        """Hand a task to a worker."""
        self.idle = [worker for worker in self.idle if worker.process.is_alive()]
        worker = self.idle.pop() if self.idle else _start_worker()
        self.busy[worker.pipe] = worker, task
        # One that died meanwhile is found dead by `wait`.
        with contextlib.suppress(BrokenPipeError):
            worker.pipe.send((task, folder, identity))

    def wait(self) -> Iterator[tuple[Task, Ended]]:
        """The tasks that ended, at least one."""
        for pipe in cast("list[Connection]", wait(list(self.busy))):
            worker, task = self.busy.pop(pipe)
            try:
                ended = Ended(*pipe.recv())
                self.idle.append(worker)
            except (EOFError, OSError):
                pipe.close()
                worker.process.join()
                ended = Ended(0.0, _last_words(worker.process.exitcode or 0))
            yield task, ended


def _start_worker() -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,))
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        process.start()
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    theirs.close()
    return _Worker(process, ours)


def _last_words(status: int) -> str:
    if status == -signal.SIGKILL:
        return "the worker process was killed, perhaps for want of memory"
    cause = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return f"the worker process ended with {cause}"


def _work(pipe: Connection) -> None:
    # The parent decides what an interrupt means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError):
        while True:
            pipe.send(run_logged(*pipe.recv()))
            _give_memory_back()


def _give_memory_back() -> None:
    # With the thresholds above glibc keeps for ever what the largest task took.
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _die_with_parent() -> None:
    # A worker whose parent was killed must not go on writing where the study's next start works.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def run_logged(task: Task, folder: Path, identity: Identity) -> Ended:
    """Run a task with all it prints, its traceback included, in a log.

    Args:
        task: what to run.
        folder: of marker and log.
        identity: to leave in the marker.
    """
    begin = time.perf_counter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOG).open("w+") as log, _output_to(log.fileno()):
            try:
                run_task(task, folder, identity)
            except SystemExit as error:
                # Settings that jsonargparse refuses end in its own message and an exit.
                raise UserError(_refusal(folder / LOG) or f"exit status {error.code}") from error
            except UserError as error:
                sys.stderr.write(f"error: {error}\n")
                raise
            except Exception:
                traceback.print_exc()
                raise
    except Exception as error:
        return Ended(time.perf_counter() - begin, _in_a_line(error))
    return Ended(time.perf_counter() - begin, None)


def _in_a_line(error: Exception) -> str:
    first = next(iter(str(error).splitlines()), "")
    return first if isinstance(error, UserError) else f"{type(error).__name__}: {first}"


def _refusal(log: Path) -> str:
    _flush()
    # The reason may take several lines, each below a part of the settings.
    _, found, told = log.read_text(errors="replace").rpartition("error: ")
    return " ".join(told.split()) if found else ""


@contextlib.contextmanager
def _output_to(descriptor: int) -> Iterator[None]:
    # By file descriptor: libraries keep their own references to sys.stderr.
    kept = os.dup(1), os.dup(2)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        _flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        os.close(kept[0])
        os.close(kept[1])


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
