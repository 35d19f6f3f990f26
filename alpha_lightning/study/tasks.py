"""Tasks: pure functions of their settings and of the artefacts that earlier tasks wrote."""

import importlib
import json
import time
from collections.abc import Mapping
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
    """

    name: str
    function: str
    arguments: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    reads: Mapping[str, str] = field(default_factory=dict)


def task_keys(tasks: list[Task]) -> dict[str, str]:
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


def is_done(folder: Path, key: str) -> bool:
    """Whether the task that keeps its marker in the folder was completed with this identity."""
    try:
        marker = json.loads((folder / MARKER).read_text())
    except (OSError, json.JSONDecodeError):
        return False
    return bool(marker.get("key") == key)


def run_task(task: Task, folder: Path, key: str) -> float:
    """Run a task and leave its marker, the last thing written.

    Args:
        task: what to run.
        folder: for the marker.
        key: identity to leave in the marker.

    Returns:
        Seconds it took.
    """
    begin = time.perf_counter()
    module, name = task.function.split(":")
    (folder / MARKER).unlink(missing_ok=True)
    getattr(importlib.import_module(module), name)(**task.arguments)
    seconds = time.perf_counter() - begin
    marker = {"key": key, "task": task.name, "seconds": round(seconds, 3)}
    with atomic_file(folder / MARKER) as draft:
        draft.write_text(json.dumps(marker, indent=1))
    return seconds
