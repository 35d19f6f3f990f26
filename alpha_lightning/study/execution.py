"""Where and how the tasks of a study run, which no number depends on."""

import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.claims import run_claimed, run_shared
from alpha_lightning.study.gpu_slots import gpu_slots
from alpha_lightning.study.local import run_local
from alpha_lightning.study.schedule import Outcome
from alpha_lightning.study.shards import Shard
from alpha_lightning.study.tasks import Identity, Task

_LEAST = 0.01  # of a GPU: a hundred fits


@dataclass(frozen=True)
class Execution:
    """Who runs the tasks of a study."""

    jobs: int = 0
    """Tasks at once; 0: one a core of this machine, or what the cluster has room for."""
    engine: Literal["local", "ray"] = "local"
    """Processes of this machine, or a Ray cluster whose nodes see the study's folder."""
    address: str = ""
    """Of the Ray cluster: auto (when empty), ray://HOST:PORT, or local, which starts one here."""
    gpus_per_fit: float | None = None
    """Share of a GPU that a fit takes; 1 where there are GPUs when left out; 0: do not count."""
    retries: int = 1
    """How often a task is tried again whose worker was killed or whose node was lost."""
    shard: str = ""
    """i/n: only the i-th of n shares of the fits, and what they need; a run without it does the
    rest."""

    def __post_init__(self) -> None:
        if self.jobs < 0:
            msg = f"--jobs is {self.jobs}: give a number of tasks at once, or 0"
            raise UserError(msg)
        if self.retries < 0:
            msg = f"--retries is {self.retries}: give a number of further attempts, or 0"
            raise UserError(msg)
        share = self.gpus_per_fit
        if share and not _LEAST <= share <= 1:
            msg = (
                f"--gpus_per_fit is {share:g}: a fit of a study trains on one device;"
                f" give 0, or {_LEAST} to 1"
            )
            raise UserError(msg)
        if self.address and self.engine == "local":
            msg = f"--address {self.address} is of a cluster: add --engine ray"
            raise UserError(msg)
        if self.shard and self.engine == "ray":
            msg = "--shard is for arrays of separate jobs; Ray shares the tasks out itself"
            raise UserError(msg)
        if self.shard:
            Shard.parse(self.shard)

    @property
    def part(self) -> Shard | None:
        """The share of the fits, None for everything."""
        return Shard.parse(self.shard) if self.shard else None

    @property
    def at_once(self) -> int:
        """Tasks at once on this machine."""
        return self.jobs or _cores()

    def run(
        self, tasks: Sequence[Task], identities: Mapping[str, Identity], folder: Path
    ) -> Generator[Outcome, None, None]:
        """Run tasks, needs first; yields each as it ends.

        Args:
            tasks: not done yet, needs first.
            identities: by name.
            folder: of the study.

        Raises:
            UserError: no such cluster or GPU.
        """
        place = folder / "tasks"
        if self.engine == "ray" and tasks:  # for nothing to do no cluster is needed
            from alpha_lightning.study.ray_address import refuse_unreachable
            from alpha_lightning.study.ray_cluster import RayCluster, run_ray

            refuse_unreachable(self.address or "auto")
            cluster = RayCluster(self.address or "auto", self.jobs, self.gpus_per_fit)
            return run_ray(tasks, identities, place, cluster, retries=self.retries)
        return run_local(
            tasks,
            identities,
            place,
            self.at_once,
            retries=self.retries,
            slots=gpu_slots(self.gpus_per_fit) if self.engine == "local" else [],
            run=run_shared if self.shard else run_claimed,
        )


def _cores() -> int:
    # Of this process where the system tells: a container often has fewer than its machine.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
