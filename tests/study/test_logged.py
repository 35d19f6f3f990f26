"""A task with its log."""

from pathlib import Path

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
