"""Worker processes: order, failures of every kind, logs, and an end without survivors."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alpha_lightning.study.local import leave_panel, run_local
from alpha_lightning.study.logged import LOG
from alpha_lightning.study.schedule import Outcome
from alpha_lightning.study.tasks import Identity, Task, read_marker

ANY = Identity("code", "settings", "inputs", "needs")
TOYS = """
import os, signal, sys, threading, time
from pathlib import Path
from jsonargparse import ArgumentParser
from alpha_lightning.artefacts.errors import UserError

class Awkward(Exception):
    def __init__(self, one, two):
        super().__init__("cannot be unpickled")

def note(path, text=""):
    with open(path, "a") as file:
        file.write(text or f"{os.getpid()}\\n")

def await_file(path):
    while not Path(path).exists():
        time.sleep(0.01)

def sleep(path):
    note(path)
    time.sleep(300)

def speak():
    print("through print")
    sys.stderr.write("through stderr\\n")
    os.system("echo through a child")

def environment(path):
    note(path, os.environ["OMP_NUM_THREADS"])

def swell():
    blocks = [bytearray(1 << 20) for _ in range(400)]
    # In the way of what was freed before it: a heap that only shrinks at its end would stay.
    sys.kept = [bytearray(1 << 10) for _ in range(100)]

def memory(path):
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    note(path, str(pages * os.sysconf("SC_PAGESIZE")))

def value_error(): raise ValueError("first line\\nsecond line")
def user_error(): raise UserError("no such column\\n  row 1")
def silent(): raise KeyError()
def awkward(): raise Awkward(1, 2)
def unknown_option(): ArgumentParser().parse_args(["--nope=1"])
def many_lines():
    sys.stderr.write('usage: x\\nerror: Parser key "network":\\n  hidden:\\n  not an int\\n')
    sys.exit(2)
def leave(): sys.exit(3)
def kill(): os.kill(os.getpid(), signal.SIGKILL)
def abort(): os.abort()
def vanish(): os._exit(4)
"""


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of toy functions that workers can import."""
    (tmp_path / "toys.py").write_text(TOYS)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def toy(name: str, function: str, needs: tuple[str, ...] = (), **arguments: Any) -> Task:
    given = {key: str(value) for key, value in arguments.items()}
    return Task(name, f"toys:{function}", given, needs)


def run(tasks: list[Task], folder: Path, jobs: int = 2) -> dict[str, Outcome]:
    keys = dict.fromkeys((task.name for task in tasks), ANY)
    outcomes = list(run_local(tasks, keys, folder / "tasks", jobs))
    assert len({outcome.task.name for outcome in outcomes}) == len(outcomes)
    return {outcome.task.name: outcome for outcome in outcomes}


def alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        # A killed child of this very process stays a zombie until it is waited for.
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    return False


def wait_for(condition: Any, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())


def test_needs_come_first_and_workers_stay_alive(toys: Path) -> None:
    text, pids = toys / "text", toys / "pids"
    tasks = [toy("a", "note", path=text, text="a"), toy("b", "note", ("a",), path=text, text="b")]
    tasks += [toy("c", "note", ("a", "b"), path=text, text="c")]
    tasks += [toy(f"pid{k}", "note", path=pids) for k in range(6)]
    outcomes = run(tasks, toys)
    assert all(outcome.failure is None for outcome in outcomes.values())
    assert text.read_text() == "abc"
    workers = pids.read_text().split()
    assert len(workers) == 6
    assert 1 <= len(set(workers)) <= 2
    assert str(os.getpid()) not in workers
    assert read_marker(toys / "tasks" / "c")["task"] == "c"
    assert not any(alive(int(pid)) for pid in workers)


def test_tasks_run_side_by_side(toys: Path) -> None:
    # Each waits for what the other one's worker writes first.
    tasks = [toy("a", "await_file", path=toys / "b"), toy("b", "note", path=toys / "b")]
    assert run(tasks, toys)["a"].failure is None


def test_a_failure_takes_down_only_what_needs_it(toys: Path) -> None:
    tasks = [toy("bad", "value_error"), toy("good", "note", path=toys / "good")]
    tasks += [toy("child", "note", ("bad",), path=toys / "child")]
    tasks += [toy("grandchild", "note", ("child", "good"), path=toys / "grandchild")]
    tasks += [toy("other", "note", ("good",), path=toys / "other")]
    outcomes = run(tasks, toys, jobs=1)
    assert set(outcomes) == {"bad", "good", "other"}
    assert outcomes["bad"].failure == "ValueError: first line"
    assert "Traceback" in outcomes["bad"].log.read_text()
    assert "second line" in outcomes["bad"].log.read_text()
    assert not (toys / "child").exists()
    assert read_marker(toys / "tasks" / "bad") == {}


@pytest.mark.parametrize(
    ("function", "failure", "logged"),
    [
        ("user_error", "no such column", "error: no such column\n  row 1\n"),
        ("silent", "KeyError: ", "KeyError"),
        ("awkward", "Awkward: cannot be unpickled", "Awkward"),
        ("unknown_option", "unrecognized arguments: --nope=1", "usage: "),
        ("many_lines", 'Parser key "network": hidden: not an int', "error: "),
        ("leave", "exit status 3", ""),
        ("nothing", "AttributeError: module 'toys' has no attribute 'nothing'", "AttributeError"),
    ],
)
def test_every_exception_is_told_in_a_line_and_logged(
    toys: Path, function: str, failure: str, logged: str
) -> None:
    tasks = [toy("bad", function), toy("next", "note", path=toys / "next")]
    outcomes = run(tasks, toys, jobs=1)
    assert outcomes["bad"].failure == failure
    assert logged in outcomes["bad"].log.read_text()
    assert outcomes["next"].failure is None


@pytest.mark.parametrize(
    ("function", "failure"),
    [
        ("kill", "the worker process was killed, perhaps for want of memory"),
        ("abort", "the worker process ended with SIGABRT"),
        ("vanish", "the worker process ended with exit status 4"),
    ],
)
def test_a_killed_worker_fails_its_own_task_only(toys: Path, function: str, failure: str) -> None:
    tasks = [toy("long", "await_file", path=toys / "after"), toy("bad", function)]
    tasks += [toy("child", "note", ("bad",), path=toys / "child")]
    tasks += [toy("after", "note", path=toys / "after")]
    outcomes = run(tasks, toys)
    assert outcomes.pop("bad").failure == failure
    assert {name: outcome.failure for name, outcome in outcomes.items()} == {
        "long": None,
        "after": None,
    }


def _children() -> set[int | None]:
    return {child.pid for child in multiprocessing.active_children()}


def test_a_worker_killed_while_idle_is_replaced(toys: Path) -> None:
    tasks = [toy("a", "note", path=toys / "a"), toy("b", "note", ("a",), path=toys / "b")]
    generator = run_local(tasks, {"a": ANY, "b": ANY}, toys / "tasks", 1)
    assert next(generator).failure is None
    victim = int((toys / "a").read_text())
    os.kill(victim, signal.SIGKILL)
    # Only when its last thread is gone does the system tell the parent.
    assert wait_for(lambda: victim not in _children(), 20)
    assert [outcome.failure for outcome in generator] == [None]
    assert int((toys / "b").read_text()) != victim


def test_everything_printed_goes_to_the_log(toys: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outcome = run([toy("a", "speak"), toy("b", "leave", ("a",))], toys, jobs=1)["a"]
    assert outcome.log == toys / "tasks" / "a" / LOG
    assert sorted(outcome.log.read_text().splitlines()) == [
        "through a child",
        "through print",
        "through stderr",
    ]
    assert capfd.readouterr() == ("", "")


def test_a_log_that_cannot_be_written_is_a_failure_not_a_dead_worker(toys: Path) -> None:
    (toys / "tasks").write_text("a file where the folder should be")
    outcome = run([toy("a", "speak")], toys)["a"]
    assert outcome.failure is not None
    assert "NotADirectoryError" in outcome.failure


def test_workers_compute_on_one_thread_and_the_parent_keeps_its_environment(
    toys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    run([toy("a", "environment", path=toys / "a")], toys)
    assert (toys / "a").read_text() == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_what_reads_transient_artefacts_comes_before_more_of_them(toys: Path) -> None:
    made = [replace(toy(name, "note", path=toys / name), transient=True) for name in "abc"]
    readers = [toy(f"r{name}", "note", (name,), path=toys / f"r{name}") for name in "abc"]
    outcomes = run_local(
        [*made, *readers],
        dict.fromkeys("abc", ANY) | {reader.name: ANY for reader in readers},
        toys / "tasks",
        1,
    )
    order = [outcome.task.name for outcome in outcomes]
    assert order == ["a", "ra", "b", "rb", "c", "rc"]


def test_a_worker_gives_back_what_a_large_task_took(toys: Path) -> None:
    tasks = [
        toy("before", "memory", path=toys / "before"),
        toy("large", "swell", ("before",)),
        toy("after", "memory", ("large",), path=toys / "after"),
    ]
    assert all(outcome.failure is None for outcome in run(tasks, toys, jobs=1).values())
    before, after = (int((toys / name).read_text()) for name in ("before", "after"))
    assert after - before < 100e6, "of the 400 MB"


def test_closing_ends_what_is_running_at_once(toys: Path) -> None:
    tasks = [toy("quick", "note", path=toys / "quick"), toy("slow", "sleep", path=toys / "slow")]
    generator = run_local(tasks, {"quick": ANY, "slow": ANY}, toys / "tasks", 2)
    assert next(generator).task.name == "quick"
    assert wait_for((toys / "slow").exists, 30)
    begin = time.monotonic()
    generator.close()
    assert time.monotonic() - begin < 5
    assert not alive(int((toys / "slow").read_text()))


STUDY = """
import sys
from pathlib import Path
from alpha_lightning.study.local import run_local
from alpha_lightning.study.tasks import Identity, Task

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    tasks = [Task(n, "toys:sleep", {"path": str(folder / n)}) for n in ("a", "b")]
    who = Identity("", "", "", "")
    for _ in run_local(tasks, {"a": who, "b": who}, folder / "tasks", 2):
        pass
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_worker_survives_its_parent(toys: Path, how: signal.Signals) -> None:
    script = toys / "main.py"
    script.write_text(STUDY)
    environment = os.environ | {"PYTHONPATH": f"{toys}:{Path(__file__).parents[2]}"}
    command = [sys.executable, str(script), str(toys)]
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        files = [toys / "a", toys / "b"]
        assert wait_for(lambda: all(file.exists() and file.read_text() for file in files), 60)
        workers = [int(file.read_text()) for file in files]
        # An interrupt at the keyboard reaches the workers as well.
        (os.killpg if how == signal.SIGINT else os.kill)(parent.pid, how)
        assert wait_for(lambda: not any(alive(pid) for pid in workers), 2)
        parent.wait(5)
        told = parent.communicate()[1]
    assert parent.returncode == -how
    assert told.count("Traceback") == (how == signal.SIGINT)


def test_fits_leave_the_panel_to_one_another_and_to_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dropped: list[int] = []
    shared = SimpleNamespace(forget=lambda: dropped.append(1))
    monkeypatch.setitem(sys.modules, "alpha_lightning.windows.shared", shared)
    leave_panel(Task("fit/gru/rawbar/v2022/s0", "a:b", {}))
    assert dropped == []
    leave_panel(Task("weigh/gru/s0", "a:b", {}))
    assert dropped == [1]
