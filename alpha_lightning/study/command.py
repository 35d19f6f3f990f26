"""The command `study`: run the chain, skip what is done."""

import contextlib
import csv
import fcntl
import io
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from tqdm.auto import tqdm

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.local import Outcome, run_local
from alpha_lightning.study.options import bracketed, merge, nested
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import Task, read_marker, task_keys, tasks_to_run

_USAGE = "alpha-lightning study run FILE.yaml [--jobs N] [--option value ...]"
_DRAFT = re.compile(r"\..+\.[0-9a-f]{8}\.tmp(-old)?")


class StudyError(UserError):
    """Tasks of a study failed."""


def study(args: list[str]) -> str:
    """`study run FILE.yaml [--jobs N] [--option value ...]`.

    Args:
        args: verb, file and options.

    Returns:
        What to print: where the report is, and its headline.

    Raises:
        UserError: unknown verb, unreadable settings, or failed tasks.
    """
    if args and args[0] in ("-h", "--help"):
        return f"usage: {_USAGE}\n\nalpha-lightning study run --help lists the options."
    if not args or args[0] != "run":
        msg = f"study needs the verb run: {_USAGE}"
        raise UserError(msg)
    settings, jobs, resolved = parse(args[1:])
    return run(settings, jobs or _cores(), resolved)


def parse(args: Sequence[str]) -> tuple[StudySettings, int, dict[str, Any]]:
    """Settings from a YAML file and dotted options laid over it.

    Args:
        args: the file first, or as ``--config FILE``.

    Returns:
        The settings, the number of worker processes (0: one a core), and the resolved YAML.

    Raises:
        UserError: no such file, or settings that contradict each other.
    """
    from jsonargparse import ActionConfigFile, ArgumentParser

    parser = ArgumentParser(prog="alpha-lightning study run", allow_abbrev=False)
    parser.add_argument("--config", action=ActionConfigFile, help="The study's YAML.")
    parser.add_argument("--jobs", type=int, default=0, help="Worker processes; 0: one a core.")
    parser.add_class_arguments(StudySettings, as_group=False, skip={"fit"})
    # Opaque here: a class named in it belongs to the training tasks.
    parser.add_argument("--fit", type=dict, default={}, help="Merged over each unit's YAML.")
    if args and not args[0].startswith("-"):
        if not Path(args[0]).is_file():
            msg = f"{args[0]} does not exist: name the study's YAML file"
            raise UserError(msg)
        args = ["--config", *args]
    others, fit = nested(args, "fit")
    parsed = parser.parse_args(bracketed(others, StudySettings))
    parsed.fit = merge(parsed.fit, fit)
    resolved = yaml.safe_load(parser.dump(parsed))
    values = vars(parser.instantiate(parsed))
    for own in ("config", "jobs"):
        resolved.pop(own, None)
    values.pop("config", None)
    jobs = int(values.pop("jobs"))
    if jobs < 0:
        msg = f"--jobs is {jobs}: give a number of worker processes, or 0 for one a core"
        raise UserError(msg)
    return StudySettings(**values), jobs, resolved


def run(settings: StudySettings, jobs: int, resolved: dict[str, Any]) -> str:
    """Run every task that is not done, and report.

    Args:
        settings: of the study.
        jobs: worker processes.
        resolved: the settings as they are kept in ``study.yaml``.

    Raises:
        StudyError: tasks failed; the rest is done, and the next run tries only those again.
    """
    tasks = lay_out(settings)
    keys = task_keys(tasks)
    folder = settings.folder
    with _locked(folder):
        _sweep(folder)
        with atomic_file(folder / "study.yaml") as draft:
            text = yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True)
            draft.write_text(text, encoding="utf-8")
        todo = tasks_to_run(tasks, keys, folder / "tasks")
        running = contextlib.closing(run_local(todo, keys, folder / "tasks", jobs))
        with _Progress(folder, tasks, todo) as progress, running as outcomes:
            for outcome in outcomes:
                progress.add(outcome)
    if progress.failures:
        raise StudyError(_failure(progress, len(todo)))
    from alpha_lightning.reports.report import headline

    page = folder / "report" / "index.html"
    return f"{headline(str(folder))}\n\nreport: {page}"


class _Progress:
    """The bar, and ``timings.csv``, which the report reads.

    Args:
        folder: of the study.
        tasks: all of them, in order.
        todo: those that run now.
    """

    def __init__(self, folder: Path, tasks: list[Task], todo: list[Task]) -> None:
        running = {task.name for task in todo}
        done = [task.name for task in tasks if task.name not in running]
        markers = {name: read_marker(folder / "tasks" / name) for name in done}
        self.file = folder / "timings.csv"
        self.order = [task.name for task in tasks]
        self.seconds = {name: float(marker["seconds"]) for name, marker in markers.items()}
        self.failures: list[Outcome] = []
        self.ended = 0
        self.bar = tqdm(total=len(tasks), initial=len(done), unit="task", desc="study")
        if done:
            self.bar.write(f"{len(done)} tasks done before, {len(todo)} to run")

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *failure: object) -> None:
        self.bar.close()

    def add(self, outcome: Outcome) -> None:
        """Show how a task ended."""
        name = outcome.task.name
        self.ended += 1
        self.bar.update()
        if outcome.failure is None:
            self.seconds[name] = outcome.seconds
            self.bar.write(f"{name}: {outcome.seconds:.1f} s")
            self._write_timings()
        else:
            self.failures.append(outcome)
            self.bar.write(f"{name}: FAILED, {outcome.failure}")

    def _write_timings(self) -> None:
        table = io.StringIO()
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(["task", "seconds"])
        rows.writerows(
            (name, f"{self.seconds[name]:.3f}") for name in self.order if name in self.seconds
        )
        with atomic_file(self.file) as draft:
            draft.write_text(table.getvalue())


def _failure(progress: _Progress, wanted: int) -> str:
    failed = len(progress.failures)
    lines = [f"{failed} of {wanted} tasks failed; run again to retry:"]
    lines += [f"  {o.task.name}: {o.failure} (log: {o.log})" for o in progress.failures]
    if waiting := wanted - progress.ended:
        lines.append(f"  {waiting} that need them did not run")
    return "\n".join(lines)


def _cores() -> int:
    # Of this process where the system tells: a container often has fewer than its machine.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        msg = f"cannot write {folder} ({error.strerror}): choose another --out"
        raise UserError(msg) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = (
                f"another process runs the study in {folder}: wait for it, or choose another --out"
            )
            raise UserError(msg) from error
        yield


def _sweep(folder: Path) -> None:
    # Drafts of tasks that were killed; nobody else writes here while the lock is held.
    for path in [path for path in folder.rglob(".*") if _DRAFT.fullmatch(path.name)]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
