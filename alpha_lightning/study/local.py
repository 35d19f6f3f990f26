"""The local engine: tasks on worker processes that stay alive, in the order of their needs."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.tasks import Task, run_task

LOG = "log.txt"
# Set before a worker imports numpy and torch; a task may raise torch's own number again.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# glibc returns blocks over 32 MB to the system after each use, and the kernel zeroes them again for
# the next: with thousands of stocks a step that is up to half of the time.
_ENVIRONMENT |= {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "16000000000"}


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


def run_local(
    tasks: list[Task], keys: dict[str, str], folder: Path, jobs: int
) -> Iterator[Outcome]:
    """Run tasks on worker processes; yields each as it ends.

    A task runs once all tasks of the list that it needs have succeeded. One that fails takes only
    those down that need it; they are not yielded.

    Args:
        tasks: not done yet, needs first.
        keys: identity by name.
        folder: of markers and logs.
        jobs: worker processes.
    """
    waiting = {task.name: task for task in tasks}
    running: dict[Future[float], Task] = {}
    unfinished = set(waiting)
    with _pool(jobs) as submit:
        while waiting or running:
            for task in [t for t in waiting.values() if not unfinished.intersection(t.needs)]:
                if len(running) >= jobs:
                    break
                running[submit(task, folder / task.name, keys[task.name])] = task
                del waiting[task.name]
            if not running:
                return
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                task = running.pop(future)
                outcome = _outcome(task, future, folder / task.name / LOG)
                if outcome.failure is None:
                    unfinished.discard(task.name)
                yield outcome


def _outcome(task: Task, future: "Future[float]", log: Path) -> Outcome:
    try:
        return Outcome(task, future.result(), None, log)
    except BrokenProcessPool:
        reason = "the worker process was killed, perhaps for want of memory"
        return Outcome(task, 0.0, reason, log)
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        return Outcome(task, 0.0, reason, log)


@contextlib.contextmanager
def _pool(jobs: int) -> Iterator[Callable[..., "Future[float]"]]:
    context = multiprocessing.get_context("spawn")
    pools: list[ProcessPoolExecutor] = []

    def submit(task: Task, folder: Path, key: str) -> "Future[float]":
        if not pools:
            pools.append(ProcessPoolExecutor(jobs, context, _start_worker, (os.getpid(),)))
        try:
            return pools[-1].submit(_run_logged, task, folder, key)
        except BrokenProcessPool:
            pools.append(ProcessPoolExecutor(jobs, context, _start_worker, (os.getpid(),)))
            return pools[-1].submit(_run_logged, task, folder, key)

    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield submit
    except BaseException:
        for pool in pools:
            _kill(pool)
        raise
    finally:
        for pool in pools:
            pool.shutdown(cancel_futures=True)
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _kill(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):
        process.kill()


def _start_worker(parent: int) -> None:
    # The parent decides what an interrupt means; and a worker whose parent was killed must not go
    # on writing where the study's next start works.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run_logged(task: Task, folder: Path, key: str) -> float:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOG).open("w") as log, _output_to(log.fileno()):
        try:
            return run_task(task, folder, key)
        except UserError as error:
            print(f"error: {error}", flush=True)  # noqa: T201 - the log is what is printed
            raise
        except BaseException:
            traceback.print_exc()
            raise


@contextlib.contextmanager
def _output_to(descriptor: int) -> Iterator[None]:
    # By file descriptor: libraries keep their own references to sys.stderr.
    kept = os.dup(1), os.dup(2)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        os.close(kept[0])
        os.close(kept[1])
