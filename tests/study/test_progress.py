"""What is kept while a study runs."""

import json
from pathlib import Path

from alpha_lightning.study.progress import Progress
from alpha_lightning.study.schedule import Outcome
from alpha_lightning.study.tasks import FAILED, MARKER, Task


def tasks_of(folder: Path) -> list[Task]:
    made = []
    for name, needs in {"a": (), "b": ("a",), "c": ("b",), "d": ()}.items():
        (folder / "tasks" / name).mkdir(parents=True)
        path = folder / f"{name}.parquet"
        path.write_text("")
        task = Task(name, "x:y", {}, needs, writes=str(path), transient=name == "a")
        made.append(task)
    return made


def ended(task: Task, folder: Path, failure: str | None = None) -> Outcome:
    return Outcome(task, 2.0, failure, folder / "tasks" / task.name / "log.txt")


def test_timings_failures_and_what_may_go(tmp_path: Path) -> None:
    _, b, c, d = tasks = tasks_of(tmp_path)
    (tmp_path / "tasks" / "a" / MARKER).write_text('{"seconds": 7.5}')
    with Progress(tmp_path, tasks, [b, c, d]) as progress:
        progress.add(ended(b, tmp_path, "no memory"))
        progress.add(ended(d, tmp_path))
        assert (tmp_path / "a.parquet").exists(), "b still needs it"
        rows = (tmp_path / "timings.csv").read_text().splitlines()
        assert rows == ["task,seconds", "a,7.500", "d,2.000"]
        assert json.loads((tmp_path / "tasks" / "b" / FAILED).read_text())["failure"] == "no memory"
        told = progress.failure().splitlines()
        assert told[0] == "1 of 3 tasks failed; run again to retry:"
        assert told[1] == f"  b: no memory (log: {tmp_path}/tasks/b/log.txt)"
        assert told[2] == "  1 that need them did not run"
    (tmp_path / "tasks" / "d" / MARKER).write_text('{"seconds": 2.0}')
    with Progress(tmp_path, tasks, [b, c]) as progress:
        progress.add(ended(b, tmp_path))
        assert not (tmp_path / "a.parquet").exists()
        assert (tmp_path / "b.parquet").exists(), "not transient"


def test_what_is_spent_goes_even_when_nothing_is_left_to_run(tmp_path: Path) -> None:
    tasks = tasks_of(tmp_path)
    for task in tasks:
        (tmp_path / "tasks" / task.name / MARKER).write_text('{"seconds": 1}')
    stale = tmp_path / "tasks" / "a" / FAILED
    stale.write_text("{}")
    with Progress(tmp_path, tasks, []):
        assert not (tmp_path / "a.parquet").exists(), "keep was changed after the last weighing"
        assert (tmp_path / "d.parquet").exists()
        assert not stale.exists()


def test_a_share_keeps_what_others_need_and_leaves_the_times_to_them(tmp_path: Path) -> None:
    _, b, _, d = tasks = tasks_of(tmp_path)
    (tmp_path / "tasks" / "a" / MARKER).write_text('{"seconds": 7.5}')
    with Progress(tmp_path, [tasks[0], b, d], [b, d], whole=False) as progress:
        lost = Outcome(d, 0.0, "killed", tmp_path / "tasks/d/log.txt", again=True)
        progress.add(lost)
        assert not (tmp_path / "tasks" / "d" / FAILED).exists(), "it is tried again"
        progress.add(ended(b, tmp_path))
        progress.add(ended(d, tmp_path))
        assert not progress.failures
    assert (tmp_path / "a.parquet").exists()
    assert not (tmp_path / "timings.csv").exists()


def test_a_failure_names_the_report_that_was_made_without_it(tmp_path: Path) -> None:
    tasks = [Task("portfolios", "x:y", {}), Task("report", "x:y", {}, after=("portfolios",))]
    with Progress(tmp_path, tasks, tasks) as progress:
        (tmp_path / "tasks/portfolios").mkdir(parents=True)
        progress.add(ended(tasks[0], tmp_path, "a jump"))
        progress.add(ended(tasks[1], tmp_path))
    assert progress.failure().splitlines()[2:] == [
        f"  the report says what it lacks: {tmp_path}/report/index.html"
    ]
