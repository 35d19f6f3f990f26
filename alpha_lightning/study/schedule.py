"""The order of tasks, whoever runs them: needs first, what was lost again, failures alone."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from alpha_lightning.study.logged import LOG, Ended
from alpha_lightning.study.tasks import Identity, Task


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Args:
        task: which.
        seconds: it took.
        failure: one line, or None after success.
        log: what it printed.
        again: its worker was lost, and it will be tried again: there is another outcome to come.
    """

    task: Task
    seconds: float
    failure: str | None
    log: Path
    again: bool = False


class Workers(AbstractContextManager["Workers"], Protocol):
    """Whoever runs tasks; ends what still runs when its block is left."""

    def __enter__(self) -> Self: ...

    @property
    def running(self) -> int:
        """How many tasks run."""

    def room(self, task: Task) -> bool:
        """Whether a task may be started now."""

    def start(self, task: Task, folder: Path, identity: Identity) -> None:
        """Start a task, whose marker and log go to a folder of its own."""

    def wait(self) -> Iterator[tuple[Task, Ended]]:
        """The tasks that ended, at least one."""


def run_on(
    workers: Workers,
    tasks: Sequence[Task],
    identities: Mapping[str, Identity],
    folder: Path,
    retries: int,
) -> Generator[Outcome, None, None]:
    """Run tasks on workers; yields each as it ends.

    A task runs once all tasks of the list that it needs have succeeded, and those that it comes
    after have ended. One that fails takes only those down that need it; they are not yielded. One
    whose worker was lost is tried again; one that ended with an error of its own is not, since it
    would again.

    Args:
        workers: who runs them.
        tasks: not done yet, needs first.
        identities: by name.
        folder: of markers and logs.
        retries: how often a task is tried again whose worker was lost.
    """
    waiting = {task.name: task for task in tasks}
    unfinished, lost, failed = set(waiting), Counter[str](), set[str]()
    with workers:
        while True:
            going = unfinished - _given_up(waiting.values(), failed)
            ready = [
                task
                for task in waiting.values()
                if not unfinished.intersection(task.needs) and not going.intersection(task.after)
            ]
            # What reads transient artefacts comes first, so that few of them lie there at once.
            ready.sort(key=lambda task: task.transient)
            for task in ready:
                if workers.room(task):
                    workers.start(task, folder / task.name, identities[task.name])
                    del waiting[task.name]
            if not workers.running:
                return
            for task, ended in workers.wait():
                again = ended.lost and lost[task.name] < retries
                if again:
                    lost[task.name] += 1
                    waiting[task.name] = task
                elif ended.failure is None:
                    unfinished.discard(task.name)
                else:
                    failed.add(task.name)
                log = folder / task.name / LOG
                yield Outcome(task, ended.seconds, ended.failure, log, again)


def _given_up(waiting: Iterable[Task], failed: set[str]) -> set[str]:
    gone = set(failed)
    for task in waiting:
        if gone.intersection(task.needs):
            gone.add(task.name)
    return gone
