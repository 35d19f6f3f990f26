"""Identity and completion of tasks."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from alpha_lightning.study import tasks as module
from alpha_lightning.study.tasks import (
    MARKER,
    Task,
    read_marker,
    run_task,
    task_keys,
    tasks_to_run,
)


def chain(folder: Path) -> list[Task]:
    """``a -> b -> c``, and ``d`` apart; each copies its text to a file."""
    names = {"a": (), "b": ("a",), "c": ("b",), "d": ()}
    return [
        Task(
            name,
            "shutil:copyfile",
            {"src": str(Path(__file__)), "dst": str(folder / f"{name}.txt")},
            needs,
            writes=str(folder / f"{name}.txt"),
        )
        for name, needs in names.items()
    ]


def run_all(tasks: list[Task], folder: Path) -> None:
    for task in tasks:
        (folder / task.name).mkdir(parents=True, exist_ok=True)
        run_task(task, folder / task.name, task_keys(tasks)[task.name])


def names_to_run(tasks: list[Task], folder: Path) -> str:
    return "".join(task.name for task in tasks_to_run(tasks, task_keys(tasks), folder))


def test_the_marker_is_the_last_thing_written_and_says_what_it_marks(tmp_path: Path) -> None:
    task = chain(tmp_path)[0]
    run_task(task, tmp_path, "key")
    assert (tmp_path / "a.txt").read_bytes() == Path(__file__).read_bytes()
    marker = json.loads((tmp_path / MARKER).read_text())
    assert marker.pop("seconds") >= 0
    assert marker == {"key": "key", "task": "a"}


def test_a_failing_task_leaves_no_marker_not_even_an_old_one(tmp_path: Path) -> None:
    task = chain(tmp_path)[0]
    run_task(task, tmp_path, "key")
    with pytest.raises(FileNotFoundError):
        run_task(replace(task, arguments={"src": "nowhere", "dst": "x"}), tmp_path, "key")
    assert read_marker(tmp_path) == {}


def test_done_tasks_are_not_run_again(tmp_path: Path) -> None:
    tasks = chain(tmp_path)
    assert names_to_run(tasks, tmp_path) == "abcd"
    run_all(tasks, tmp_path)
    assert names_to_run(tasks, tmp_path) == ""


@pytest.mark.parametrize(
    ("place", "expected"), [(0, "abc"), (1, "bc"), (2, "c"), (3, "d")], ids="abcd"
)
def test_a_changed_argument_runs_the_task_and_what_needs_it(
    tmp_path: Path, place: int, expected: str
) -> None:
    tasks = chain(tmp_path)
    run_all(tasks, tmp_path)
    changed = {**tasks[place].arguments, "follow_symlinks": False}
    tasks[place] = replace(tasks[place], arguments=changed)
    assert names_to_run(tasks, tmp_path) == expected


def test_a_changed_outside_input_runs_the_task_and_what_needs_it(tmp_path: Path) -> None:
    tasks = chain(tmp_path)
    run_all(tasks, tmp_path)
    tasks[1] = replace(tasks[1], reads={"daily.csv": "another fingerprint"})
    assert names_to_run(tasks, tmp_path) == "bc"


def test_another_version_of_the_program_runs_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = chain(tmp_path)
    run_all(tasks, tmp_path)
    monkeypatch.setattr(module, "__version__", "99")
    assert names_to_run(tasks, tmp_path) == "abcd"


def test_a_removed_marker_runs_what_needs_the_task_too(tmp_path: Path) -> None:
    tasks = chain(tmp_path)
    run_all(tasks, tmp_path)
    (tmp_path / "b" / MARKER).unlink()
    assert names_to_run(tasks, tmp_path) == "bc"


def test_a_lost_artefact_is_made_again_and_nothing_else(tmp_path: Path) -> None:
    tasks = chain(tmp_path)
    run_all(tasks, tmp_path)
    (tmp_path / "b.txt").unlink()
    assert names_to_run(tasks, tmp_path) == "b"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"text"'])
def test_a_damaged_marker_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MARKER).write_bytes(content)
    assert read_marker(tmp_path) == {}


def test_keys_do_not_depend_on_the_order_of_arguments(tmp_path: Path) -> None:
    task = chain(tmp_path)[0]
    turned = replace(task, arguments=dict(sorted(task.arguments.items(), reverse=True)))
    assert task_keys([task]) == task_keys([turned])
