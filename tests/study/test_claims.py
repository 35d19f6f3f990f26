"""Claims on tasks: held by one process at a time, given back however it ends."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.claims import (
    claimed,
    is_claimed,
    leave_failure,
    run_claimed,
    run_shared,
)
from alpha_lightning.study.logged import LOG, Ended
from alpha_lightning.study.tasks import FAILED, MARKER, Identity, Task, read_marker

ANY = Identity("code", "settings", "inputs", "needs")
HOLD = """
import sys, time
from pathlib import Path
from alpha_lightning.study.claims import claimed

with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Task:
    """A task that copies a file."""
    (tmp_path / "source").write_text("text")
    target = str(tmp_path / "target")
    arguments = {"src": str(tmp_path / "source"), "dst": target}
    return Task("copy", "shutil:copyfile", arguments, writes=target)


def test_a_claim_is_of_one_and_free_after_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "task"
    assert not is_claimed(folder)
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_claimed(folder)
        words = r"another process still works in .*/task"
        with pytest.raises(UserError, match=words), claimed(folder, 0.0):
            pass
        os.kill(holder.pid, signal.SIGKILL)
        begin = time.monotonic()
        with claimed(folder):
            assert time.monotonic() - begin < 5
            assert is_claimed(folder)
    assert not is_claimed(folder)


def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copy: Task
) -> None:
    def refuse(lock: IO[str], kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    words = r"cannot be locked \(No locks available\): the study's folder must lie on a file system"
    with pytest.raises(UserError, match=words), claimed(tmp_path):
        pass
    assert "cannot be locked" in str(run_claimed(copy, tmp_path / "copy", ANY).failure)
    assert "cannot be locked" in str(run_shared(copy, tmp_path / "copy", ANY).failure)
    assert not (tmp_path / "target").exists()


def test_a_task_runs_under_its_claim(tmp_path: Path, copy: Task) -> None:
    assert run_claimed(copy, tmp_path / "copy", ANY).failure is None
    assert (tmp_path / "target").read_text() == "text"
    (tmp_path / "file").write_text("in the way")
    assert "NotADirectoryError" in str(run_claimed(copy, tmp_path / "file/copy", ANY).failure)


def test_what_another_has_done_meanwhile_is_not_done_again(tmp_path: Path, copy: Task) -> None:
    folder = tmp_path / "copy"
    assert run_shared(copy, folder, ANY).failure is None
    written = (folder / MARKER).stat().st_mtime_ns
    assert run_shared(copy, folder, ANY) == Ended(0.0, None)
    assert (folder / MARKER).stat().st_mtime_ns == written
    (tmp_path / "target").unlink()
    assert run_shared(copy, folder, ANY).failure is None
    assert (tmp_path / "target").exists(), "an artefact that is gone is made again"
    other = Identity("other", "settings", "inputs", "needs")
    assert run_shared(copy, folder, other).failure is None
    assert read_marker(folder)["key"] == other.key


def test_a_failure_that_another_met_meanwhile_is_not_met_again(tmp_path: Path, copy: Task) -> None:
    folder = tmp_path / "copy"
    ends: list[Ended] = []
    with claimed(folder):
        waiting = threading.Thread(target=lambda: ends.append(run_shared(copy, folder, ANY)))
        waiting.start()
        time.sleep(0.3)
        leave_failure(folder, Ended(2.0, "no space"))
    waiting.join(10)
    assert ends == [Ended(0.0, "no space")]
    assert not (folder / LOG).exists()
    # One of an earlier start is no reason not to try.
    assert run_shared(copy, folder, ANY).failure is None
    assert not (folder / FAILED).exists()


def test_a_failure_is_left_for_those_who_wait(tmp_path: Path, copy: Task) -> None:
    Path(copy.arguments["src"]).unlink()
    ended = run_shared(copy, tmp_path / "copy", ANY)
    assert str(ended.failure).startswith("FileNotFoundError")
    assert "FileNotFoundError" in (tmp_path / "copy" / FAILED).read_text()
