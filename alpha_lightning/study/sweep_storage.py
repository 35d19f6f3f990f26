"""Where a sweep's trials are kept: a journal in its folder, or any storage of Optuna."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.lock import is_held

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

JOURNAL = "trials.journal"


class FileLock:
    """A lock that waits, and that ends with the process that holds it, however that ends.

    Args:
        path: of the file; made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._file = self.path.open("a")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Let the next one have it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def held(self) -> bool:
        """Whether a living process holds it, here or on another machine of the file system."""
        return is_held(self.path)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class JournalLock(FileLock):
    """The lock of Optuna's journal.

    Its own ones are files that a killed process leaves behind, for which others then wait; and what
    it was writing at that moment would make the journal unreadable with the next line.

    Args:
        journal: the file.
    """

    def __init__(self, journal: Path) -> None:
        super().__init__(journal.with_name(f".{journal.name}.lock"))
        self._journal = journal

    def acquire(self) -> bool:
        """Wait for the lock; half a line at the end goes."""
        super().acquire()
        with self._journal.open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            whole = size
            while whole:
                begin = max(0, whole - (1 << 16))
                file.seek(begin)
                end = file.read(whole - begin).rfind(b"\n")
                if end >= 0:
                    whole = begin + end + 1
                    break
                whole = begin
            if whole < size:
                file.truncate(whole)
        return True


def open_storage(folder: Path, url: str | None) -> "BaseStorage":
    """The storage of a sweep.

    Args:
        folder: of the sweep.
        url: of a storage of Optuna; None for the journal in the folder.

    Raises:
        UserError: it cannot be reached.
    """
    from optuna import storages
    from optuna.storages.journal import JournalFileBackend

    if url is None:
        journal = folder / JOURNAL
        journal.touch()
        return storages.JournalStorage(JournalFileBackend(str(journal), JournalLock(journal)))
    try:
        return storages.get_storage(url)
    except Exception as error:
        # Each database's driver has exceptions of its own, and may itself be missing.
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        scheme = url.partition(":")[0]
        msg = (
            f"--storage {scheme}:... cannot be opened ({reason}): check the address, and that the"
            " driver of that database is installed; without --storage the trials lie in --out"
        )
        raise UserError(msg) from error
