"""The command `study`: plan the chain, run what is not done, tell how far it is."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.lock import locked
from alpha_lightning.study.local import run_local
from alpha_lightning.study.options import bracketed, merge, nested
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.plan_text import plan_text
from alpha_lightning.study.progress import Progress
from alpha_lightning.study.settings import SOURCES, SourceSettings, StudySettings
from alpha_lightning.study.status import FILE, study_status, write_tasks
from alpha_lightning.study.tasks import identify, tasks_to_run

RESOLVED = "study.yaml"
"""What a study keeps of its settings, in its folder."""
_USAGE = """usage: alpha-lightning study run FILE.yaml [--jobs N] [--option value ...]
       alpha-lightning study plan FILE.yaml [--jobs N] [--option value ...]
       alpha-lightning study status FOLDER (or FILE.yaml)"""


class StudyError(UserError):
    """Tasks of a study failed."""


def study(args: list[str]) -> str:
    """`study run`, `study plan` and `study status`.

    Args:
        args: verb, file and options.

    Returns:
        What to print: after a run the headline and where the report is.

    Raises:
        UserError: unknown verb, unreadable settings, or failed tasks.
    """
    verbs = {"run": _run, "plan": _plan, "status": _status}
    if args and args[0] in ("-h", "--help"):
        return f"{_USAGE}\n\nalpha-lightning study run --help lists the options."
    if not args or args[0] not in verbs:
        msg = f"study needs one of the verbs {', '.join(verbs)}:\n{_USAGE}"
        raise UserError(msg)
    return verbs[args[0]](args[1:])


def _run(args: Sequence[str]) -> str:
    settings, jobs, resolved = parse(args)
    return run(settings, jobs or _cores(), resolved)


def _plan(args: Sequence[str]) -> str:
    settings, jobs, _ = parse(args, "plan")
    tasks = lay_out(settings, planning=True)
    todo = tasks_to_run(tasks, identify(tasks, settings.folder), settings.folder / "tasks")
    return plan_text(settings, tasks, todo, jobs or _cores())


def _status(args: Sequence[str]) -> str:
    if not args:
        msg = f"study status needs the folder, or the YAML, of a study:\n{_USAGE}"
        raise UserError(msg)
    given = Path(args[0])
    if given.is_dir():
        return study_status(given)
    if given.name == RESOLVED and (given.parent / FILE).is_file():
        return study_status(given.parent)  # which may have been moved since
    settings, _, _ = parse(args, "status")
    return study_status(settings.folder)


def parse(args: Sequence[str], verb: str = "run") -> tuple[StudySettings, int, dict[str, Any]]:
    """Settings from a YAML file and dotted options laid over it.

    Args:
        args: the file first, or as ``--config FILE``.
        verb: for the usage.

    Returns:
        The settings, the number of worker processes (0: one a core), and the resolved YAML.

    Raises:
        UserError: no such file, or settings that contradict each other.
    """
    from jsonargparse import ActionConfigFile, ArgumentParser

    parser = ArgumentParser(prog=f"alpha-lightning study {verb}", allow_abbrev=False)
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
    _replace_source(parsed.source, others)
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
    folder = settings.folder
    identities = identify(tasks, folder)
    with locked(folder):
        with atomic_file(folder / RESOLVED) as draft:
            text = yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True)
            draft.write_text(text, encoding="utf-8")
        write_tasks(folder, tasks, identities)
        todo = [task for task, _ in tasks_to_run(tasks, identities, folder / "tasks")]
        running = contextlib.closing(run_local(todo, identities, folder / "tasks", jobs))
        with Progress(folder, tasks, todo) as progress, running as outcomes:
            for outcome in outcomes:
                progress.add(outcome)
    if progress.failures:
        raise StudyError(progress.failure())
    from alpha_lightning.reports.report import headline

    page = folder / "report" / "index.html"
    return f"{headline(str(folder))}\n\nreport: {page}"


def _replace_source(source: Any, args: Sequence[str]) -> None:
    # Another source on the command line replaces that of the file, with all that belongs to it.
    named = {arg.partition("=")[0].split(".")[1] for arg in args if arg.startswith("--source.")}
    given = [kind for kind in SOURCES if getattr(source, kind)]
    if len(given) > 1 and named.intersection(given) and not named.issuperset(given):
        for key, value in vars(SourceSettings()).items():
            if key not in named:
                source[key] = value


def _cores() -> int:
    # Of this process where the system tells: a container often has fewer than its machine.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
