"""What `study status` prints: how far a study is, while it runs and after."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.artefacts.lock import is_locked
from alpha_lightning.study.claims import is_claimed
from alpha_lightning.study.logged import LOG
from alpha_lightning.study.plan_text import remaining_seconds
from alpha_lightning.study.tasks import FAILED, Identity, Task, read_marker

FILE = "tasks.json"
_SHOWN = 10


@dataclass(frozen=True)
class State:
    """How a task stands.

    Args:
        name: of the task.
        stage: ``done``, ``failed``, ``running``, ``interrupted`` or ``waiting``.
        told: failure of a failed one.
    """

    name: str
    stage: str
    told: str = ""


def write_tasks(folder: Path, tasks: Sequence[Task], identities: dict[str, Identity]) -> None:
    """Leave in a study's folder which tasks it has, for `study_status`, before any of them runs.

    Args:
        folder: of the study.
        tasks: in order.
        identities: by name.
    """
    kept = [{"name": task.name, "key": identities[task.name].key} for task in tasks]
    with atomic_file(folder / FILE) as draft:
        draft.write_text(json.dumps(kept, indent=0))
    for task in tasks:
        place = folder / "tasks" / task.name
        # A log without an end is of a task that was cut off: it must not pass for a running one.
        if not read_marker(place) and not (place / FAILED).exists():
            (place / LOG).unlink(missing_ok=True)


def kept_keys(folder: Path) -> dict[str, str]:
    """Keys of a study's tasks by name, as they were when it was last started.

    Raises:
        ArtefactError: no study was started in the folder, or what it left is damaged.
    """
    return {task["name"]: task["key"] for task in _kept(folder / FILE)}


def study_status(folder: Path) -> str:
    """How far a study is.

    Args:
        folder: of the study.

    Raises:
        ArtefactError: no study was run in the folder, or what it left is damaged.
    """
    kept = _kept(folder / FILE)
    whole = is_locked(folder)
    states = [_state(folder, task, whole) for task in kept]
    # Shares of a study hold their own tasks only.
    running = whole or any(state.stage == "running" for state in states)
    done = sum(state.stage == "done" for state in states)
    how = "finished" if done == len(states) else "not finished, not running"
    lines = [f"study {folder}: {'running' if running else how}, {done} of {len(states)} tasks done"]
    lines += _table(states)
    for state in [state for state in states if state.stage in ("failed", "interrupted")]:
        lines.append(f"{state.stage}: {state.name}{': ' * bool(state.told)}{state.told}")
        lines.append(f"  log: {folder / 'tasks' / state.name / LOG}")
    now = [state.name for state in states if state.stage == "running"]
    lines += [f"running: {name}" for name in now[:_SHOWN]]
    lines += _left(folder, states, len(now))
    page = folder / "report" / "index.html"
    if done == len(states) and page.exists():
        lines.append(f"report: {page}")
    elif not running and done < len(states):
        lines.append("run the study again: what is done is kept, what failed is tried again")
    return "\n".join(lines)


def _kept(file: Path) -> list[dict[str, str]]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return [{"name": str(task["name"]), "key": str(task["key"])} for task in kept]
    except FileNotFoundError as error:
        msg = f"{file} does not exist: name the folder, or the YAML, of a study that was run"
        raise ArtefactError(msg) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{file} is damaged ({error}): run the study again"
        raise ArtefactError(msg) from error


def _state(folder: Path, task: dict[str, str], whole: bool) -> State:
    place, name = folder / "tasks" / task["name"], task["name"]
    marker = read_marker(place)
    # First: a task whose artefact could not be made again is done no more.
    if (place / FAILED).exists():
        return State(name, "failed", _failure(place / FAILED))
    if marker.get("key") == task["key"]:
        return State(name, "done")
    # A task's marker goes when it begins, its log comes.
    if not marker and (place / LOG).exists():
        return State(name, "running" if whole or is_claimed(place) else "interrupted")
    return State(name, "waiting")


def _failure(file: Path) -> str:
    try:
        about: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return str(about.get("failure", ""))
    except (OSError, ValueError):
        return ""


def _table(states: Sequence[State]) -> Iterator[str]:
    kinds = list(dict.fromkeys(state.name.partition("/")[0] for state in states))
    stages = ("done", "running", "failed", "interrupted", "waiting")
    shown = [stage for stage in stages if any(state.stage == stage for state in states)]
    width = max(len(kind) for kind in kinds)
    yield "  " + " " * width + "".join(stage.rjust(13) for stage in shown)
    for kind in kinds:
        own = [state.stage for state in states if state.name.partition("/")[0] == kind]
        counts = (str(own.count(stage) or "-").rjust(13) for stage in shown)
        yield f"  {kind.ljust(width)}{''.join(counts)}"


def _left(folder: Path, states: Sequence[State], at_once: int) -> Iterator[str]:
    todo = [state.name for state in states if state.stage in ("waiting", "running")]
    if not todo or not at_once:
        return
    markers = {state.name: read_marker(folder / "tasks" / state.name) for state in states}
    seconds, unknown = remaining_seconds(markers, todo)
    if seconds:
        rest = f", without {unknown} tasks of kinds that have not run yet" * bool(unknown)
        yield f"about {seconds / at_once / 60:.0f} min left with {at_once} at once{rest}"
