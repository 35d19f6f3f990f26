"""Worker processes on GPUs, killed ones, and the end that the system asks for."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.study.local import Preempted, leave_allocation, run_local
from alpha_lightning.study.schedule import Outcome
from alpha_lightning.study.tasks import Identity, Task

ANY = Identity("code", "settings", "inputs", "needs")
TOYS = """
import os, signal, sys, time
from pathlib import Path

def train(folder, name):
    gpu = os.environ["CUDA_VISIBLE_DEVICES"]
    mine = Path(folder) / f"running-{gpu}-{name}"
    mine.touch()
    time.sleep(0.2)
    count = len(list(Path(folder).glob(f"running-{gpu}-*")))
    mine.unlink()
    with open(f"{folder}/seen", "a") as file:
        file.write(f"{gpu} {count} {os.getpid()}\\n")

def meet(folder, name, other):
    # Ends only while the other one runs.
    (Path(folder) / name).touch()
    while not (Path(folder) / other).exists():
        time.sleep(0.01)

def note(path, name):
    with open(path, "a") as file:
        file.write(os.environ.get(name, "none") + "\\n")

def kill_twice(path):
    with open(path, "a") as file:
        file.write("x")
    if Path(path).stat().st_size < 3:
        os.kill(os.getpid(), signal.SIGKILL)

def save_when_asked(path):
    def save(number, frame):
        time.sleep(0.5)
        Path(path).write_text("saved")
        sys.exit(1)
    signal.signal(signal.SIGTERM, save)
    Path(path).write_text("training")
    time.sleep(300)

def sleep():
    time.sleep(300)
"""


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of toy functions that workers can import."""
    (tmp_path / "gpu_toys.py").write_text(TOYS)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def toy(name: str, function: str, needs: tuple[str, ...] = (), /, **arguments: Any) -> Task:
    return Task(name, f"gpu_toys:{function}", {k: str(v) for k, v in arguments.items()}, needs)


def run(tasks: list[Task], folder: Path, jobs: int, **options: Any) -> list[Outcome]:
    keys = dict.fromkeys((task.name for task in tasks), ANY)
    return list(run_local(tasks, keys, folder / "tasks", jobs, **options))


def test_fits_share_gpus_and_no_gpu_has_more_than_its_share(toys: Path) -> None:
    tasks = [toy(f"fit/{k}", "train", folder=toys, name=k) for k in range(6)]
    ends = run(tasks, toys, 4, slots=["7", "GPU-b", "7"])
    assert [end.failure for end in ends] == [None] * 6
    rows = [line.split() for line in (toys / "seen").read_text().splitlines()]
    assert {gpu for gpu, _, _ in rows} == {"7", "GPU-b"}
    most = {gpu: max(int(count) for g, count, _ in rows if g == gpu) for gpu in ("7", "GPU-b")}
    assert most["GPU-b"] == 1
    assert most["7"] <= 2
    gpus_of: dict[str, set[str]] = {}
    for gpu, _, pid in rows:
        gpus_of.setdefault(pid, set()).add(gpu)
    assert all(len(gpus) == 1 for gpus in gpus_of.values()), "CUDA cannot change its device"
    assert len(gpus_of) == 3, "processes stay, and there are no more than slots"
    assert Counter(gpu for gpus in gpus_of.values() for gpu in gpus) == {"7": 2, "GPU-b": 1}


def test_other_tasks_go_on_while_fits_wait_for_a_gpu(toys: Path) -> None:
    # With one slot the second fit waits; the weighing beside the first does not.
    first = toy("fit/a", "meet", folder=toys, name="a", other="weigh")
    second = toy("fit/b", "note", path=toys / "b", name="CUDA_VISIBLE_DEVICES")
    weigh = toy("weigh/a", "meet", folder=toys, name="weigh", other="a")
    assert [end.failure for end in run([first, second, weigh], toys, 2, slots=["3"])] == [None] * 3
    assert (toys / "b").read_text() == "3\n"


def test_no_more_processes_than_asked_for_stay(toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    seen, name = toys / "seen", "CUDA_VISIBLE_DEVICES"
    chain = [
        toy("weigh/a", "note", path=seen, name=name),
        toy("fit/a", "note", ("weigh/a",), path=seen, name=name),
        toy("weigh/b", "note", ("fit/a",), path=seen, name=name),
        toy("fit/b", "note", ("weigh/b",), path=seen, name=name),
    ]
    assert [end.failure for end in run(chain, toys, 1, slots=["1"])] == [None] * 4
    # A worker that was told its GPU weighs as well; the one before it was sent away.
    assert seen.read_text().split() == ["0,1", "1", "1", "1"]
    assert os.environ[name] == "0,1"


def test_a_killed_worker_is_tried_again_as_often_as_asked(toys: Path) -> None:
    task = toy("fit/a", "kill_twice", path=toys / "a")
    ends = run([task], toys, 1, retries=2)
    assert [(end.again, end.failure is None) for end in ends] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert (toys / "a").read_text() == "xxx"
    (toys / "a").unlink()
    ends = run([task], toys, 1, retries=1)
    assert [end.again for end in ends] == [True, False]
    assert ends[-1].failure == "the worker process was killed, perhaps for want of memory"


def test_what_runs_may_save_itself_when_the_system_wants_the_machine(toys: Path) -> None:
    fit = toy("fit/a", "save_when_asked", path=toys / "a")
    tasks = [fit, toy("quick", "note", path=toys / "q", name="HOME"), toy("other", "sleep")]
    keys = dict.fromkeys(("fit/a", "quick", "other"), ANY)
    generator = run_local(tasks, keys, toys / "tasks", 3)
    assert next(generator).task.name == "quick"
    while not (toys / "a").exists() or not (toys / "a").read_text():
        pass
    with pytest.raises(Preempted):
        generator.throw(Preempted())
    assert (toys / "a").read_text() == "saved"


def test_a_fit_does_not_take_itself_for_a_part_of_an_allocation(
    toys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "4")
    assert run([toy("a", "note", path=toys / "a", name="SLURM_NTASKS")], toys, 1)[0].failure is None
    assert (toys / "a").read_text() == "none\n"
    assert os.environ["SLURM_NTASKS"] == "4"
    leave_allocation()
    assert "SLURM_NTASKS" not in os.environ
