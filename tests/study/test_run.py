"""A study run: failures, refusals, shares of it, and an end from outside."""

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.reports import report
from alpha_lightning.study import run as running
from alpha_lightning.study.run import StudyError, run
from alpha_lightning.study.settings import SourceSettings, StudySettings
from alpha_lightning.study.tasks import Task, read_marker

TOYS = """
import os, signal
from pathlib import Path

def note(path):
    with open(path, "a") as file:
        file.write("x")

def fail_unless(path):
    if not Path(path).exists():
        raise RuntimeError("not yet")

def kill_unless(path):
    if not Path(path).exists():
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def toy_study(
    tmp_path: Path, panel_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., StudySettings]:
    """A study whose tasks are toys: ``good``, ``bad`` and ``child``, which needs both."""

    def make(function: str) -> StudySettings:
        (tmp_path / "study_toys.py").write_text(TOYS)
        monkeypatch.syspath_prepend(str(tmp_path))
        tasks = [
            Task("good", "study_toys:note", {"path": str(tmp_path / "good")}),
            Task("bad", f"study_toys:{function}", {"path": str(tmp_path / "mended")}),
            Task("child", "study_toys:note", {"path": str(tmp_path / "child")}, ("good", "bad")),
        ]
        monkeypatch.setattr(running, "lay_out", lambda _: tasks)
        monkeypatch.setattr(report, "headline", lambda _: "headline")
        return StudySettings(
            name="toy",
            units=["gru.yaml"],
            vintages=[2022],
            out=str(tmp_path / "out"),
            source=SourceSettings(panel=str(panel_path)),
        )

    return make


@pytest.mark.parametrize(
    ("function", "failure"),
    [
        ("fail_unless", "RuntimeError: not yet"),
        ("kill_unless", "the worker process was killed, perhaps for want of memory"),
    ],
)
def test_a_failure_is_told_with_its_log_and_only_it_is_tried_again(
    toy_study: Callable[..., StudySettings],
    tmp_path: Path,
    function: str,
    failure: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = toy_study(function)
    with pytest.raises(StudyError) as failed:
        run(settings, 2, {"name": "toy"})
    assert str(failed.value).splitlines() == [
        "1 of 3 tasks failed; run again to retry:",
        f"  bad: {failure} (log: {tmp_path}/out/tasks/bad/log.txt)",
        "  1 that need them did not run",
    ]
    assert f"bad: FAILED, {failure}" in "".join(capsys.readouterr())
    assert (tmp_path / "out" / "timings.csv").read_text().startswith("task,seconds\ngood,")
    (tmp_path / "mended").touch()
    assert run(settings, 2, {"name": "toy"}).startswith("headline\n\nreport: ")
    assert (tmp_path / "good").read_text() == "x"
    assert (tmp_path / "child").read_text() == "x"
    assert read_marker(tmp_path / "out" / "tasks" / "bad")["task"] == "bad"


def test_a_last_failure_is_told_without_dependents(
    toy_study: Callable[..., StudySettings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = toy_study("fail_unless")
    tasks = [Task("bad", "study_toys:fail_unless", {"path": str(tmp_path / "never")})]
    monkeypatch.setattr(running, "lay_out", lambda _: tasks)
    with pytest.raises(StudyError) as failed:
        run(settings, 1, {})
    assert len(str(failed.value).splitlines()) == 2


def test_two_runs_of_one_study_at_once_are_refused(
    toy_study: Callable[..., StudySettings],
) -> None:
    settings = toy_study("note")
    settings.folder.mkdir()
    with (settings.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process runs the study"):
            run(settings, 1, {})
    assert run(settings, 1, {}).startswith("headline")


def test_a_folder_that_cannot_be_written_is_named(
    toy_study: Callable[..., StudySettings], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match=r"cannot write .*/out \(File exists\): choose another"):
        run(toy_study("note"), 1, {})
