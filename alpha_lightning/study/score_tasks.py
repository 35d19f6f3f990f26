"""The tasks that make a study's scores: factor means, weighted scores, averages, baselines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alpha_lightning.panel.returns import LABEL
from alpha_lightning.study.options import merge
from alpha_lightning.study.panel_tasks import STEPS, after_panel, panel_of
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import Task
from alpha_lightning.weighting.subsets import in_order, proper_subsets, subset_name

Config = Mapping[str, Any]


def score_tasks(study: StudySettings, units: Mapping[str, Config]) -> list[Task]:
    """Every score of a study, in an order in which needs come first.

    Each unit and run is weighed on all data sets, and on each subset of them that tells what a data
    set is worth; and the factors of each data set are averaged as they are. Runs are averaged, then
    the units (v1).

    Args:
        study: settings.
        units: content of each unit's YAML by its name.
    """
    tasks: list[Task] = []
    for subset in _subsets(study):
        averages = []
        for unit, config in units.items():
            runs = [_weigh(study, unit, config, subset, run) for run in study.seeds]
            averages.append(_combine(study, *_called(study, unit, subset), runs))
            tasks += [*runs, averages[-1]]
        if len(units) > 1:
            tasks.append(_combine(study, *_called(study, "v1", subset), averages))
    for unit in units:
        for dataset in study.datasets:
            tasks += _means(study, unit, dataset)
    return [*tasks, *_baselines(study)]


def evaluated(tasks: Sequence[Task]) -> tuple[list[Task], list[Task]]:
    """Which of the tasks make a score that is shown everywhere, and which a part of one.

    Returns:
        Models, v1 and baselines; then units and subsets of data sets, whose names are longer.
    """
    averages = [task for task in tasks if task.name.startswith(("combine/", "baseline/"))]
    shown = [task for task in averages if task.name.count("/") == 1]
    return shown, [task for task in averages if task not in shown]


def unit_folder(study: StudySettings, unit: str, dataset: str, vintage: int, run: int) -> Path:
    """Where one network is trained."""
    return study.folder / "units" / unit / dataset / f"v{vintage}" / f"s{run}"


def fit_name(unit: str, dataset: str, vintage: int, run: int) -> str:
    """Name of the task that trains one network."""
    return f"fit/{unit}/{dataset}/v{vintage}/s{run}"


def _subsets(study: StudySettings) -> list[tuple[str, ...]]:
    further = proper_subsets(study.datasets) if study.evaluation.dataset_value else ()
    return [in_order(study.datasets), *further]


def _weigh(
    study: StudySettings, unit: str, config: Config, subset: Sequence[str], run: int
) -> Task:
    place, name = _called(study, unit, subset)
    factors, needs = _factors(study, unit, subset, run)
    out = str(study.folder / "scores" / place / f"s{run}.parquet")
    arguments = {
        "panel": panel_of(study),
        "factors": factors,
        "out": out,
        "universe": study.universe,
        "label": _label(merge(config, study.fit).get("data", {}).get("sample", {})),
        "seed": run,
        "name": f"{name}/s{run}",
    }
    inputs = {"arguments": arguments, "settings": asdict(study.weighting)}
    return Task(f"weigh/{place}/s{run}", f"{STEPS}:weigh_step", inputs, needs, writes=out)


def _means(study: StudySettings, unit: str, dataset: str) -> Iterator[Task]:
    place, name = f"{unit}/mean/{dataset}", f"{subset_name(unit, [dataset])}, mean of factors"
    runs = []
    for run in study.seeds:
        factors, needs = _factors(study, unit, [dataset], run)
        out = str(study.folder / "scores" / place / f"s{run}.parquet")
        arguments = {
            "panel": panel_of(study),
            "factors": factors,
            "out": out,
            "universe": study.universe,
            "name": f"{name}/s{run}",
        }
        function = "alpha_lightning.weighting.factor_mean:factor_mean"
        runs.append(Task(f"mean/{unit}/{dataset}/s{run}", function, arguments, needs, writes=out))
    yield from runs
    yield _combine(study, place, name, runs)


def _combine(study: StudySettings, place: str, name: str, parts: Sequence[Task]) -> Task:
    out = str(study.folder / "scores" / f"{place}.parquet")
    arguments = {"scores": [str(task.writes) for task in parts], "out": out, "name": name}
    function = "alpha_lightning.weighting.combine:combine"
    needs = tuple(task.name for task in parts)
    return Task(f"combine/{place}", function, arguments, needs, writes=out)


def _baselines(study: StudySettings) -> Iterator[Task]:
    needs, reads = after_panel(study)
    for kind in study.evaluation.baselines:
        out = str(study.folder / "scores" / f"{kind}.parquet")
        about = {"kind": kind, "years": study.vintages, "label": _label(study.sample)}
        arguments = {"panel": panel_of(study), "out": out, "universe": study.universe, **about}
        inputs = {"arguments": arguments, "settings": asdict(study.weighting)}
        name = f"baseline/{kind}"
        yield Task(name, f"{STEPS}:baseline_step", inputs, needs, reads, out)


def _called(study: StudySettings, score: str, subset: Sequence[str]) -> tuple[str, str]:
    # Below scores/ and tasks/, and in tables.
    if len(subset) == len(study.datasets):
        return score, score
    return f"{score}/{'+'.join(subset)}", subset_name(score, subset)


def _factors(
    study: StudySettings, unit: str, subset: Sequence[str], run: int
) -> tuple[list[str], tuple[str, ...]]:
    made = [(unit, dataset, year, run) for dataset in subset for year in study.vintages]
    files = [str(unit_folder(study, *one) / "factors.parquet") for one in made]
    return files, tuple(fit_name(*one) for one in made)


def _label(sample: Mapping[str, Any]) -> dict[str, int]:
    # The weighting model learns the return that the networks learn.
    return {"days": sample.get("horizon", LABEL[0]), "gap": sample.get("gap", LABEL[1])}
