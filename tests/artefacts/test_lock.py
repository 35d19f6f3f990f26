"""One process at a time, and no drafts of dead ones."""

import errno
import fcntl
import threading
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.lock import is_locked, locked


def test_the_second_is_refused_and_the_first_can_be_seen(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "study")
    with locked(tmp_path / "study"):
        assert is_locked(tmp_path / "study")
        with (
            pytest.raises(UserError, match="another process runs the study"),
            locked(tmp_path / "study"),
        ):
            pass
    assert not is_locked(tmp_path / "study")


def test_drafts_of_killed_tasks_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".factors.parquet.0123abcd.tmp", ".hidden", "kept.tmp"):
        (tmp_path / name).write_text("")
    (tmp_path / ".report.0123abcd.tmp-old").mkdir()
    with locked(tmp_path):
        names = {path.name for path in tmp_path.iterdir()}
    assert names == {".lock", ".hidden", "kept.tmp"}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another --out"), locked(tmp_path / "file" / "x"):
        pass


def test_what_is_done_there_and_what_else_to_do_are_told(tmp_path: Path) -> None:
    told = f"another process trains in {tmp_path}: wait for it, or go elsewhere"
    with (
        locked(tmp_path),
        pytest.raises(UserError, match=told),
        locked(tmp_path, "trains", "go elsewhere"),
    ):
        pass


def test_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        _ = 1 / 0
    assert not list(tmp_path.iterdir())


def test_one_at_a_time_although_the_file_goes_each_time(tmp_path: Path) -> None:
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(200):
            try:
                with locked(tmp_path):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    inside[0] -= 1
            except UserError:
                continue

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    files: list[int] = []

    def late(lock: Any, how: int) -> None:
        if not files:  # the one before ends just now
            (tmp_path / ".lock").unlink()
        files.append(lock.fileno())
        flock(lock, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with locked(tmp_path):
        assert len(files) == 2
        assert is_locked(tmp_path)


def test_a_file_system_without_locks_is_told_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuses)
    with pytest.warns(UserWarning, match="without locks"), locked(tmp_path):
        assert (tmp_path / ".lock").exists()
