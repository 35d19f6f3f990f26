"""The command `study`: plan the chain, run what is not done, tell how far it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.execution import Execution
from alpha_lightning.study.groups_of_settings import refuse_groups_without_names
from alpha_lightning.study.options import (
    bracketed,
    merge,
    nested,
)
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.plan_text import plan_text
from alpha_lightning.study.run import RESOLVED, StudyError, run
from alpha_lightning.study.settings import SOURCES, SourceSettings, StudySettings
from alpha_lightning.study.status import FILE, study_status
from alpha_lightning.study.tasks import identify, tasks_to_run

__all__ = ["StudyError", "parse", "run", "study"]
_USAGE = """\
usage: alpha-lightning study run FILE.yaml [--jobs N] [--engine ray] [--option value ...]
       alpha-lightning study run FILE.yaml --shard i/n [--jobs N] [--option value ...]
       alpha-lightning study plan FILE.yaml [--jobs N] [--option value ...]
       alpha-lightning study status FOLDER (or FILE.yaml)"""


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
    settings, execution, resolved = parse(args)
    return run(settings, execution, resolved)


def _plan(args: Sequence[str]) -> str:
    settings, execution, _ = parse(args, "plan")
    tasks = lay_out(settings, planning=True)
    if execution.part is not None:
        tasks = execution.part.of(tasks)
    todo = tasks_to_run(tasks, identify(tasks, settings.folder), settings.folder / "tasks")
    return plan_text(settings, tasks, todo, execution.at_once)


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


def parse(
    args: Sequence[str], verb: str = "run"
) -> tuple[StudySettings, Execution, dict[str, Any]]:
    """Settings from a YAML file and dotted options laid over it.

    Args:
        args: the file first, or as ``--config FILE``.
        verb: for the usage.

    Returns:
        The settings, who runs the tasks, and the resolved YAML.

    Raises:
        UserError: no such file, or settings that contradict each other.
    """
    from jsonargparse import ActionConfigFile, ArgumentParser

    parser = ArgumentParser(prog=f"alpha-lightning study {verb}", allow_abbrev=False)
    parser.add_argument("--config", action=ActionConfigFile, help="The study's YAML.")
    own = parser.add_class_arguments(Execution, as_group=False)
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
    refuse_groups_without_names(StudySettings, parsed)
    parsed.fit = merge(parsed.fit, fit)
    _replace_source(parsed.source, others)
    resolved = yaml.safe_load(parser.dump(parsed))
    values = vars(parser.instantiate(parsed))
    for name in ("config", *own):
        resolved.pop(name, None)
    values.pop("config", None)
    execution = Execution(**{name: values.pop(name) for name in own})
    return StudySettings(**values), execution, resolved


def _replace_source(source: Any, args: Sequence[str]) -> None:
    # Another source on the command line replaces that of the file, with all that belongs to it.
    named = {arg.partition("=")[0].split(".")[1] for arg in args if arg.startswith("--source.")}
    given = [kind for kind in SOURCES if getattr(source, kind)]
    if len(given) > 1 and named.intersection(given) and not named.issuperset(given):
        for key, value in vars(SourceSettings()).items():
            if key not in named:
                source[key] = value
