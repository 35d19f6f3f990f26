"""Processes of trials: what they report, and that none of them outlives or hurts another."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alpha_lightning.study.sweep_worker import End, Final, Job, Message, Report, Workers

TOYS = """
import os, signal, sys, time
import torch
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study import sweep_worker

def told(options):
    pipe = sweep_worker._pipes[-1]
    for epoch in (1, 2, 3):
        if not pipe.report(epoch, float(options[0]) * epoch):
            raise UserError("told to stop")
    pipe.finish(float(options[0]) * 10)

def state(options):
    print("cwd", os.getcwd(), "threads", torch.get_num_threads(), "line", sys.argv[1:])
    print("mark", os.environ.get("TOY_MARK"), "devices", os.environ.get("CUDA_VISIBLE_DEVICES"))

def die(options):
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGKILL)

def leave(options):
    os._exit(7)

def sleep(options):
    open(options[0], "w").write(str(os.getpid()))
    time.sleep(300)
"""


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"toys_{abs(hash(tmp_path)):x}"
    (tmp_path / f"{name}.py").write_text(TOYS)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def job(toys: str, log: Path, name: str, *options: str, **more: int) -> Job:
    return Job(more.pop("number", 0), f"{toys}:{name}", options, log, **more)


def run(workers: Workers, *jobs: Job, epochs: int = 9) -> list[tuple[int, Message]]:
    heard: list[tuple[int, Message]] = []
    for one in jobs:
        workers.start(one)
    while workers.free < workers.number:
        for one, message in workers.wait():
            heard.append((one.number, message))
            if isinstance(message, Report):
                workers.answer(one, go_on=message.epochs < epochs)
    return heard


def test_a_trial_reports_and_ends(toys: str, tmp_path: Path) -> None:
    with Workers(1) as workers:
        *told, (_, end) = run(workers, job(toys, tmp_path / "log", "told", "2"))
        assert [message for _, message in told] == [
            Report(1, 2.0),
            Report(2, 4.0),
            Report(3, 6.0),
            Final(20.0),
        ]
        assert isinstance(end, End)
        assert end.failure is None
        assert 0 < end.seconds < 60
        *told, (_, end) = run(workers, job(toys, tmp_path / "log2", "told", "2"), epochs=2)
        assert [message for _, message in told] == [Report(1, 2.0), Report(2, 4.0)]
        assert isinstance(end, End)
        assert end.failure == "told to stop"
    assert "error: told to stop" in (tmp_path / "log2" / "log.txt").read_text()


def test_trials_run_beside_each_other_and_one_that_dies_dies_alone(
    toys: str, tmp_path: Path
) -> None:
    names = ("told", "die", "leave")
    jobs = [job(toys, tmp_path / n, n, "1", number=i) for i, n in enumerate(names)]
    with Workers(3) as workers:
        heard = run(workers, *jobs)
    ends = {number: m.failure for number, m in heard if isinstance(m, End)}
    assert ends == {
        0: None,
        1: "its process was killed, perhaps for want of memory",
        2: "its process ended with exit status 7",
    }
    assert all(m.seconds > 0.1 for number, m in heard if number == 1 and isinstance(m, End))


def test_a_trial_runs_where_and_as_its_sweep_does(
    toys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_MARK", "here")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    monkeypatch.chdir(tmp_path)
    with Workers(1) as workers:
        run(workers, job(toys, tmp_path / "a", "state", "--x=1", threads=2, device=3))
        monkeypatch.delenv("TOY_MARK")
        run(workers, job(toys, tmp_path / "b", "state"))
    first, second = ((tmp_path / name / "log.txt").read_text() for name in "ab")
    assert f"cwd {tmp_path} threads 2 line ['fit', '--x=1']" in first
    # The fourth of several at a time, of two devices, has the second.
    assert "mark here devices 5" in first
    assert "mark None devices 4,5" in second


def test_slots_are_given_back(toys: str, tmp_path: Path) -> None:
    with Workers(2) as workers:
        assert workers.slot() == 0
        workers.start(job(toys, tmp_path / "a", "sleep", str(tmp_path / "pid"), device=0))
        assert (workers.slot(), workers.free) == (1, 1)


def test_trials_die_with_what_runs_them(toys: str, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(KeyboardInterrupt):
        interrupted(job(toys, tmp_path / "a", "sleep", str(pid)), pid)
    until(lambda: not alive(int(pid.read_text())))


def interrupted(one: Job, pid: Path) -> None:
    with Workers(1) as workers:
        workers.start(one)
        until(lambda: pid.exists() and pid.read_text() != "")
        raise KeyboardInterrupt


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
