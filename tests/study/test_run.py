"""A study run: failures, refusals, shares of it, and an end from outside."""

import fcntl
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.reports import report
from alpha_lightning.study import run as running
from alpha_lightning.study.execution import Execution
from alpha_lightning.study.local import Preempted
from alpha_lightning.study.run import StudyError, run
from alpha_lightning.study.settings import SourceSettings, StudySettings
from alpha_lightning.study.shards import beside_others
from alpha_lightning.study.status import study_status
from alpha_lightning.study.tasks import Task, read_marker

TOYS = """
import os, signal, sys, time
from pathlib import Path
from alpha_lightning.study.tasks import Task

def note(path):
    with open(path, "a") as file:
        file.write("x")

def slowly(path):
    time.sleep(0.5)
    note(path)
    Path(path).with_name("transient").touch()

def note_and_write(path):
    note(path)
    Path(f"{path}.parquet").touch()

def fail_unless(path):
    if not Path(path).exists():
        raise RuntimeError("not yet")

def kill_once(path):
    note(path)
    if Path(path).stat().st_size == 1:
        os.kill(os.getpid(), signal.SIGKILL)

def save_when_asked(path):
    def save(number, frame):
        time.sleep(0.3)
        Path(path).write_text("saved")
        sys.exit(1)
    signal.signal(signal.SIGTERM, save)
    Path(path).write_text("training")
    time.sleep(300)

def kill_unless(path):
    if not Path(path).exists():
        os.kill(os.getpid(), signal.SIGKILL)

def shared_tasks(folder):
    fits = [f"fit/{unit}/rawbar/v2022/s{seed}" for seed in (0, 1) for unit in ("gru", "lstm")]
    fits.append("fit/gru/rawbar/v2023/s0")
    made = str(folder / "transient")
    return [
        Task("ingest", "study_toys:slowly", {"path": str(folder / "ingest")}, writes=made),
        *(
            Task(
                name,
                "study_toys:note_and_write",
                {"path": str(folder / name.replace("/", "-"))},
                ("ingest",),
                writes=str(folder / f"{name.replace('/', '-')}.parquet"),
                transient=True,
            )
            for name in fits
        ),
        Task("weigh/v0/s0", "study_toys:note", {"path": str(folder / "weigh")}, tuple(fits)),
    ]
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


MAIN = """
import sys
from pathlib import Path
import study_toys
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.reports import report
from alpha_lightning.study import run as running
from alpha_lightning.study.execution import Execution
from alpha_lightning.study.settings import SourceSettings, StudySettings
from alpha_lightning.study.tasks import Task

report.headline = lambda _: "headline"
if __name__ == "__main__":
    folder, shard = Path(sys.argv[1]), sys.argv[2]
    tasks = [Task("fit/a", "study_toys:save_when_asked", {"path": str(folder / "a")})]
    if shard:
        tasks = study_toys.shared_tasks(folder)
        shard = "" if shard == "rest" else shard
    running.lay_out = lambda _: tasks
    source = SourceSettings(panel=str(folder))
    study = StudySettings("toy", ["gru.yaml"], [2022], str(folder / "out"), source)
    try:
        print(running.run(study, Execution(jobs=2, shard=shard), {}))
    except UserError as error:
        sys.exit(f"error: {error}")
"""


def start(folder: Path, shard: str = "") -> "subprocess.Popen[str]":
    """A process of its own that runs the toy study."""
    (folder / "study_toys.py").write_text(TOYS)
    script = folder / "main.py"
    script.write_text(MAIN)
    environment = os.environ | {"PYTHONPATH": f"{folder}:{Path(__file__).parents[2]}"}
    return subprocess.Popen(
        [sys.executable, str(script), str(folder), shard],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def shared_tasks(folder: Path) -> list[Task]:
    """A panel that takes a while, five networks, and a score of all of them."""
    tasks: list[Task] = importlib.import_module("study_toys").shared_tasks(folder)
    return tasks


def test_shares_at_once_do_everything_once_and_a_run_does_the_rest(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "out"
    with ExitStack() as stack:
        starts = [stack.enter_context(start(tmp_path, f"{k}/3")) for k in (1, 2, 3)]
        told = [process.communicate(timeout=60)[0] for process in starts]
    assert [text.splitlines()[-2] for text in told] == [
        f"share {k}/3 of toy: its {fits} fits are done" for k, fits in ((1, 1), (2, 2), (3, 2))
    ]
    notes = {path.name: path.read_text() for path in tmp_path.glob("fit-*s?")}
    assert len(notes) == 5
    assert set(notes.values()) == {"x"}
    assert (tmp_path / "ingest").read_text() == "x"
    assert len(list(tmp_path.glob("*.parquet"))) == 5, "the score still needs them"
    assert not (tmp_path / "weigh").exists()
    assert not (folder / "timings.csv").exists()
    assert "6 of 7 tasks done" in study_status(folder)
    for shard, words in (("rest", "headline\n\nreport: "), ("1/3", "share 1/3 of toy: its 1 fits")):
        with start(tmp_path, shard) as process:
            assert words in process.communicate(timeout=60)[0]
        assert (tmp_path / "weigh").read_text() == "x"
        assert (tmp_path / "ingest").read_text() == "x"
        assert not list(tmp_path.glob("*.parquet")), "what is weighed is not trained again"
    assert len((folder / "timings.csv").read_text().splitlines()) == 8


def test_a_share_with_other_settings_is_refused_beside_others(
    toy_study: Callable[..., StudySettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = toy_study("note")
    tasks = shared_tasks(tmp_path)
    monkeypatch.setattr(running, "lay_out", lambda _: tasks)
    run(settings, Execution(jobs=1, shard="1/2"), {})
    other = [*tasks[:-1], replace(tasks[-1], arguments={"path": "elsewhere"})]
    monkeypatch.setattr(running, "lay_out", lambda _: other)
    second = Execution(jobs=1, shard="2/2")
    words = "runs with other settings, inputs or code"
    with beside_others(settings.folder, lambda _: None), pytest.raises(StudyError, match=words):
        run(settings, second, {})
    assert run(settings, second, {}).startswith("share 2/2"), "nobody is there any more"


def test_a_share_that_fails_says_what_failed(
    toy_study: Callable[..., StudySettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = toy_study("note")
    tasks = shared_tasks(tmp_path)
    bad = replace(tasks[1], function="study_toys:fail_unless", arguments={"path": "/nowhere"})
    monkeypatch.setattr(running, "lay_out", lambda _: [tasks[0], bad, *tasks[2:]])
    with pytest.raises(StudyError) as failed:
        run(settings, Execution(jobs=1, shard="1/2"), {})
    assert "1 of 4 tasks failed" in str(failed.value)
    assert f"{bad.name}: RuntimeError: not yet" in str(failed.value)
    assert f"failed: {bad.name}: RuntimeError: not yet" in study_status(settings.folder)


def test_a_worker_that_is_killed_once_fails_nothing(
    toy_study: Callable[..., StudySettings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = toy_study("kill_once")
    assert run(settings, Execution(jobs=1), {}).startswith("headline")
    told = "".join(capsys.readouterr())
    assert "bad: tried again, the worker process was killed" in told
    assert (tmp_path / "mended").read_text() == "xx"


@pytest.mark.parametrize(
    ("how", "number"), [(os.kill, signal.SIGUSR1), (os.killpg, signal.SIGTERM)]
)
def test_the_system_may_end_a_study_which_saves_first(
    tmp_path: Path, how: Callable[[int, int], None], number: signal.Signals
) -> None:
    with start(tmp_path) as process:
        end = time.monotonic() + 60
        while not (tmp_path / "a").exists() and time.monotonic() < end:
            time.sleep(0.02)
        how(process.pid, number)
        told = process.communicate(timeout=20)[1]
    assert process.returncode == 1
    assert told.splitlines()[-1].startswith(f"error: ended by {number.name}: run the study again")
    assert "Traceback" not in told
    assert (tmp_path / "a").read_text() == "saved"


def test_an_end_that_comes_while_a_library_waits_is_told_as_any_other() -> None:
    def wait() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        except Preempted as error:
            told = "<cyfunction wait> returned a result with an exception set"
            raise SystemError(told) from error

    with (
        pytest.raises(StudyError, match="ended by SIGTERM: run the study again"),
        running._preemptible(),
    ):
        wait()
    with pytest.raises(SystemError, match="another"), running._preemptible():
        raise SystemError("another")
