"""Locks that end with their process, and a journal that survives one that is killed."""

import multiprocessing
import os
import signal
from pathlib import Path

import optuna
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.sweep_storage import JOURNAL, FileLock, JournalLock, open_storage


def hold(path: Path, pipe: "multiprocessing.connection.Connection") -> None:
    lock = FileLock(path)
    lock.acquire()
    pipe.send("held")
    signal.pause()


def test_a_lock_ends_with_the_process_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not FileLock(path).held(), "nobody ever held it"
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=hold, args=(path, theirs))
    process.start()
    assert ours.recv() == "held"
    assert FileLock(path).held()
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert not FileLock(path).held()
    with FileLock(path):
        assert FileLock(path).held()
    assert not FileLock(path).held()


def values(folder: Path) -> list[float]:
    study = optuna.load_study(study_name="a", storage=open_storage(folder, None))
    return [trial.value or 0.0 for trial in study.trials]


@pytest.mark.parametrize("torn", [b"", b'{"op_code":4,"wor', b"x" * 100_000])
def test_half_a_line_of_a_killed_process_does_not_spoil_the_journal(
    tmp_path: Path, torn: bytes
) -> None:
    study = optuna.create_study(study_name="a", storage=open_storage(tmp_path, None))
    study.tell(study.ask(), 1.0)
    with (tmp_path / JOURNAL).open("ab") as journal:
        journal.write(torn)
    assert values(tmp_path) == [1.0]
    again = optuna.load_study(study_name="a", storage=open_storage(tmp_path, None))
    again.tell(again.ask(), 2.0)
    assert values(tmp_path) == [1.0, 2.0]


def test_a_journal_of_half_a_line_begins_anew(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(b"{")
    with JournalLock(tmp_path / JOURNAL):
        assert (tmp_path / JOURNAL).read_bytes() == b""


def test_any_storage_of_optuna(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sweep.db'}"
    study = optuna.create_study(study_name="a", storage=open_storage(tmp_path, url))
    study.tell(study.ask(), 3.0)
    again = optuna.load_study(study_name="a", storage=open_storage(tmp_path, url))
    assert [trial.value for trial in again.trials] == [3.0]
    assert not (tmp_path / JOURNAL).exists()


@pytest.mark.parametrize("url", ["nonsense://a:secret@b", "sqlite:////nowhere/at/all.db", "x"])
def test_a_storage_that_cannot_be_opened(tmp_path: Path, url: str) -> None:
    with pytest.raises(UserError, match=r"--storage \w+:\.\.\. cannot be opened \(") as error:
        open_storage(tmp_path, url)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)
