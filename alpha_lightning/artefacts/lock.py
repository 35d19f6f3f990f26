"""One process at a time works in a folder, and finds it without the drafts of dead ones."""

import contextlib
import fcntl
import os
import re
import shutil
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from alpha_lightning.artefacts.errors import UserError

_FILE = ".lock"
_DRAFT = re.compile(r"\..+\.[0-9a-f]{8}\.tmp(-old)?")
_STUDY = ("runs the study", "choose another --out")


@contextlib.contextmanager
def locked(
    folder: Path,
    doing: str = _STUDY[0],
    otherwise: str = _STUDY[1],
    drafts: Sequence[str] = ("**/.*",),
) -> Iterator[None]:
    """Hold a folder's lock; drafts that killed processes left are removed first.

    The lock is the kernel's: it ends with the process, however that ends.

    Args:
        folder: made when it is not there.
        doing: what the other process does, to tell.
        otherwise: the remedy beside waiting.
        drafts: patterns of where they may lie; other processes may write below the folder what
            the lock does not guard.

    Raises:
        UserError: the folder cannot be written, or another process holds the lock.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _taken(folder / _FILE)
    except BlockingIOError as error:
        msg = f"another process {doing} in {folder}: wait for it, or {otherwise}"
        raise UserError(msg) from error
    except OSError as error:
        msg = f"cannot write {folder} ({error.strerror}): {otherwise}"
        raise UserError(msg) from error
    with lock:
        _sweep(folder, drafts)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                (folder / _FILE).unlink()


def is_locked(folder: Path) -> bool:
    """Whether a process holds the lock of a folder."""
    return is_held(folder / _FILE)


def is_held(file: Path) -> bool:
    """Whether a living process, here or on another machine of the file system, locks a file."""
    try:
        lock = file.open()
    except OSError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _taken(path: Path) -> IO[str]:
    while True:
        lock = path.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise
        except OSError as error:
            told = f"{path.parent} is on a file system without locks ({error})"
            warnings.warn(told, stacklevel=4)
            return lock
        # Whoever held it before has removed the file meanwhile, perhaps: then this lock is of none.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                return lock
        lock.close()


def _sweep(folder: Path, drafts: Sequence[str]) -> None:
    # Nobody else writes these while the lock is held.
    found = [path for pattern in drafts for path in folder.glob(pattern)]
    for path in [path for path in found if _DRAFT.fullmatch(path.name)]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
