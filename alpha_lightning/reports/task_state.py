"""Why a part of a study is missing: what the task that makes it has left behind."""

import json
from pathlib import Path


def failure(study: Path, task: str) -> str | None:
    """What stopped a task, or None where it is done or was never begun.

    Args:
        study: its folder.
        task: name of the task.

    Returns:
        A sentence without its beginning: it is said after what is missing and a colon.
    """
    folder = study / "tasks" / task
    file = folder / "failed.json"
    if not file.exists() and (not folder.is_dir() or (folder / "done.json").exists()):
        return None
    try:
        told = str(json.loads(file.read_text(encoding="utf-8"))["failure"])
    except (OSError, ValueError, KeyError, TypeError):
        return "their run was cut off, run the study again."
    return told if told.endswith(".") else f"{told}."
