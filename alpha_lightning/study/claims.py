"""A task belongs to the process that runs it, wherever on a shared file system that is."""

import contextlib
import fcntl
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.logged import Ended, in_a_line, run_logged
from alpha_lightning.study.tasks import FAILED, Identity, Task, read_marker

_FILE = ".claim"
_PATIENCE = 60.0  # seconds for the dead of a lost node to be noticed
_PAUSE = 0.2


@contextlib.contextmanager
def claimed(folder: Path, patience: float | None = _PATIENCE) -> Iterator[None]:
    """Hold a task's own lock; the system gives it back when the process ends, however it ends.

    Args:
        folder: of the task; made when it is not there.
        patience: seconds to wait for another process, None for ever.

    Raises:
        UserError: another process still runs the task, or the file system knows no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    end = None if patience is None else time.monotonic() + patience
    with (folder / _FILE).open("a") as lock:
        while not lock_or_not(lock, fcntl.LOCK_EX):
            if end is not None and time.monotonic() > end:
                msg = (
                    f"another process still works in {folder}, perhaps on another machine: end it,"
                    " then run the study again"
                )
                raise UserError(msg)
            time.sleep(_PAUSE)
        yield


def is_claimed(folder: Path) -> bool:
    """Whether a process runs the task of a folder."""
    try:
        lock = (folder / _FILE).open()
    except OSError:
        return False
    with lock:
        return not lock_or_not(lock, fcntl.LOCK_SH)


def lock_or_not(lock: IO[str], kind: int) -> bool:
    """Take a lock if it is free.

    Args:
        lock: opened for writing when the lock is to be exclusive.
        kind: ``fcntl.LOCK_EX`` or ``fcntl.LOCK_SH``.

    Raises:
        UserError: the file system knows no locks.
    """
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        msg = (
            f"{lock.name} cannot be locked ({error.strerror}): the study's folder must lie on a"
            " file system with locks (NFS with its lock service, Lustre mounted with flock)"
        )
        raise UserError(msg) from error
    return True


def run_claimed(task: Task, folder: Path, identity: Identity) -> Ended:
    """`run_logged`, once no process of a worker that was lost runs the task any more.

    Args:
        task: what to run.
        folder: of marker, log and claim.
        identity: to leave in the marker.
    """
    try:
        with claimed(folder):
            return run_logged(task, folder, identity)
    except (UserError, OSError) as error:
        return Ended(0.0, in_a_line(error))


def run_shared(task: Task, folder: Path, identity: Identity) -> Ended:
    """`run_logged`, unless another process has run the task while this one waited for it.

    Args:
        task: what to run.
        folder: of marker, log and claim.
        identity: to leave in the marker.
    """
    before = _stamp(folder / FAILED)
    try:
        with claimed(folder, None):
            # Several wait for the same panel: what one of them met, all would meet.
            if _stamp(folder / FAILED) not in (None, before):
                return Ended(0.0, _failure(folder / FAILED))
            if _is_done(task, folder, identity):
                return Ended(0.0, None)
            ended = run_logged(task, folder, identity)
            if ended.failure is not None and not ended.lost:
                leave_failure(folder, ended)
            return ended
    except (UserError, OSError) as error:
        return Ended(0.0, in_a_line(error))


def leave_failure(folder: Path, ended: Ended) -> None:
    """Leave in a task's folder that it failed."""
    with atomic_file(folder / FAILED) as draft:
        draft.write_text(json.dumps({"failure": ended.failure, "seconds": ended.seconds}, indent=1))


def _is_done(task: Task, folder: Path, identity: Identity) -> bool:
    there = task.writes is None or Path(task.writes).exists()
    return there and read_marker(folder).get("key") == identity.key


def _stamp(file: Path) -> int | None:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


def _failure(file: Path) -> str:
    return str(json.loads(file.read_text(encoding="utf-8"))["failure"])
