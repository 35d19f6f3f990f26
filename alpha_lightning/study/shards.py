"""A study run by several jobs that know nothing of each other: `--shard i/n`."""

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.claims import lock_or_not
from alpha_lightning.study.tasks import Task

_FILE = ".lock"
_PATIENCE = 10.0  # seconds for the first of an array to have written what the study is
_PAUSE = 0.1
_KINDS = fcntl.LOCK_EX, fcntl.LOCK_SH


@dataclass(frozen=True)
class Shard:
    """One of several shares of a study's fits.

    Args:
        number: which, from 1.
        count: how many there are.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """A share written ``i/n``.

        Raises:
            UserError: it is not.

        Example:
            >>> Shard.parse("2/8")
            Shard(number=2, count=8)
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            msg = f"--shard is {text}: give i/n with i from 1 to n, for example 1/8"
            raise UserError(msg)
        return cls(int(found[1]), int(found[2]))

    def of(self, tasks: Sequence[Task]) -> list[Task]:
        """The share's fits and all that they need, in order.

        Who takes which fit depends on nothing but the list, so that jobs agree without talking;
        each row of ``count`` fits is dealt from another one on, or a unit would be all one job's.

        Args:
            tasks: all tasks of a study, needs first.
        """
        fits = [task.name for task in tasks if task.name.startswith("fit/")]
        wanted = {
            name
            for place, name in enumerate(fits)
            if (place + place // self.count) % self.count == self.number - 1
        }
        for task in reversed(tasks):
            if task.name in wanted:
                wanted.update(task.needs)
        return [task for task in tasks if task.name in wanted]


@contextlib.contextmanager
def beside_others(folder: Path, begin: Callable[[bool], None]) -> Iterator[None]:
    """Hold a study's folder together with other shards, and with nobody who runs the whole study.

    Args:
        folder: of the study; made when it is not there.
        begin: called with whether no other shard is there; the first one is alone meanwhile.

    Raises:
        UserError: the folder cannot be written or locked, or the whole study runs in it.
    """
    end = time.monotonic() + _PATIENCE
    kinds: Sequence[int] = _KINDS[:1]
    while (taken := _locked(folder, kinds)) is None:
        _wait(folder, end)
        kinds = _KINDS  # whoever only looked how far the study is has gone
    lock, kind = taken
    with lock:
        begin(kind == fcntl.LOCK_EX)
        while not lock_or_not(lock, fcntl.LOCK_SH):
            _wait(folder, end)
        yield


def _locked(folder: Path, kinds: Sequence[int]) -> tuple[IO[str], int] | None:
    path = folder / _FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = path.open("a+")
    except OSError as error:
        msg = f"cannot write {folder} ({error.strerror}): choose another --out"
        raise UserError(msg) from error
    with contextlib.ExitStack() as stack:
        stack.callback(lock.close)
        kind = next((kind for kind in kinds if lock_or_not(lock, kind)), None)
        if kind is not None:
            # Who ran the whole study has removed the file meanwhile, perhaps: it locks nothing.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                    stack.pop_all()
                    return lock, kind
    return None


def _wait(folder: Path, end: float) -> None:
    if time.monotonic() > end:
        msg = f"another process runs the whole study in {folder}: wait for it, or choose another"
        raise UserError(f"{msg} --out")
    time.sleep(_PAUSE)
