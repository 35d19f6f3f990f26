"""Tasks: pure functions of their settings and of the artefacts that earlier tasks wrote."""

import importlib
import inspect
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.provenance import fingerprint_json
from alpha_lightning.study.code_version import code_fingerprint

MARKER = "done.json"
FAILED = "failed.json"
STARTED = "started.json"
"""Left where a task begins, with its identity, and removed when it has succeeded."""


class Restore(NamedTuple):
    """How an artefact that is gone is made again from what its task kept.

    Args:
        function: ``module:function``, with the arguments of the task.
        source: file that the task kept and that the function needs.
    """

    function: str
    source: str


@dataclass(frozen=True)
class Task:
    """One step of a study.

    Args:
        name: unique, a path below ``tasks/``, for example ``fit/gru/rawbar/v2024/s0``.
        function: ``module:function``, imported where the task runs.
        arguments: of the function; JSON values.
        needs: names of tasks whose artefacts it reads.
        reads: fingerprints of outside inputs, which the arguments only point to.
        writes: the artefact it leaves, if any.
        aside: further arguments, on which the artefact does not depend.
        restore: a shorter way to an artefact that is gone.
        transient: whether the artefact may go once every task that needs it is done.
        after: names of tasks whose artefacts it reads too, or does without where they failed.
    """

    name: str
    function: str
    arguments: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    reads: Mapping[str, str] = field(default_factory=dict)
    writes: str | None = None
    aside: Mapping[str, Any] = field(default_factory=dict)
    restore: Restore | None = None
    transient: bool = False
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identity:
    """What a task's artefact depends on, part by part, each a fingerprint.

    Args:
        code: the code that its function reaches.
        settings: function and arguments.
        inputs: outside inputs.
        needs: identities of the tasks it needs.
    """

    code: str
    settings: str
    inputs: str
    needs: str

    @property
    def key(self) -> str:
        """All of it in one fingerprint."""
        return fingerprint_json(asdict(self))


class ToRun(NamedTuple):
    """A task that is to run, and why."""

    task: Task
    reason: str


def identify(tasks: Sequence[Task], folder: Path) -> dict[str, Identity]:
    """Identity of every task by name: code, settings, outside inputs and, in turn, its needs.

    Args:
        tasks: in an order in which needs come first.
        folder: of the study; paths below it count as relative, so that it may be moved.
    """
    found: dict[str, Identity] = {}
    for task in tasks:
        arguments = _relative(dict(task.arguments), f"{folder}/")
        found[task.name] = Identity(
            code=code_fingerprint(task.function, task.arguments),
            settings=fingerprint_json([task.function, arguments]),
            inputs=fingerprint_json(dict(task.reads)),
            needs=fingerprint_json([found[name].key for name in (*task.needs, *task.after)]),
        )
    return found


def tasks_to_run(
    tasks: Sequence[Task], identities: Mapping[str, Identity], folder: Path
) -> list[ToRun]:
    """Tasks that are not done, those that need them, and those whose artefact is gone but wanted.

    An artefact that is gone comes back the same, so what was made from it stays.

    Args:
        tasks: in an order in which needs come first.
        identities: by name.
        folder: of markers.
    """
    reasons: dict[str, str] = {}
    for task in tasks:
        reason = _reason(read_marker(folder / task.name), identities[task.name])
        before = next((name for name in (*task.needs, *task.after) if reasons.get(name)), None)
        if reason is None and before is not None:
            reason = f"needs {before}"
        if reason == "new" and (folder / task.name / FAILED).exists():
            reason = "failed before"
        if reason is not None:
            reasons[task.name] = reason
    wanted = {name for task in tasks if task.name in reasons for name in task.needs}
    for task in reversed(tasks):
        if task.name not in reasons and _lost(task) and (not task.transient or task.name in wanted):
            reasons[task.name] = "its artefact is gone"
            wanted.update(task.needs)
    return [ToRun(task, reasons[task.name]) for task in tasks if task.name in reasons]


def spent(tasks: Sequence[Task], unfinished: set[str]) -> list[Path]:
    """Transient artefacts that no unfinished task needs any more.

    Args:
        tasks: all tasks.
        unfinished: names of those that have not succeeded.
    """
    wanted = {name for task in tasks if task.name in unfinished for name in task.needs}
    gone = [t for t in tasks if t.transient and t.name not in wanted | unfinished and t.writes]
    return [path for task in gone if (path := Path(str(task.writes))).exists()]


def read_marker(folder: Path) -> dict[str, Any]:
    """What a completed task left, or an empty dictionary."""
    return _read(folder / MARKER)


def run_task(task: Task, folder: Path, identity: Identity) -> None:
    """Run a task and leave its marker, the last thing written.

    A function with an argument ``resume`` is told whether the same task, of the same identity, was
    begun before and cut, so that what it left may be gone on from.

    Args:
        task: what to run.
        folder: for the marker.
        identity: to leave in the marker.
    """
    begin = time.perf_counter()
    before = read_marker(folder)
    again = task.restore if before.get("key") == identity.key else None
    if again is not None and not Path(again.source).exists():
        again = None
    (folder / FAILED).unlink(missing_ok=True)
    if again is None:
        (folder / MARKER).unlink(missing_ok=True)
        cut = _read(folder / STARTED).get("key") == identity.key
        _write(folder / STARTED, {"key": identity.key})
        _call(task.function, task, resume=cut)
    else:
        try:
            _call(again.function, task)
        except OSError:
            raise  # a full disk, say: the short way stays open
        except Exception:
            # What the task kept may be damaged: the next time takes the whole way.
            (folder / MARKER).unlink(missing_ok=True)
            raise
    # The time it takes from scratch is what an estimate wants.
    seconds = before["seconds"] if again else round(time.perf_counter() - begin, 3)
    marker = {"key": identity.key, "task": task.name, "seconds": seconds, **asdict(identity)}
    _write(folder / MARKER, marker)
    (folder / STARTED).unlink(missing_ok=True)


def _call(path: str, task: Task, *, resume: bool = False) -> None:
    module, name = path.split(":")
    function = getattr(importlib.import_module(module), name)
    goes_on = resume and "resume" in inspect.signature(function).parameters
    function(**task.arguments, **task.aside, **({"resume": True} if goes_on else {}))


def _write(path: Path, content: Mapping[str, Any]) -> None:
    with atomic_file(path) as draft:
        draft.write_text(json.dumps(content, indent=1))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _reason(marker: Mapping[str, Any], identity: Identity) -> str | None:
    if not marker:
        return "new"
    if marker.get("key") == identity.key:
        return None
    told = {"code": "its code changed", "settings": "its settings changed"}
    told["inputs"] = "its inputs changed"
    for part, text in told.items():
        if marker.get(part) != getattr(identity, part):
            return text
    return "what it needs changed"


def _lost(task: Task) -> bool:
    return task.writes is not None and not Path(task.writes).exists()


def _relative(tree: Any, prefix: str) -> Any:
    if isinstance(tree, Mapping):
        return {key: _relative(value, prefix) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_relative(value, prefix) for value in tree]
    if isinstance(tree, str) and f"{tree}/".startswith(prefix):
        return f"study:{tree[len(prefix) :]}"
    return tree
