"""One process at a time works in a study's folder, and finds it without the drafts of dead ones."""

import contextlib
import fcntl
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from alpha_lightning.artefacts.errors import UserError

_FILE = ".lock"
_DRAFT = re.compile(r"\..+\.[0-9a-f]{8}\.tmp(-old)?")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the study's lock; drafts that killed tasks left are removed first.

    Args:
        folder: of the study; made when it is not there.

    Raises:
        UserError: the folder cannot be written, or another process holds the lock.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _FILE).open("w")
    except OSError as error:
        msg = f"cannot write {folder} ({error.strerror}): choose another --out"
        raise UserError(msg) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = (
                f"another process runs the study in {folder}: wait for it, or choose another --out"
            )
            raise UserError(msg) from error
        _sweep(folder)
        yield


def is_locked(folder: Path) -> bool:
    """Whether a process runs the study in a folder."""
    try:
        lock = (folder / _FILE).open()
    except OSError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _sweep(folder: Path) -> None:
    # Nobody else writes here while the lock is held.
    for path in [path for path in folder.rglob(".*") if _DRAFT.fullmatch(path.name)]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
