"""Tasks: pure functions of their settings and of the artefacts that earlier tasks wrote."""

import importlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alpha_lightning import __version__
from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.provenance import fingerprint_json

MARKER = "done.json"


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
    """

    name: str
    function: str
    arguments: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    reads: Mapping[str, str] = field(default_factory=dict)
    writes: str | None = None


def task_keys(tasks: Sequence[Task]) -> dict[str, str]:
    """Identity of every task: settings, program version, outside inputs and, in turn, its needs.

    Args:
        tasks: in an order in which needs come first.
    """
    keys: dict[str, str] = {}
    for task in tasks:
        needs = [keys[name] for name in task.needs]
        about = [__version__, task.function, dict(task.arguments), dict(task.reads), needs]
        keys[task.name] = fingerprint_json(about)
    return keys


def tasks_to_run(tasks: Sequence[Task], keys: Mapping[str, str], folder: Path) -> list[Task]:
    """Tasks that are not done, and those that need them; and those whose artefact is gone.

    An artefact that is gone comes back the same, so what was made from it stays.

    Args:
        tasks: in an order in which needs come first.
        keys: identity by name.
        folder: of markers.
    """
    changed: set[str] = set()
    for task in tasks:
        marker = read_marker(folder / task.name)
        if marker.get("key") != keys[task.name] or changed.intersection(task.needs):
            changed.add(task.name)
    return [task for task in tasks if task.name in changed or _lost(task)]


def read_marker(folder: Path) -> dict[str, Any]:
    """What a completed task left, or an empty dictionary."""
    try:
        marker = json.loads((folder / MARKER).read_bytes())
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def run_task(task: Task, folder: Path, key: str) -> None:
    """Run a task and leave its marker, the last thing written.

    Args:
        task: what to run.
        folder: for the marker.
        key: identity to leave in the marker.
    """
    begin = time.perf_counter()
    module, name = task.function.split(":")
    (folder / MARKER).unlink(missing_ok=True)
    getattr(importlib.import_module(module), name)(**task.arguments)
    seconds = round(time.perf_counter() - begin, 3)
    marker = {"key": key, "task": task.name, "seconds": seconds}
    with atomic_file(folder / MARKER) as draft:
        draft.write_text(json.dumps(marker, indent=1))


def _lost(task: Task) -> bool:
    return task.writes is not None and not Path(task.writes).exists()
