"""The command `study`: run the chain, skip what is done."""

import contextlib
import csv
import fcntl
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from tqdm.auto import tqdm

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.local import Outcome, run_local
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import MARKER, Task, is_done, task_keys


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
    if not args or args[0] != "run":
        msg = "study needs a verb: alpha-lightning study run FILE.yaml [--jobs N] [--option value]"
        raise UserError(msg)
    settings, jobs, resolved = parse(args[1:])
    return run(settings, jobs or os.cpu_count() or 1, resolved)


def parse(args: list[str]) -> tuple[StudySettings, int, dict[str, Any]]:
    """Settings from a YAML file and dotted options laid over it.

    Args:
        args: the file first, or as ``--config FILE``.

    Returns:
        The settings, the number of worker processes (0: one a core), and the resolved YAML.
    """
    from jsonargparse import ActionConfigFile, ArgumentParser

    parser = ArgumentParser(prog="alpha-lightning study run")
    parser.add_argument("--config", action=ActionConfigFile, help="The study's YAML.")
    parser.add_argument("--jobs", type=int, default=0, help="Worker processes; 0: one a core.")
    parser.add_class_arguments(StudySettings, as_group=False)
    if args and not args[0].startswith("-"):
        if not Path(args[0]).is_file():
            msg = f"{args[0]} does not exist: name the study's YAML file"
            raise UserError(msg)
        args = ["--config", *args]
    parsed = parser.parse_args(args)
    resolved = yaml.safe_load(parser.dump(parsed, skip_none=False))
    resolved.pop("config", None)
    values = vars(parser.instantiate_classes(parsed))
    jobs = int(values.pop("jobs"))
    values.pop("config", None)
    return StudySettings(**values), jobs, resolved


def run(settings: StudySettings, jobs: int, resolved: dict[str, Any]) -> str:
    """Run every task that is not done, and report.

    Raises:
        StudyError: tasks failed; the rest is done, and the next run tries only those again.
    """
    tasks = lay_out(settings)
    keys = task_keys(tasks)
    folder = settings.folder
    with _locked(folder):
        _write_settings(settings, resolved)
        markers = folder / "tasks"
        # What was made from something that is made again is made again, too.
        todo: list[Task] = []
        names: set[str] = set()
        for task in tasks:
            if not is_done(markers / task.name, keys[task.name]) or names & set(task.needs):
                todo.append(task)
                names.add(task.name)
        failures = _run_shown(todo, keys, markers, jobs, done=len(tasks) - len(todo))
        _write_timings(folder, markers, tasks)
    if failures:
        lines = [f"  {o.task.name}: {o.failure} (log: {o.log})" for o in failures]
        msg = f"{len(failures)} of {len(tasks)} tasks failed; run again to retry:\n"
        raise StudyError(msg + "\n".join(lines))
    from alpha_lightning.reports.report import headline

    page = folder / "report" / "index.html"
    return f"{headline(str(folder))}\n\nreport: {page}"


def _run_shown(
    todo: list[Task], keys: dict[str, str], markers: Path, jobs: int, done: int
) -> list[Outcome]:
    failures: list[Outcome] = []
    with tqdm(total=done + len(todo), initial=done, unit="task", desc="study") as bar:
        if done:
            bar.write(f"{done} tasks done before, {len(todo)} to run")
        for outcome in run_local(todo, keys, markers, jobs):
            if outcome.failure is None:
                bar.write(f"{outcome.task.name}: {outcome.seconds:.1f} s")
            else:
                failures.append(outcome)
                bar.write(f"{outcome.task.name}: FAILED, {outcome.failure}")
            bar.update()
    return failures


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


def _write_settings(settings: StudySettings, resolved: dict[str, Any]) -> None:
    tree = {k: v for k, v in resolved.items() if k != "jobs"}
    with atomic_file(settings.folder / "study.yaml") as draft:
        draft.write_text(yaml.safe_dump(tree, sort_keys=False))


def _write_timings(folder: Path, markers: Path, tasks: list[Task]) -> None:
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["task", "seconds"])
    for task in tasks:
        file = markers / task.name / MARKER
        if file.exists():
            marker = json.loads(file.read_text())
            rows.writerow([marker["task"], marker["seconds"]])
    with atomic_file(folder / "timings.csv") as draft:
        draft.write_text(table.getvalue())
