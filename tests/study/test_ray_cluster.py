"""The tasks of a study on Ray: a small cluster on this machine, a worker of which is killed."""

import importlib
import itertools
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study import ray_cluster
from alpha_lightning.study.local import run_local
from alpha_lightning.study.ray_cluster import RayCluster, run_ray, run_there, strangeness
from alpha_lightning.study.schedule import Outcome
from alpha_lightning.study.tasks import Identity, Task, identify, read_marker

TOYS = """
import os, signal, time
from pathlib import Path
from alpha_lightning.artefacts.errors import UserError

def write(path, *sources, text=""):
    Path(path).write_text(text + "".join(Path(source).read_text() for source in sources))

def join(path, sources):
    write(path, *sources)

def kill_once(path, text):
    # Whoever comes first dies in the middle.
    try:
        Path(f"{path}.begun").touch(exist_ok=False)
    except FileExistsError:
        write(path, text=text)
    else:
        os.kill(os.getpid(), signal.SIGKILL)

def user_error():
    raise UserError("no such column\\n  row 1")

def environment(path):
    names = ("OMP_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_", "SLURM_NTASKS")
    Path(path).write_text(" ".join(os.environ.get(name, "none") for name in names))

def sleep(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(300)
"""


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of toy functions that workers can import."""
    (tmp_path / "ray_toys.py").write_text(TOYS)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    monkeypatch.setenv("PYTHONPATH", path)
    return tmp_path


def chain(folder: Path) -> list[Task]:
    folder.mkdir()

    def toy(name: str, function: str, needs: tuple[str, ...] = (), **more: Any) -> Task:
        path = folder / name.replace("/", "-")
        return Task(name, f"ray_toys:{function}", {"path": str(path), **more}, needs, writes="")

    fits = [f"fit/{k}" for k in range(3)]
    joined = {"sources": [str(folder / name.replace("/", "-")) for name in fits]}
    return [
        toy("slow", "sleep"),
        *(
            toy(name, "kill_once" if k == 1 else "write", text=f"{k}")
            for k, name in enumerate(fits)
        ),
        toy("weigh", "join", tuple(fits), **joined),
        toy("environment", "environment"),
        Task("bad", "ray_toys:user_error", {}),
        toy("child", "write", ("bad",), text="never"),
    ]


def told(outcomes: Generator[Outcome]) -> set[tuple[str, str | None, bool]]:
    """The seven ends of the chain, closed while ``slow`` still runs."""
    ends = itertools.islice(outcomes, 7)
    found = {(end.task.name, end.failure and end.failure[:30], end.again) for end in ends}
    outcomes.close()
    return found


def test_a_cluster_does_what_this_machine_does_also_when_a_worker_is_killed(
    toys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "4")
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    handler = signal.getsignal(signal.SIGTERM)
    cluster, here = chain(toys / "cluster"), chain(toys / "here")
    identities = identify(cluster, toys / "cluster")
    ends = run_ray(
        cluster, identities, toys / "cluster/tasks", RayCluster("local", jobs=3), retries=1
    )
    expected: set[tuple[str, str | None, bool]] = {(task.name, None, False) for task in here[1:6]}
    expected |= {("bad", "no such column", False)}
    assert told(ends) == expected | {("fit/1", "its process or node was lost: ", True)}
    assert not Path(f"/proc/{(toys / 'cluster/slow').read_text()}").exists()
    assert "RAY_AUTH_MODE" not in os.environ
    assert signal.getsignal(signal.SIGTERM) == handler
    assert not list((toys / "cluster").glob(".cluster*")), "the token is gone"
    ends = run_local(here, identify(here, toys / "here"), toys / "here/tasks", 3, retries=1)
    lost = {("fit/1", "the worker process was killed,", True)}
    assert told(ends) == expected | lost
    for name in ("weigh", "fit-1", "environment"):
        text = (toys / "cluster" / name).read_text()
        assert text == (toys / "here" / name).read_text()
    assert (toys / "cluster" / "weigh").read_text() == "012"
    assert text == "1 16000000000 none"
    marker = read_marker(toys / "cluster/tasks/weigh")
    assert marker["key"] == identities["weigh"].key


@pytest.mark.parametrize("address", ["auto", "127.0.0.1:1"])
def test_a_cluster_that_is_not_there_is_told(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "")
    ray = fake_ray(ConnectionError("Could not find any running Ray instance.\nMore"))
    monkeypatch.setitem(sys.modules, "ray", ray)
    words = rf"no Ray cluster at {address} \(Could not find any running Ray instance\.\): start one"
    with pytest.raises(UserError, match=words):
        next(run_ray([], {}, tmp_path, RayCluster(address)))
    assert list(tmp_path.iterdir()) == []


def fake_ray(refusal: Exception) -> Any:
    def refuse(**options: Any) -> None:
        assert options["runtime_env"]["env_vars"]["OMP_NUM_THREADS"] == "1"
        assert "num_cpus" not in options, "they are the cluster's"
        raise refusal

    return SimpleNamespace(init=refuse)


class FakeRay:
    """What of Ray tells a cluster's GPUs apart."""

    def __init__(self, gpus: float) -> None:
        self.gpus = gpus

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 8.0} | ({"GPU": self.gpus} if self.gpus else {})


@pytest.mark.parametrize(
    ("gpus", "asked", "share"),
    [(0, None, 0), (0, 0, 0), (4, None, 1), (4, 0, 0), (4, 0.25, 0.25), (4, 0.3, 1 / 3)],
)
def test_a_fit_takes_its_share_of_the_clusters_gpus(
    tmp_path: Path, gpus: float, asked: float | None, share: float
) -> None:
    workers = ray_cluster._RayWorkers(RayCluster("auto", 0, asked), tmp_path)
    workers.ray = FakeRay(gpus)
    assert workers._share() == pytest.approx(share)
    workers.handed = dict.fromkeys(range(15), Task("a", "x:y", {}))
    assert workers.room(Task("b", "x:y", {}))
    workers.handed[15] = Task("c", "x:y", {})
    assert not workers.room(Task("b", "x:y", {}))


def test_a_share_of_no_gpu_is_refused(tmp_path: Path) -> None:
    workers = ray_cluster._RayWorkers(RayCluster("auto", 0, 0.5), tmp_path)
    workers.ray = FakeRay(0)
    with pytest.raises(UserError, match=r"--gpus_per_fit is 0\.5, but the cluster has no GPU"):
        workers._share()


class Raising(FakeRay):
    """A cluster of one node, every answer of which is an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__(0)
        self.error, self.exceptions = error, importlib.import_module("ray").exceptions

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "NodeID": "a" * 56, "Resources": {"CPU": 1.0}}]

    def remote(self, **_: Any) -> Any:
        handed = SimpleNamespace(remote=lambda *_: "ref")
        return lambda _: SimpleNamespace(options=lambda **_: handed)

    def get(self, *_: Any, **__: Any) -> None:
        raise self.error


def test_errors_of_nodes_are_told_apart(tmp_path: Path) -> None:
    errors = importlib.import_module("ray").exceptions
    absent = ModuleNotFoundError("No module named 'alpha_lightning'\nmore")
    there = errors.RayTaskError("run_there", "traceback", absent)
    for error, words, ended in (
        (there, r"a node of the cluster cannot run alpha_lightning \(No module named", False),
        (errors.GetTimeoutError("none"), "the nodes of the cluster do not answer: none", True),
        (errors.WorkerCrashedError(), "the nodes of the cluster do not answer: ", True),
    ):
        workers = ray_cluster._RayWorkers(RayCluster(), tmp_path)
        workers.ray = Raising(error)
        with pytest.raises(UserError, match=words):
            workers._ask_nodes()
        assert workers._end_of("ref").lost == ended


def test_a_node_that_does_not_see_the_study_is_named(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("token")
    assert strangeness((str(tmp_path), str(token))) == ""
    assert "has no folder /nowhere: start the study" in strangeness(("/nowhere", str(token)))
    token.write_text("of another machine")
    words = f"does not see {tmp_path} as this machine does: put the study's folder"
    assert words in strangeness((str(tmp_path), str(token)))
    token.unlink()
    assert words in strangeness((str(tmp_path), str(token)))


def test_a_node_runs_only_what_it_sees_and_has_the_code_of(
    toys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(toys)
    (toys / "token").write_text("token")
    (toys / "source").write_text("text")
    seen = str(toys), str(toys / "token")
    task = Task("a", "shutil:copyfile", {"src": "source", "dst": "target"})
    identity = identify([task], toys)["a"]
    folder = str(toys / "tasks/a")
    assert "does not see" in str(run_there(task, folder, identity, (seen[0], "/nowhere"))[1])
    old = Identity("old", identity.settings, identity.inputs, identity.needs)
    assert "has another version of the code" in str(run_there(task, folder, old, seen)[1])
    assert not (toys / "tasks").exists()
    assert run_there(task, folder, identity, seen)[1] is None
    assert (toys / "target").read_text() == "text"
    (toys / "source").unlink()
    assert str(run_there(task, folder, identity, seen)[1]).startswith("FileNotFoundError")
