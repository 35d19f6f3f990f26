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
    # NumPy and Arrow report a short write without a number.
    None: "the write broke off, the disk is probably full: free some space or write elsewhere",
    errno.ENOSPC: "the disk is full: free some space or write elsewhere",
    errno.EDQUOT: "the disk quota is used up: free some space or write elsewhere",
    errno.EFBIG: "the file would be larger than allowed: raise the limit (ulimit -f) or the quota",
    errno.EACCES: "permission denied: choose a folder you may write to",
    errno.EPERM: "permission denied: choose a folder you may write to",
    errno.EROFS: "the file system is read-only: choose a folder you may write to",
    errno.ENOTDIR: "a part of the path is a file, not a folder: choose another path",
    errno.EEXIST: "a file of that name is in the way: remove it or choose another path",
    errno.EISDIR: "a folder of that name is in the way: remove it or choose another path",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
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
    draft = _beside(target)
    with _clean_on_error(target, draft):
        target.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        _flush(draft)
        draft.replace(target)


@contextlib.contextmanager
def atomic_folder(
    path: str | Path, *, overwrite: bool = False, marker: str | None = None
) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; rename it onto ``path`` once the block succeeds.

    After an error ``path`` is what it was before. So it is after a kill, unless that falls between
    the two renames of an overwrite: then the old folder lies beside ``path``, its name ending in
    ``-old``.

    Args:
        path: the folder to write.
        overwrite: replace what is there; otherwise an existing ``path`` is refused at once.
        marker: file that every folder of this kind holds. A folder without it is somebody's data
            and never replaced, unless it is empty.

    Raises:
        ArtefactError: ``path`` exists, or the operating system refuses; nothing is left.
    """
    target = Path(path)
    draft = _beside(target)
    with _clean_on_error(target, draft):
        _refuse_to_replace(target, marker, overwrite=overwrite)
        draft.mkdir(parents=True)
        yield draft
        for file in draft.rglob("*"):
            if file.is_file():
                _flush(file)
        _swap(draft, target)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.tmp")


def _refuse_to_replace(target: Path, marker: str | None, *, overwrite: bool) -> None:
    if not target.exists():
        return
    if not overwrite:
        msg = f"{target} exists: choose another path, or pass --overwrite true to replace it"
        raise ArtefactError(msg)
    if not target.is_dir():
        msg = f"{target} is a file and will not be replaced by a folder: choose another path"
        raise ArtefactError(msg)
    if marker is not None and not (target / marker).exists() and any(target.iterdir()):
        msg = (
            f"{target} holds other things (no {marker}) and will not be replaced:"
            " choose another path, or remove it yourself"
        )
        raise ArtefactError(msg)


def _swap(draft: Path, target: Path) -> None:
    # A folder cannot be renamed onto a full one: step the old one aside, and back if that fails.
    old = draft.with_name(draft.name + "-old")
    try:
        if target.exists():
            target.replace(old)
        draft.replace(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.replace(target)
        raise
    _remove(old)


def _flush(file: Path) -> None:
    # The rename must not reach the disk before the bytes do.
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


@contextlib.contextmanager
def _clean_on_error(target: Path, draft: Path) -> Iterator[None]:
    absent: list[Path] = []
    try:
        absent += [folder for folder in target.parents if not folder.exists()]
        yield
    except BaseException as error:
        _remove(draft)
        for folder in absent:
            with contextlib.suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError) and error.errno in _REMEDY:
            broke = f" ({error})" if error.errno is None else ""
            msg = f"cannot write {target}{broke}: {_REMEDY[error.errno]}"
            raise ArtefactError(msg) from error
        raise


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
