"""Run what is not done of a study, whole or a share of it."""

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.lock import locked
from alpha_lightning.study.dashboard import dashboard_text
from alpha_lightning.study.execution import Execution
from alpha_lightning.study.local import Preempted
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.progress import Progress
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.shards import Shard, beside_others
from alpha_lightning.study.status import kept_keys, write_tasks
from alpha_lightning.study.tasks import Identity, Task, identify, tasks_to_run

RESOLVED = "study.yaml"
"""What a study keeps of its settings, in its folder."""


class StudyError(UserError):
    """Tasks of a study failed, or it was ended from outside."""


def run(settings: StudySettings, execution: Execution | int, resolved: dict[str, Any]) -> str:
    """Run every task that is not done, and report; or a share of the fits and what they need.

    Args:
        settings: of the study.
        execution: who runs the tasks; a number is of worker processes.
        resolved: the settings as they are kept in ``study.yaml``.

    Returns:
        What to print.

    Raises:
        StudyError: tasks failed; the rest is done, and the next run tries only those again.
        UserError: the folder is in use or cannot be written, or there is no such cluster or GPU.
    """
    how = Execution(jobs=execution) if isinstance(execution, int) else execution
    tasks = lay_out(settings)
    identities = identify(tasks, settings.folder)
    if how.part is not None:
        return _run_share(settings, how, resolved, tasks, identities)
    with locked(settings.folder):
        _begin(settings.folder, resolved, tasks, identities)
        _execute(settings.folder, how, tasks, identities)
    from alpha_lightning.reports.report import headline

    page = settings.folder / "report" / "index.html"
    told = [headline(str(settings.folder)), f"report: {page}", dashboard_text(settings)]
    return "\n\n".join(filter(None, told))


def _run_share(
    settings: StudySettings,
    how: Execution,
    resolved: dict[str, Any],
    tasks: Sequence[Task],
    identities: dict[str, Identity],
) -> str:
    folder, shard = settings.folder, Shard.parse(how.shard)

    def begin(first: bool) -> None:
        if first:
            _begin(folder, resolved, tasks, identities)
        elif kept_keys(folder) != {name: who.key for name, who in identities.items()}:
            msg = (
                f"another share of the study in {folder} runs with other settings, inputs or code:"
                " wait for it, or choose another --out"
            )
            raise StudyError(msg)

    with beside_others(folder, begin):
        _execute(folder, how, shard.of(tasks), identities)
    fits = sum(task.name.startswith("fit/") for task in shard.of(tasks))
    done = f"share {how.shard} of {settings.name}: its {fits} fits are done"
    return f"{done}\nafter the last share, run the study without --shard for the rest"


def _begin(
    folder: Path, resolved: dict[str, Any], tasks: Sequence[Task], identities: dict[str, Identity]
) -> None:
    with atomic_file(folder / RESOLVED) as draft:
        text = yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True)
        draft.write_text(text, encoding="utf-8")
    write_tasks(folder, tasks, identities)


def _execute(
    folder: Path, how: Execution, tasks: Sequence[Task], identities: Mapping[str, Identity]
) -> None:
    todo = [task for task, _ in tasks_to_run(tasks, identities, folder / "tasks")]
    running = contextlib.closing(how.run(todo, identities, folder))
    whole = how.part is None
    with _preemptible(), Progress(folder, tasks, todo, whole=whole) as progress, running as ends:
        try:
            for outcome in ends:
                progress.add(outcome)
        except Preempted as error:
            ends.throw(error)  # unless it came from there
    if progress.failures:
        raise StudyError(progress.failure())


@contextlib.contextmanager
def _preemptible() -> Iterator[None]:
    came: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if not came:  # it is often sent twice
            came.append(number)
            raise Preempted

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        yield
    except (Preempted, SystemError) as error:
        if not came:
            raise
        # Where a signal comes while Ray waits, its C code makes a SystemError of it.
        told = signal.Signals(came[0]).name
        msg = f"ended by {told}: run the study again, what is done is kept"
        raise StudyError(msg) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
