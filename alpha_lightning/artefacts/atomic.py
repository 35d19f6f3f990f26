"""Files and folders that are written whole or not at all."""

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from alpha_lightning.artefacts.errors import ArtefactError

_REMEDY = {
    errno.ENOSPC: "the disk is full: free some space or write elsewhere",
    errno.EDQUOT: "the disk quota is used up: free some space or write elsewhere",
    errno.EACCES: "permission denied: choose a folder you may write to",
    errno.EPERM: "permission denied: choose a folder you may write to",
    errno.EROFS: "the file system is read-only: choose a folder you may write to",
    errno.ENOTDIR: "a part of the path is a file, not a folder: choose another path",
    errno.EEXIST: "a file of that name is in the way: remove it or choose another path",
}


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it onto ``path`` once the block succeeds.

    After an error, or a kill, ``path`` is what it was before.

    Args:
        path: the file to write; its folder is made when absent.

    Raises:
        ArtefactError: the system refuses (disk full, no permission, ...); nothing is left.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with atomic_file(folder / "a.txt") as draft:
        ...     _ = draft.write_text("whole")
        >>> (folder / "a.txt").read_text()
        'whole'
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.tmp")
    with _clean_on_error(target, draft):
        target.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        _flush(draft)
        draft.replace(target)


@contextlib.contextmanager
def atomic_folder(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; rename it onto ``path`` once the block succeeds.

    Args:
        path: the folder to write.
        overwrite: replace what is there; otherwise an existing ``path`` is refused at once.

    Raises:
        ArtefactError: ``path`` exists, or the operating system refuses; nothing is left.
    """
    target = Path(path)
    if target.exists() and not overwrite:
        msg = f"{target} exists: choose another path, or pass --overwrite true to replace it"
        raise ArtefactError(msg)
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.tmp")
    with _clean_on_error(target, draft):
        draft.mkdir(parents=True)
        yield draft
        for file in draft.rglob("*"):
            if file.is_file():
                _flush(file)
        _swap(draft, target)


def _swap(draft: Path, target: Path) -> None:
    if not target.exists():
        draft.replace(target)
        return
    # A folder cannot be renamed onto a full one: step the old one aside, and back if that fails.
    old = draft.with_name(draft.name + "-old")
    target.replace(old)
    try:
        draft.replace(target)
    except OSError:
        old.replace(target)
        raise
    _remove(old)


def _flush(file: Path) -> None:
    # The rename must not reach the disk before the bytes do.
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


@contextlib.contextmanager
def _clean_on_error(target: Path, draft: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _remove(draft)
        remedy = _REMEDY.get(error.errno or 0)
        if remedy is None:
            raise
        msg = f"cannot write {target}: {remedy}"
        raise ArtefactError(msg) from error
    except BaseException:
        _remove(draft)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
