"""What `study plan` prints."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alpha_lightning.panel.vintages import Vintage
from alpha_lightning.study.enhanced_tasks import NAME as ENHANCED
from alpha_lightning.study.fit_tasks import networks_of
from alpha_lightning.study.forecast import (
    cost_of,
    cuts_of,
    enhanced_words,
    network_words,
    portfolio_words,
)
from alpha_lightning.study.horizon import Extent, extent_of
from alpha_lightning.study.portfolio_tasks import NAME as PORTFOLIOS
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import Task, ToRun, read_marker

_GB = 1e9


def plan_text(study: StudySettings, tasks: Sequence[Task], todo: Sequence[ToRun], jobs: int) -> str:
    """Tasks, dates, sizes and cost of a study, before anything runs.

    Args:
        study: settings.
        tasks: all of them.
        todo: those that would run.
        jobs: worker processes.

    Raises:
        UserError: an expected date is none.
    """
    extent = extent_of(study)
    lines = [f"study {study.name}: {network_words(list(networks_of(study)))}"]
    lines += [f"not there yet: {absent}" for absent in absent_inputs(study)]
    return "\n\n".join(
        "\n".join(part)
        for part in (
            lines,
            list(_dates(study, extent)),
            list(_tasks(tasks, todo)),
            list(_portfolios(study, extent, tasks)),
            list(_cost(study, extent, tasks, todo, jobs)),
        )
        if part
    )


def absent_inputs(study: StudySettings) -> list[str]:
    """Outside inputs that a study names and that are not there, as ``key: path``."""
    source = study.source
    names = ("panel", "market", "daily", "qlib", "minute", "trades", "exchange", "calendar")
    given: dict[str, Any] = {name: getattr(source, name) for name in names}
    if source.tables is not None:
        given |= {f"tables.{key}": value for key, value in vars(source.tables).items()}
    return [f"source.{k}: {v}" for k, v in given.items() if v and not Path(str(v)).exists()]


def _dates(study: StudySettings, extent: Extent) -> Iterator[str]:
    if not len(extent.dates):
        yield "dates: known when the panel is there, or with --expected.first_date and .last_date"
        return
    yield f"dates: {extent.origin}, {extent.dates[0]} to {extent.dates[-1]}"
    rows: list[Sequence[str]] = [
        ("vintage", "trains on", "validates on", "supplies factors", "scores")
    ]
    for (scheme, year), cut in cuts_of(study, extent).items():
        name = f"{year}" + f" {scheme}" * (len(study.schemes) > 1)
        if isinstance(cut, str):
            yield f"  {name}: {cut}"
            continue
        parts = (cut.train, cut.valid, cut.output, cut.serve)
        spans = (f"{extent.dates[part[0]]} to {extent.dates[part[-1]]}" for part in parts)
        rows.append([name, *spans])
    yield from _aligned(rows)


def _tasks(tasks: Sequence[Task], todo: Sequence[ToRun]) -> Iterator[str]:
    whole = Counter(_kind(task.name) for task in tasks)
    waiting = Counter(_kind(task.name) for task, _ in todo)
    reasons: dict[str, Counter[str]] = {}
    for task, reason in todo:
        told = "needs an earlier task" if reason.startswith("needs ") else reason
        reasons.setdefault(_kind(task.name), Counter())[told] += 1
    rows: list[Sequence[str]] = [("tasks", "all", "done", "to run", "why")]
    for kind, count in whole.items():
        why = ", ".join(f"{text} {n}" for text, n in reasons.get(kind, Counter()).items())
        rows.append((kind, str(count), str(count - waiting[kind]), str(waiting[kind]), why))
    total = (len(tasks), len(tasks) - len(todo), len(todo))
    rows.append(["in all", *map(str, total), ""])
    yield from _aligned(rows)


def _portfolios(study: StudySettings, extent: Extent, tasks: Sequence[Task]) -> Iterator[str]:
    # None, or not of this share.
    asked = {task.name for task in tasks} & {PORTFOLIOS, ENHANCED}
    served = 0
    if asked and len(extent.dates):
        cuts = cuts_of(study, extent).values()
        served = sum(len(cut.serve) for cut in cuts if isinstance(cut, Vintage))
        served //= len(study.schemes)
    if PORTFOLIOS in asked:
        yield f"portfolios: {portfolio_words(study, served)}"
        yield from _larger(study, extent)
    if ENHANCED in asked:
        yield f"index-enhanced portfolios: {enhanced_words(study, served, extent)}"


def _larger(study: StudySettings, extent: Extent) -> Iterator[str]:
    larger = [names for names in study.portfolios.names if 0 < extent.stocks < names]
    if larger:
        sizes = " and ".join(f"TOP-{names}" for names in larger)
        yield f"  {sizes} of {extent.stocks} stocks: the rest would be cash"


def _cost(
    study: StudySettings, extent: Extent, tasks: Sequence[Task], todo: Sequence[ToRun], jobs: int
) -> Iterator[str]:
    cuts = [cut for cut in cuts_of(study, extent).values() if isinstance(cut, Vintage)]
    if not cuts or not extent.stocks:
        yield "sizes and cost: known when the panel is there, or with --expected.stocks and dates"
        return
    cost = cost_of(study, extent, cuts)
    half = "" if study.factors.precision == "float16" else _half(cost.factor_bytes)
    yield f"on disk: factor matrices {_size(cost.factor_bytes)} as {study.factors.precision}{half}"
    if study.factors.keep == "always":
        yield "  --factors.keep until_weighed drops each when the scores that need it are made;"
        yield "  changed weighting then makes it again from its checkpoint, without training"
    else:
        seeds = len(study.seeds) * len(study.schemes)
        at_once = _size(cost.factor_bytes / seeds)
        yield f"  dropped when the scores that need them are made: {at_once}, a seed's, at once"
    yield f"  data sets {_size(cost.panel_bytes)}"
    yield (
        f"in memory: data sets are mapped, shared by all processes; the largest weighing,"
        f" {cost.weighing}, takes {_size(cost.weighing_bytes)}, times {jobs} at once"
    )
    yield (
        f"at most {_hours(cost.fit_hours)} of training on one CPU thread (every epoch run, hidden"
        f" size as shipped), {_hours(cost.fit_hours / jobs)} with {jobs} at once; early stopping"
        " shortens it"
    )
    fits = f"some {cost.fits:,} fits of the weighting model"
    yield f"{fits}, {_hours(cost.weigh_hours)} on one thread"
    if cost.strange:
        yield f"  speed not known, taken as the slowest: {', '.join(cost.strange)}"
    yield from _measured(study, tasks, todo, jobs)


def _measured(
    study: StudySettings, tasks: Sequence[Task], todo: Sequence[ToRun], jobs: int
) -> Iterator[str]:
    folder = study.folder / "tasks"
    markers = {task.name: read_marker(folder / task.name) for task in tasks}
    left, unknown = remaining_seconds(markers, [task.name for task, _ in todo])
    if left:
        rest = f", {unknown} tasks of which none has run not counted" * bool(unknown)
        yield f"by what has run in this folder: {_hours(left / jobs / 3600)} to go{rest}"


def remaining_seconds(
    markers: Mapping[str, Mapping[str, Any]], todo: Sequence[str]
) -> tuple[float, int]:
    """Seconds that tasks will take, by the mean of tasks alike that are done.

    Args:
        markers: of tasks by name, empty for those that are not done.
        todo: names of the tasks to come.

    Returns:
        The seconds, and the number of tasks of which none alike is done.
    """
    times: dict[str, list[float]] = {}
    for name, marker in markers.items():
        if marker:
            times.setdefault(_alike(name), []).append(float(marker["seconds"]))
    known = [name for name in todo if _alike(name) in times]
    seconds = sum(sum(times[_alike(name)]) / len(times[_alike(name)]) for name in known)
    return seconds, len(todo) - len(known)


def _kind(name: str) -> str:
    return name.partition("/")[0]


def _alike(name: str) -> str:
    # Networks of a unit take alike, and so do weighings of a score.
    return "/".join(name.split("/")[:2])


def _half(size: float) -> str:
    return f" ({_size(size / 2)} as float16: --factors.precision float16)"


def _size(size: float) -> str:
    return f"{size / _GB:,.1f} GB" if size >= _GB / 10 else f"{size / 1e6:,.1f} MB"


def _hours(hours: float) -> str:
    return f"{hours:,.1f} h" if hours >= 1 else f"{max(hours * 60, 1):.0f} min"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield ("  " + "  ".join(cells)).rstrip()
