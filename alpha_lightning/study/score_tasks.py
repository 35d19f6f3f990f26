"""The tasks that make a study's scores: weighted runs, their averages, integrations, baselines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from alpha_lightning.panel.returns import LABEL
from alpha_lightning.study.fit_tasks import Network, fit_name, unit_folder
from alpha_lightning.study.options import merge
from alpha_lightning.study.panel_tasks import STEPS, after_panel, panel_of
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import Task
from alpha_lightning.weighting.subsets import in_order, proper_subsets, subset_name
from alpha_lightning.weighting.variants import (
    EQUAL,
    IN_SAMPLE,
    LINEAR,
    integrated_name,
    run_name,
    variant_name,
)

Config = Mapping[str, Any]
_VARIANTS = {"linear": LINEAR, "equal": EQUAL}


@dataclass
class ScoreTasks:
    """The tasks of a study's scores, needs first, and what each of them is for.

    Args:
        every: all of them.
        shown: models, integrations and baselines, in the order of the tables.
        also: parts and variants of the shown ones.
        runs: of the shown ones before they are averaged, and of another stacking scheme.
    """

    every: list[Task] = field(default_factory=list)
    shown: list[Task] = field(default_factory=list)
    also: list[Task] = field(default_factory=list)
    runs: list[Task] = field(default_factory=list)


@dataclass(frozen=True)
class _Way:
    # How scores are made of factors; the study's first way has neither place nor variant.
    datasets: tuple[str, ...]
    scheme: str
    model: str
    place: str = ""
    variant: str = ""


def score_tasks(study: StudySettings, units: Mapping[str, Config]) -> ScoreTasks:
    """Every score of a study.

    Each unit and run is weighed on all data sets, its runs are averaged, and each group of units is
    integrated. The same is done, units and the largest group only, on some of the data sets, by
    other weighting models and with the other stacking scheme; and the factors of each unit on each
    data set are averaged as they are.

    Args:
        study: settings.
        units: content of each unit's YAML by its name.
    """
    tasks = ScoreTasks()
    first = _Way(in_order(study.datasets), study.schemes[0], study.weighting.model)
    models = {}
    for unit in units:
        runs = _runs(study, units, first, unit, [unit])
        tasks.runs += runs
        models[unit] = _average(study, *_called(first, unit), runs)
        tasks.every += [*runs, models[unit]]
    tasks.shown += models.values()
    for group, members in study.members.items():
        _integrate(study, units, first, (group, members), models, tasks)
    for way in _other_ways(study, first):
        _again(study, units, way, tasks)
    for unit in units:
        for dataset in study.datasets:
            means = _means(study, unit, dataset)
            tasks.every += means
            tasks.also.append(means[-1])
    baselines = list(_baselines(study))
    tasks.every += baselines
    tasks.shown += baselines
    return tasks


def _integrate(
    study: StudySettings,
    units: Mapping[str, Config],
    way: _Way,
    group: tuple[str, Sequence[str]],
    models: Mapping[str, Task],
    tasks: ScoreTasks,
) -> None:
    name, members = group
    made = [models[unit] for unit in members]
    for how in study.integration:
        score = integrated_name(name, how)
        if how == "v0":
            runs = _runs(study, units, way, score, members)
            tasks.runs += runs
            tasks.every += runs
            whole = _average(study, score, score, runs)
        elif how == "v1":
            whole = _average(study, score, score, made)
        else:
            whole = _weighted_mean(study, score, made)
        tasks.every.append(whole)
        tasks.shown.append(whole)


def _again(study: StudySettings, units: Mapping[str, Config], way: _Way, tasks: ScoreTasks) -> None:
    averages = {}
    for unit in units:
        runs = _runs(study, units, way, unit, [unit])
        averages[unit] = _average(study, *_called(way, unit), runs)
        tasks.every += [*runs, averages[unit]]
        tasks.also.append(averages[unit])
        if way.scheme != study.schemes[0]:
            tasks.runs += runs  # what their fits promised
    if study.members and "v1" in study.integration:
        largest = max(study.members, key=lambda group: len(study.members[group]))
        parts = [averages[unit] for unit in study.members[largest]]
        whole = _average(study, *_called(way, integrated_name(largest, "v1")), parts)
        tasks.every.append(whole)
        tasks.also.append(whole)


def _other_ways(study: StudySettings, first: _Way) -> Iterator[_Way]:
    if study.evaluation.dataset_value:
        for subset in proper_subsets(study.datasets):
            yield replace(first, datasets=subset, place="+".join(subset))
    for model in study.evaluation.weightings:
        if model != first.model:
            yield replace(first, model=model, place=model, variant=_VARIANTS[model])
    for scheme in study.schemes[1:]:
        # The only scheme that may come second.
        yield replace(first, scheme=scheme, place=scheme, variant=IN_SAMPLE)


def _called(way: _Way, score: str) -> tuple[str, str]:
    # Below scores/ and tasks/, and in tables.
    if not way.place:
        return score, score
    name = variant_name(score, way.variant) if way.variant else subset_name(score, way.datasets)
    return f"{score}/{way.place}", name


def _runs(
    study: StudySettings,
    units: Mapping[str, Config],
    way: _Way,
    score: str,
    members: Sequence[str],
) -> list[Task]:
    place, name = _called(way, score)
    config = units[members[0]] if len(members) == 1 else {}
    settings = asdict(study.weighting) | {"model": way.model}
    settings["allow_in_sample"] |= way.scheme == "in_sample"
    # The scores do not depend on it.
    threads = settings.pop("threads")
    tasks = []
    for run in study.seeds:
        made = [
            Network(unit, dataset, year, run, way.scheme)
            for unit in members
            for dataset in way.datasets
            for year in study.vintages
        ]
        out = str(study.folder / "scores" / place / f"s{run}.parquet")
        arguments = {
            "panel": panel_of(study),
            "factors": [str(unit_folder(study, one) / "factors.parquet") for one in made],
            "out": out,
            "universe": study.universe,
            "label": _label(merge(config, study.fit).get("data", {}).get("sample", {})),
            "seed": run,
            "name": run_name(name, run),
        }
        tasks.append(
            Task(
                f"weigh/{place}/s{run}",
                f"{STEPS}:weigh_step",
                {"arguments": arguments, "settings": settings},
                tuple(fit_name(one) for one in made),
                writes=out,
                aside={"threads": threads},
            )
        )
    return tasks


def _means(study: StudySettings, unit: str, dataset: str) -> list[Task]:
    place, name = f"{unit}/mean/{dataset}", f"{subset_name(unit, [dataset])}, mean of factors"
    runs = []
    for run in study.seeds:
        made = [Network(unit, dataset, year, run, study.schemes[0]) for year in study.vintages]
        out = str(study.folder / "scores" / place / f"s{run}.parquet")
        arguments = {
            "panel": panel_of(study),
            "factors": [str(unit_folder(study, one) / "factors.parquet") for one in made],
            "out": out,
            "universe": study.universe,
            "name": run_name(name, run),
        }
        function = "alpha_lightning.weighting.factor_mean:factor_mean"
        needs = tuple(fit_name(one) for one in made)
        runs.append(Task(f"mean/{unit}/{dataset}/s{run}", function, arguments, needs, writes=out))
    return [*runs, _average(study, place, name, runs)]


def _average(study: StudySettings, place: str, name: str, parts: Sequence[Task]) -> Task:
    out = str(study.folder / "scores" / f"{place}.parquet")
    arguments = {"scores": [str(task.writes) for task in parts], "out": out, "name": name}
    function = "alpha_lightning.weighting.combine:combine"
    needs = tuple(task.name for task in parts)
    return Task(f"combine/{place}", function, arguments, needs, writes=out)


def _weighted_mean(study: StudySettings, score: str, parts: Sequence[Task]) -> Task:
    plain = _average(study, score, score, parts)
    panel, reads = after_panel(study)
    more = {"panel": panel_of(study), "universe": study.universe, "label": _label(study.sample)}
    return replace(
        plain,
        function=f"{STEPS}:combine_step",
        arguments={"arguments": {**plain.arguments, "weights": "optimal", **more}},
        needs=(*plain.needs, *panel),
        reads=reads,
    )


def _baselines(study: StudySettings) -> Iterator[Task]:
    needs, reads = after_panel(study)
    settings = asdict(study.weighting) | {"model": "lightgbm"}
    threads = settings.pop("threads")
    for kind in study.evaluation.baselines:
        out = str(study.folder / "scores" / f"{kind}.parquet")
        about = {"kind": kind, "years": study.vintages, "label": _label(study.sample)}
        arguments = {"panel": panel_of(study), "out": out, "universe": study.universe, **about}
        inputs = {"arguments": arguments, "settings": settings}
        name, aside = f"baseline/{kind}", {"threads": threads}
        yield Task(name, f"{STEPS}:baseline_step", inputs, needs, reads, out, aside)


def _label(sample: Mapping[str, Any]) -> dict[str, int]:
    # The weighting model learns the return that the networks learn.
    return {"days": sample.get("horizon", LABEL[0]), "gap": sample.get("gap", LABEL[1])}
