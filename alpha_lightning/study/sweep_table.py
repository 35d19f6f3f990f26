"""What a sweep leaves: a table of its trials, and the best settings as YAML that `fit` takes."""

import csv
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.study.sweep_trials import FAILURE, Search, lost

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

TABLE = "trials.csv"
BEST = "best.yaml"
_SHOWN = 30
_STATES = {
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "RUNNING": "running",
    "WAITING": "waiting",
}


def trial_folder(folder: Path, number: int) -> Path:
    """Where a trial of a sweep runs."""
    return folder / "trials" / f"t{number:04d}"


def rows_of(search: Search) -> list[dict[str, Any]]:
    """One row a trial, in the order of their numbers.

    Columns: number, state (``killed`` of one that died with its sweep and is tried again under
    another number), value of the metric, epochs that were validated, seconds, the trial it repeats,
    the varied options as they were spelt, and why it failed.
    """
    return [_row(search, trial) for trial in search.trials() if trial.state.name != "WAITING"]


def _row(search: Search, trial: "FrozenTrial") -> dict[str, Any]:
    name = str(trial.state.name)
    value = trial.value if name == "COMPLETE" else _last(trial)
    options = {
        p.name: p.spell(trial.params[p.name]) for p in search.varied if p.name in trial.params
    }
    return {
        "trial": trial.number,
        "state": "killed" if lost(trial) else _STATES[name],
        search.sweep.metric: "" if value is None or math.isnan(value) else value,
        "epochs": trial.last_step or 0,
        "seconds": trial.user_attrs.get("seconds", ""),
        "again": trial.user_attrs.get("again", ""),
        **{parameter.name: options.get(parameter.name, "") for parameter in search.varied},
        FAILURE: trial.user_attrs.get(FAILURE, ""),
    }


def _last(trial: "FrozenTrial") -> float | None:
    return None if trial.last_step is None else trial.intermediate_values[trial.last_step]


def write_results(search: Search, settings: Callable[[list[str]], str]) -> None:
    """Write ``trials.csv``, and ``best.yaml`` once a trial is complete.

    Args:
        search: the trials.
        settings: resolved YAML of `fit` from a trial's own options.
    """
    folder = search.settings.folder
    rows = rows_of(search)
    with atomic_file(folder / TABLE) as draft, draft.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["trial"])
        writer.writeheader()
        writer.writerows(rows)
    best = search.best()
    if best is not None:
        what = f"{search.sweep.path.name}: {search.sweep.metric} {best.value}"
        told = f"# Trial {best.number} of {what}."
        with atomic_file(folder / BEST) as draft:
            draft.write_text(f"{told}\n{settings(search.options(best))}", encoding="utf-8")


def table_text(search: Search) -> str:
    """The trials as a text table, the best first, those without a value last."""
    metric = search.sweep.metric
    sign = -1 if search.sweep.maximize else 1
    rows = rows_of(search)
    rows.sort(key=lambda row: (row["state"] != "complete", _order(row[metric], sign)))
    hidden = ("again", FAILURE)
    head = [name for name in rows[0] if name not in hidden] if rows else []
    cells = [[_shown(row[name]) for name in head] for row in rows[:_SHOWN]]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    lines = [_line(line, widths) for line in [head, *cells]]
    if len(rows) > _SHOWN:
        lines.append(f"... {len(rows) - _SHOWN} more in {TABLE}")
    return "\n".join(lines)


def _line(words: list[str], widths: list[int]) -> str:
    return "  ".join(word.rjust(width) for word, width in zip(words, widths, strict=True))


def _order(value: Any, sign: int) -> float:
    return math.inf if value == "" else sign * float(value)


def _shown(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) and not value.is_integer() else str(value)


def counts(search: Search) -> Mapping[str, int]:
    """Number of trials by state."""
    found: dict[str, int] = {}
    for row in rows_of(search):
        found[row["state"]] = found.get(row["state"], 0) + 1
    return found
