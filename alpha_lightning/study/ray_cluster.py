"""The engine of a cluster: the same tasks on Ray, an optional extra."""

import contextlib
import os
import signal
import socket
import threading
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.claims import run_claimed
from alpha_lightning.study.code_version import code_fingerprint
from alpha_lightning.study.gpu_slots import fits_on_one, wants_gpu, without_gpu
from alpha_lightning.study.local import ENVIRONMENT, give_memory_back, leave_allocation
from alpha_lightning.study.logged import Ended
from alpha_lightning.study.schedule import Outcome, run_on
from alpha_lightning.study.tasks import Identity, Task

_STORE = 100_000_000  # bytes: artefacts are files, nothing goes through Ray's own memory
_ANSWER = 120.0  # seconds for a node to start a process
_TICK = 1.0  # seconds between looks at signals
# A token in the home directory is for clusters that others can reach; nobody is told of the use.
_QUIET = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@dataclass(frozen=True)
class RayCluster:
    """Which cluster, and how much of it.

    Args:
        address: ``auto``, ``ray://host:port``, or ``local``, which starts one on this machine.
        jobs: tasks at once; 0: as many as the cluster has room for.
        gpus_per_fit: share of a GPU; None: 1 where the cluster has any.
    """

    address: str = "auto"
    jobs: int = 0
    gpus_per_fit: float | None = None


class _Seen(NamedTuple):
    # What a node has to see as the machine does that orders the tasks.
    folder: str
    token: str


def run_ray(
    tasks: Sequence[Task],
    identities: Mapping[str, Identity],
    folder: Path,
    cluster: RayCluster,
    *,
    retries: int = 0,
) -> Generator[Outcome, None, None]:
    """Run tasks on a Ray cluster, as `run_on`; yields each as it ends.

    Every node must have this version of the package and see the working folder and the study at
    the same paths; it is looked at before the first task, and again before each. Tasks that still
    run are ended when the generator is closed.

    Args:
        tasks: not done yet, needs first.
        identities: by name.
        folder: of markers and logs.
        cluster: which.
        retries: how often a task is tried again whose process or node was lost.

    Raises:
        UserError: Ray is not installed, there is no such cluster or no GPU in it, or a node does
            not see the study.
    """
    return run_on(_RayWorkers(cluster, folder), tasks, identities, folder, retries)


class _RayWorkers:
    """Tasks handed to Ray, which finds them a place.

    Args:
        cluster: which.
        folder: that all nodes must see.
    """

    def __init__(self, cluster: RayCluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder.absolute()
        self.token = self.folder / f".cluster.{uuid.uuid4().hex[:8]}.tmp"
        self.seen = _Seen(str(Path.cwd()), str(self.token))
        self.handed: dict[Any, Task] = {}
        self.stack = contextlib.ExitStack()
        self.ray: Any = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.ray = _connect(self.cluster, stack)
            share = self._share()
            self.plain = self.ray.remote(num_cpus=1, max_retries=0)(run_there)
            # A process that has used a GPU cannot change to another one.
            self.fitting = self.ray.remote(
                num_cpus=1, num_gpus=share, max_retries=0, max_calls=1 if share else 0
            )(run_there)
            self._leave_token(stack)
            self._ask_nodes()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *failure: object) -> None:
        with self.stack:
            for ref in self.handed:
                self.ray.cancel(ref, force=True)

    @property
    def running(self) -> int:
        """How many tasks run, or wait for a place."""
        return len(self.handed)

    def room(self, task: Task) -> bool:  # noqa: ARG002
        """Whether Ray may have another: some more than run, so that a cluster that grows does."""
        places = int(self.ray.cluster_resources().get("CPU", 1))
        return self.running < (self.cluster.jobs or 2 * max(places, 1))

    def start(self, task: Task, folder: Path, identity: Identity) -> None:
        """Hand a task to Ray."""
        remote = self.fitting if wants_gpu(task) else self.plain
        about = (task, str(folder.absolute()), identity, tuple(self.seen))
        self.handed[remote.options(name=task.name).remote(*about)] = task

    def wait(self) -> Iterator[tuple[Task, Ended]]:
        """The tasks that ended, at least one."""
        refs = list(self.handed)
        ended: list[Any] = []
        while not ended:
            ended, _ = self.ray.wait(refs, num_returns=1, timeout=_TICK)
        ended, _ = self.ray.wait(refs, num_returns=len(refs), timeout=0)
        for ref in ended:
            yield self.handed.pop(ref), self._end_of(ref)

    def _end_of(self, ref: Any) -> Ended:
        try:
            return Ended(*self.ray.get(ref))
        except self.ray.exceptions.RayTaskError as error:
            return Ended(0.0, f"the node cannot run it: {_first_line(error.cause)}")
        except self.ray.exceptions.RayError as error:
            return Ended(0.0, f"its process or node was lost: {_first_line(error)}", lost=True)

    def _share(self) -> float:
        there = self.ray.cluster_resources().get("GPU", 0.0)
        asked = self.cluster.gpus_per_fit
        if asked and not there:
            raise UserError(without_gpu(asked, "the cluster has no GPU"))
        if not there or asked == 0:
            return 0.0
        # As many on a GPU as on this machine's own; Ray keeps four digits.
        return 1 / fits_on_one(asked or 1.0)

    def _leave_token(self, stack: contextlib.ExitStack) -> None:
        with atomic_file(self.token) as draft:
            draft.write_text(self.token.name)
        stack.callback(self.token.unlink, missing_ok=True)

    def _ask_nodes(self) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        remote = self.ray.remote(num_cpus=0, max_retries=0)(strangeness)
        nodes = [
            node for node in self.ray.nodes() if node["Alive"] and node["Resources"].get("CPU")
        ]
        refs = []
        for node in nodes:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            refs.append(remote.options(scheduling_strategy=there).remote(tuple(self.seen)))
        try:
            told = [found for found in self.ray.get(refs, timeout=_ANSWER) if found]
        except self.ray.exceptions.RayTaskError as error:
            told = [
                f"a node of the cluster cannot run alpha_lightning ({_first_line(error.cause)}):"
                " install this version of it on every node"
            ]
        except self.ray.exceptions.RayError as error:
            told = [f"the nodes of the cluster do not answer: {_first_line(error)}"]
        if told:
            raise UserError(told[0])


def run_there(
    task: Task, folder: str, identity: Identity, seen: tuple[str, str]
) -> tuple[float, str | None, bool]:
    """What a node does with a task.

    Args:
        task: what to run.
        folder: of marker, log and claim.
        identity: to leave in the marker.
        seen: working folder and token, as `strangeness` wants them.

    Returns:
        What `Ended` holds.
    """
    strange = strangeness(seen)
    if strange:
        return 0.0, strange, False
    if code_fingerprint(task.function, task.arguments) != identity.code:
        return (
            0.0,
            f"node {socket.gethostname()} has another version of the code: install the same on all",
            False,
        )
    leave_allocation()
    os.chdir(seen[0])
    try:
        ended = run_claimed(task, Path(folder), identity)
    finally:
        give_memory_back()
    return ended.seconds, ended.failure, ended.lost


def strangeness(seen: tuple[str, str]) -> str:
    """Why a node cannot run a study, empty when it can.

    Args:
        seen: working folder, and a file in the study's folder that holds its own name.
    """
    (cwd, token), node = seen, socket.gethostname()
    if not Path(cwd).is_dir():
        return f"node {node} has no folder {cwd}: start the study where every node sees it"
    try:
        told = Path(token).read_text(encoding="utf-8")
    except OSError:
        told = ""
    if told == Path(token).name:
        return ""
    return (
        f"node {node} does not see {Path(token).parent} as this machine does: put the study's"
        " folder (--out) on a file system that every node mounts at the same path"
    )


def _connect(cluster: RayCluster, stack: contextlib.ExitStack) -> Any:
    stack.enter_context(_environment(cluster.address))
    try:
        import ray
    except ImportError as error:
        msg = "--engine ray needs Ray: pip install 'alpha_lightning[ray]', here and on every node"
        raise UserError(msg) from error
    options: dict[str, Any] = {"address": cluster.address}
    if cluster.address == "local":
        options |= {"include_dashboard": False, "object_store_memory": _STORE}
        options |= {"num_cpus": cluster.jobs or None}
    with _own_sigterm():
        try:
            ray.init(
                **options,
                log_to_driver=False,
                logging_level="ERROR",
                runtime_env={"env_vars": ENVIRONMENT},
            )
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            msg = (
                f"no Ray cluster at {cluster.address} ({_first_line(error)}): start one with"
                " `ray start --head`, or give --address"
            )
            raise UserError(msg) from error
    stack.callback(ray.shutdown)
    return ray


@contextlib.contextmanager
def _environment(address: str) -> Iterator[None]:
    # Whoever started a cluster has decided how to enter it.
    own = _QUIET if address == "local" else {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    added = [name for name in own if name not in os.environ]
    os.environ.update({name: own[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextlib.contextmanager
def _own_sigterm() -> Iterator[None]:
    # Ray puts an exit of its own in the place of whatever the study does at SIGTERM.
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
