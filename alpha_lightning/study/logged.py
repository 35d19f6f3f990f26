"""A task with all that it prints in a log, and its end in plain values."""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.tasks import Identity, Task, run_task

LOG = "log.txt"


class Ended(NamedTuple):
    """What a worker sends back: plain values, since not every exception survives the way.

    Args:
        seconds: it took.
        failure: one line, or None after success.
        lost: the worker is gone, so that the task itself may be without fault.
    """

    seconds: float
    failure: str | None
    lost: bool = False


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
                if number := _signal(error):
                    # A training that was asked to go has saved its state.
                    told = f"ended by {number.name}"
                    return Ended(time.perf_counter() - begin, told, lost=True)
                # Settings that jsonargparse refuses end in its own message and an exit.
                raise UserError(_refusal(folder / LOG) or f"exit status {error.code}") from error
            except UserError as error:
                sys.stderr.write(f"error: {error}\n")
                raise
            except Exception:
                traceback.print_exc()
                raise
    except Exception as error:
        # A task may fail in any way, and takes only those down that need it.
        return Ended(time.perf_counter() - begin, in_a_line(error))
    return Ended(time.perf_counter() - begin, None)


def in_a_line(error: Exception) -> str:
    """An exception as the reason of a failure."""
    first = next(iter(str(error).splitlines()), "")
    return first if isinstance(error, UserError) else f"{type(error).__name__}: {first}"


def _signal(end: SystemExit) -> signal.Signals | None:
    try:
        return signal.Signals(int(end.code or 0) - 128)
    except ValueError:
        return None


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
