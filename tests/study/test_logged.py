"""A task with its log."""

import signal
from pathlib import Path

import pytest

from alpha_lightning.study.logged import run_logged
from alpha_lightning.study.tasks import Identity, Task, read_marker

ANY = Identity("code", "settings", "inputs", "needs")


def test_run_logged_measures_what_it_runs(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("text")
    task = Task("copy", "shutil:copyfile", {"src": str(source), "dst": str(target)})
    ended = run_logged(task, tmp_path / "copy", ANY)
    assert ended.failure is None
    assert 0 <= read_marker(tmp_path / "copy")["seconds"] <= ended.seconds + 0.001
    source.unlink()
    assert "FileNotFoundError" in str(run_logged(task, tmp_path / "copy", ANY).failure)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_training_that_was_asked_to_go_is_no_failure_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    (tmp_path / "log_toys.py").write_text("import sys\ndef leave(status): sys.exit(status)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    task = Task("go", "log_toys:leave", {"status": 2})
    ended = run_logged(task, tmp_path / "go", ANY)
    assert not ended.lost
    task = Task("go", "log_toys:leave", {"status": 128 + number})
    ended = run_logged(task, tmp_path / "go", ANY)
    assert ended.lost
    assert ended.failure == f"ended by {number.name}"
