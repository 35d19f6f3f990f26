"""Identity and completion of tasks."""

import contextlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from alpha_lightning.study import tasks as module
from alpha_lightning.study.tasks import (
    FAILED,
    MARKER,
    STARTED,
    Identity,
    Restore,
    Task,
    identify,
    read_marker,
    run_task,
    spent,
    tasks_to_run,
)

ANY = Identity("code", "settings", "inputs", "needs")


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
        run_task(task, folder / task.name, identify(tasks, folder)[task.name])


def names_to_run(tasks: list[Task], folder: Path) -> str:
    return "".join(todo.task.name for todo in tasks_to_run(tasks, identify(tasks, folder), folder))


def test_the_marker_is_the_last_thing_written_and_says_what_it_marks(tmp_path: Path) -> None:
    task = chain(tmp_path)[0]
    run_task(task, tmp_path, ANY)
    assert (tmp_path / "a.txt").read_bytes() == Path(__file__).read_bytes()
    marker = json.loads((tmp_path / MARKER).read_text())
    assert marker.pop("seconds") >= 0
    assert marker == {"key": ANY.key, "task": "a", **asdict(ANY)}


def test_a_failing_task_leaves_no_marker_not_even_an_old_one(tmp_path: Path) -> None:
    task = chain(tmp_path)[0]
    run_task(task, tmp_path, ANY)
    with pytest.raises(FileNotFoundError):
        run_task(replace(task, arguments={"src": "nowhere", "dst": "x"}), tmp_path, ANY)
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


def test_what_comes_after_a_task_runs_again_with_it(tmp_path: Path) -> None:
    tasks = chain(tmp_path)
    tasks[3] = replace(tasks[3], after=("a",))
    run_all(tasks, tmp_path)
    assert names_to_run(tasks, tmp_path) == ""
    (tmp_path / "a" / MARKER).unlink()
    assert names_to_run(tasks, tmp_path) == "abcd"
    run_all(tasks[:3], tmp_path)
    assert names_to_run(tasks, tmp_path) == ""
    tasks[0] = replace(tasks[0], reads={"daily.csv": "another fingerprint"})
    run_all(tasks[:3], tmp_path)
    assert names_to_run(tasks, tmp_path) == "d"


def test_a_changed_outside_input_runs_the_task_and_what_needs_it(tmp_path: Path) -> None:
    tasks = chain(tmp_path)
    run_all(tasks, tmp_path)
    tasks[1] = replace(tasks[1], reads={"daily.csv": "another fingerprint"})
    assert names_to_run(tasks, tmp_path) == "bc"


def test_other_code_runs_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = chain(tmp_path)
    run_all(tasks, tmp_path)
    monkeypatch.setattr(module, "code_fingerprint", lambda *_: "other")
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
    assert identify([task], tmp_path) == identify([turned], tmp_path)


def reasons(tasks: list[Task], folder: Path) -> dict[str, str]:
    todo = tasks_to_run(tasks, identify(tasks, folder), folder)
    return {task.name: reason for task, reason in todo}


def test_the_reason_of_each_task_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = chain(tmp_path)
    run_all(tasks, tmp_path)
    tasks[0] = replace(tasks[0], reads={"daily.csv": "other"})
    tasks[3] = replace(tasks[3], arguments={**tasks[3].arguments, "follow_symlinks": False})
    assert reasons(tasks, tmp_path) == {
        "a": "its inputs changed",
        "b": "what it needs changed",
        "c": "what it needs changed",
        "d": "its settings changed",
    }
    (tmp_path / "d" / MARKER).unlink()
    assert reasons(tasks, tmp_path)["d"] == "new"
    (tmp_path / "d" / FAILED).write_text("{}")
    assert reasons(tasks, tmp_path)["d"] == "failed before"
    monkeypatch.setattr(module, "code_fingerprint", lambda *_: "other")
    assert reasons(tasks, tmp_path)["a"] == "its code changed"


def test_a_study_may_be_moved(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
    first, second = (chain(tmp_path / place) for place in ("here", "there"))
    assert identify(first, tmp_path / "here") == identify(second, tmp_path / "there")
    assert identify(first, tmp_path / "here") != identify(second, tmp_path / "here")


def transient(folder: Path) -> list[Task]:
    return [replace(task, transient=task.name in "ab") for task in chain(folder)]


def test_a_transient_artefact_goes_when_nothing_needs_it_and_is_not_missed(tmp_path: Path) -> None:
    tasks = transient(tmp_path)
    assert spent(tasks, {"a", "b", "c", "d"}) == []
    run_all(tasks, tmp_path)
    assert spent(tasks, {"b"}) == []
    assert spent(tasks, {"c"}) == [tmp_path / "a.txt"]
    assert spent(tasks, set()) == [tmp_path / "a.txt", tmp_path / "b.txt"]
    for path in spent(tasks, set()):
        path.unlink()
    assert spent(tasks, set()) == []
    assert names_to_run(tasks, tmp_path) == ""


def test_it_comes_back_when_it_is_needed_again_and_so_does_what_it_needs(tmp_path: Path) -> None:
    tasks = transient(tmp_path)
    run_all(tasks, tmp_path)
    for path in spent(tasks, set()):
        path.unlink()
    tasks[2] = replace(tasks[2], arguments={**tasks[2].arguments, "follow_symlinks": False})
    assert reasons(tasks, tmp_path) == {
        "a": "its artefact is gone",
        "b": "its artefact is gone",
        "c": "its settings changed",
    }


def test_what_is_gone_is_made_again_by_the_short_way_if_its_source_is_there(tmp_path: Path) -> None:
    source, out = tmp_path / "source.txt", tmp_path / "out.txt"
    source.write_text("kept")
    first = Task("a", "shutil:copyfile", {"src": str(source), "dst": str(out)}, writes=str(out))
    run_task(first, tmp_path, ANY)
    kept = tmp_path / "kept.ckpt"
    task = replace(first, restore=Restore("shutil:copy", str(kept)))
    out.unlink()
    mode = source.stat().st_mode
    source.chmod(0o640)
    run_task(task, tmp_path, ANY)
    assert out.stat().st_mode & 0o777 != 0o640, "copyfile: the source of the short way is not there"
    seconds = read_marker(tmp_path)["seconds"]
    kept.write_text("")
    out.unlink()
    run_task(task, tmp_path, ANY)
    assert out.stat().st_mode & 0o777 == 0o640, "copy, which keeps the mode"
    assert read_marker(tmp_path)["seconds"] == seconds, "of the whole way"
    other = replace(ANY, settings="other")
    out.unlink()
    source.chmod(mode)
    run_task(task, tmp_path, other)
    assert read_marker(tmp_path)["key"] == other.key, "another identity takes the whole way"


def refuse(**given: str) -> None:
    """A way back that fails as it is told to."""
    raise {"full": OSError, "damaged": ValueError, "killed": KeyboardInterrupt}[given["how"]]


@pytest.mark.parametrize(("how", "kept"), [("full", True), ("killed", True), ("damaged", False)])
def test_a_way_back_that_was_cut_off_is_taken_again_and_a_damaged_one_is_not(
    tmp_path: Path, how: str, kept: bool
) -> None:
    source = tmp_path / "kept.ckpt"
    source.write_text("")
    short = Restore(f"{__name__}:refuse", str(source))
    task = Task("a", f"{__name__}:nothing", {"how": how}, restore=short)
    run_task(replace(task, restore=None), tmp_path, ANY)
    with pytest.raises((OSError, ValueError, KeyboardInterrupt)):
        run_task(task, tmp_path, ANY)
    assert bool(read_marker(tmp_path)) == kept, "without its marker a network is trained again"


def nothing(**_: str) -> None:
    """The whole way."""


RESUMED: list[bool] = []


def may_be_cut(how: str, *, resume: bool = False) -> None:
    """A task that can go on."""
    RESUMED.append(resume)
    if how == "cut":
        raise KeyboardInterrupt


def test_a_cut_task_is_gone_on_with_and_no_other(tmp_path: Path) -> None:
    RESUMED.clear()
    other = replace(ANY, code="other code")
    for identity, how in ((ANY, "cut"), (ANY, "cut"), (other, "cut"), (other, ""), (other, "")):
        task = Task("fit", f"{__name__}:may_be_cut", {"how": how})
        with pytest.raises(KeyboardInterrupt) if how else contextlib.nullcontext():
            run_task(task, tmp_path, identity)
        assert (tmp_path / STARTED).exists() == bool(how)
    assert RESUMED == [False, True, False, True, False]
    assert read_marker(tmp_path)["key"] == other.key
