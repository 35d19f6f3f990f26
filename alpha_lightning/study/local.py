"""The engine of this machine: tasks on worker processes that stay alive."""

import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import NamedTuple, Self, cast

from alpha_lightning.study.claims import run_claimed
from alpha_lightning.study.gpu_slots import VISIBLE, wants_gpu
from alpha_lightning.study.logged import LOG, Ended, run_logged
from alpha_lightning.study.schedule import Outcome, run_on
from alpha_lightning.study.tasks import Identity, Task

__all__ = ["ENVIRONMENT", "LOG", "Ended", "Outcome", "Preempted", "run_local", "run_logged"]
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Set before a worker imports numpy and torch; a task may raise torch's own number again."""
# glibc returns blocks over 32 MB to the system after each use, and the kernel zeroes them again for
# the next: with thousands of stocks a step that is up to half of the time.
ENVIRONMENT |= {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "16000000000"}
Run = Callable[[Task, Path, Identity], Ended]
_GRACE = 10.0  # seconds for an idle worker to end by itself
_SAVING = 60.0  # seconds for a fit to save itself


class Preempted(BaseException):
    """The system wants its machine back: what runs may save itself, then all ends."""


def run_local(
    tasks: Sequence[Task],
    identities: Mapping[str, Identity],
    folder: Path,
    jobs: int,
    *,
    retries: int = 0,
    slots: Sequence[str] = (),
    run: Run = run_claimed,
) -> Generator[Outcome, None, None]:
    """Run tasks on worker processes, as `run_on`; yields each as it ends.

    A worker that is killed fails its own task. Workers die with this process, and at once when the
    generator is closed or interrupted; after `Preempted` what runs gets SIGTERM and a minute.

    Args:
        tasks: not done yet, needs first.
        identities: by name.
        folder: of markers and logs.
        jobs: worker processes.
        retries: how often a task is tried again whose worker was killed.
        slots: a GPU for each fit that may run at once; without any, fits are not told apart.
        run: runs a task in its worker.
    """
    return run_on(_Workers(jobs, slots, run), tasks, identities, folder, retries)


@dataclass(frozen=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    gpu: str | None


class _Busy(NamedTuple):
    worker: _Worker
    task: Task
    slot: str | None


class _Workers:
    """Processes that wait for tasks; started when all others are busy, or see another GPU.

    A pool of the standard library would fail every running task when one worker is killed.

    Args:
        jobs: processes at once.
        slots: a GPU for each fit at once.
        run: runs a task.
    """

    def __init__(self, jobs: int, slots: Sequence[str], run: Run) -> None:
        self.jobs, self.run = jobs, run
        self.slots, self.told_apart = list(slots), bool(slots)
        self.idle: list[_Worker] = []
        self.dismissed: list[_Worker] = []
        self.busy: dict[Connection, _Busy] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        busy = [worker for worker, _, _ in self.busy.values()]
        if failure[0] is Preempted:
            _let_save(busy)
        workers = [*self.idle, *self.dismissed, *busy]
        for worker in workers:
            worker.pipe.close()
            if failure[0] is not None:
                worker.process.kill()
        for worker in workers:
            worker.process.join(_GRACE)
            worker.process.kill()
            worker.process.join()

    @property
    def running(self) -> int:
        """How many tasks run."""
        return len(self.busy)

    def room(self, task: Task) -> bool:
        """Whether a process, and for a fit a GPU, is free."""
        return self.running < self.jobs and (bool(self.slots) or not self._pinned(task))

    def start(self, task: Task, folder: Path, identity: Identity) -> None:
        """Hand a task to a worker."""
        self.idle = [worker for worker in self.idle if worker.process.is_alive()]
        slot = self._take_slot() if self._pinned(task) else None
        worker = self._hire(slot)
        self.busy[worker.pipe] = _Busy(worker, task, slot)
        # One that died meanwhile is found dead by `wait`.
        with contextlib.suppress(BrokenPipeError):
            worker.pipe.send((self.run, task, folder, identity))

    def wait(self) -> Iterator[tuple[Task, Ended]]:
        """The tasks that ended, at least one."""
        for pipe in cast("list[Connection]", wait(list(self.busy))):
            worker, task, slot = self.busy.pop(pipe)
            if slot is not None:
                self.slots.append(slot)
            try:
                ended = Ended(*pipe.recv())
                self.idle.append(worker)
            except (EOFError, OSError):
                pipe.close()
                worker.process.join()
                ended = Ended(0.0, _last_words(worker.process.exitcode or 0), lost=True)
            yield task, ended

    def _pinned(self, task: Task) -> bool:
        return self.told_apart and wants_gpu(task)

    def _take_slot(self) -> str:
        # Where a worker is that knows the GPU, and may hold the panel there.
        known = (worker.gpu for worker in reversed(self.idle) if worker.gpu in self.slots)
        slot = next(known, None) or self.slots[0]
        self.slots.remove(slot)
        return slot

    def _hire(self, gpu: str | None) -> _Worker:
        suited = [worker for worker in self.idle if worker.gpu == gpu]
        if not suited and gpu is None:
            suited = self.idle
        if suited:
            worker = suited[-1]
            self.idle.remove(worker)
            return worker
        while self.idle and len(self.idle) + self.running >= self.jobs:
            gone = self.idle.pop(0)
            gone.pipe.send(None)
            self.dismissed.append(gone)
        return _start_worker(gpu)


def _let_save(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.process.terminate()
    end = time.monotonic() + _SAVING
    for worker in workers:
        # Whoever has saved sends how it ended, or is gone.
        worker.pipe.poll(max(end - time.monotonic(), 0.0))


def _start_worker(gpu: str | None) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,))
    wanted = ENVIRONMENT | ({} if gpu is None else {VISIBLE: gpu})
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        process.start()
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    theirs.close()
    return _Worker(process, ours, gpu)


def _last_words(status: int) -> str:
    if status == -signal.SIGKILL:
        return "the worker process was killed, perhaps for want of memory"
    cause = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return f"the worker process ended with {cause}"


def _work(pipe: Connection) -> None:
    # The parent decides what an interrupt means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    leave_allocation()
    with contextlib.suppress(EOFError):
        while (order := pipe.recv()) is not None:
            run, task, *about = order
            leave_panel(task)
            pipe.send(run(task, *about))
            give_memory_back()


def leave_panel(task: Task) -> None:
    """Drop the panel that fits keep for one another where something else is to run.

    Args:
        task: what runs next.
    """
    shared = sys.modules.get("alpha_lightning.windows.shared")
    if shared is not None and not task.name.startswith("fit/"):
        shared.forget()


def leave_allocation() -> None:
    """Forget SLURM: Lightning would take a fit of one device for a part of the whole allocation."""
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        del os.environ[name]


def give_memory_back() -> None:
    """With the thresholds above glibc keeps for ever what the largest task took."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _die_with_parent() -> None:
    # A worker whose parent was killed must not go on writing where the study's next start works.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
