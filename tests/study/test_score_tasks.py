"""The tasks that make scores: subsets of data sets, factor means, and what is shown where."""

from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.study.score_tasks import ScoreTasks, score_tasks
from alpha_lightning.study.settings import EvaluationSettings, SourceSettings, StudySettings
from alpha_lightning.study.tasks import Task
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings

ROOT = Path(__file__).parents[2]
THREE = ["rawbar", "mschars", "l2chars"]


def scores(**changes: Any) -> ScoreTasks:
    given: dict[str, Any] = {
        "name": "mine",
        "units": ["gru.yaml", "lstm.yaml"],
        "vintages": [2021, 2022],
        "seeds": [0, 1],
        "datasets": THREE,
        "source": SourceSettings(market="market.yaml"),
        "integration": ["v1"],
        "evaluation": EvaluationSettings(weightings=[]),
    }
    study = StudySettings(**given | changes)
    tasks = score_tasks(study, {name: {} for name in study.unit_names})
    before: set[str] = set()
    for task in tasks.every:
        own = {name for name in task.needs if not name.startswith(("fit/", "ingest"))}
        assert own <= before, f"{task.name} comes before what it needs"
        before.add(task.name)
    assert len(before) == len(tasks.every)
    outs = [task.writes for task in tasks.every]
    assert len(set(outs)) == len(outs)
    return tasks


def planned(**changes: Any) -> dict[str, Task]:
    return {task.name: task for task in scores(**changes).every}


def test_every_subset_of_three_data_sets_is_weighed_for_each_unit_and_run() -> None:
    tasks = planned()
    weighed = [name for name in tasks if name.startswith("weigh/gru/") and name.endswith("/s1")]
    subsets = [
        "rawbar",
        "mschars",
        "l2chars",
        "rawbar+mschars",
        "mschars+l2chars",
        "rawbar+l2chars",
    ]
    assert weighed == ["weigh/gru/s1", *(f"weigh/gru/{subset}/s1" for subset in subsets)]
    assert len([name for name in tasks if name.startswith("weigh/")]) == 7 * 2 * 2
    pair = tasks["weigh/gru/rawbar+l2chars/s1"]
    assert pair.needs == tuple(
        f"fit/gru/{dataset}/v{year}/s1"
        for dataset in ("rawbar", "l2chars")
        for year in (2021, 2022)
    )
    arguments = pair.arguments["arguments"]
    assert arguments["name"] == "gru on rawbar+l2chars/s1"
    assert arguments["out"] == "runs/mine/scores/gru/rawbar+l2chars/s1.parquet" == pair.writes
    assert len(arguments["factors"]) == 4
    assert arguments["seed"] == 1


def test_subsets_are_averaged_over_runs_and_then_over_units() -> None:
    tasks = planned()
    runs = tasks["combine/gru/mschars"]
    assert runs.needs == ("weigh/gru/mschars/s0", "weigh/gru/mschars/s1")
    assert runs.arguments["name"] == "gru on mschars"
    units = tasks["combine/v1/mschars"]
    assert units.needs == ("combine/gru/mschars", "combine/lstm/mschars")
    assert units.arguments == {
        "scores": [f"runs/mine/scores/{unit}/mschars.parquet" for unit in ("gru", "lstm")],
        "out": "runs/mine/scores/v1/mschars.parquet",
        "name": "v1 on mschars",
    }
    assert tasks["combine/v1"].needs == ("combine/gru", "combine/lstm")


def test_the_value_of_data_sets_can_be_left_out() -> None:
    tasks = planned(evaluation=EvaluationSettings(dataset_value=False, weightings=[]))
    assert [name for name in tasks if name.startswith("weigh/")] == [
        f"weigh/{unit}/s{run}" for unit in ("gru", "lstm") for run in (0, 1)
    ]
    assert not [name for name in tasks if "+" in name]


@pytest.mark.parametrize("datasets", [THREE, ["l2chars", "rawbar"], ["rawbar"]])
def test_the_factors_of_each_unit_and_data_set_are_averaged_as_they_are(
    datasets: list[str],
) -> None:
    tasks = planned(datasets=datasets)
    means = [name for name in tasks if name.startswith("mean/")]
    assert means == [
        f"mean/{unit}/{dataset}/s{run}"
        for unit in ("gru", "lstm")
        for dataset in datasets
        for run in (0, 1)
    ]
    task = tasks["mean/lstm/rawbar/s1"]
    assert task.needs == ("fit/lstm/rawbar/v2021/s1", "fit/lstm/rawbar/v2022/s1")
    combined = tasks["combine/lstm/mean/rawbar"]
    assert combined.needs == ("mean/lstm/rawbar/s0", "mean/lstm/rawbar/s1")
    assert combined.arguments["name"] == "lstm on rawbar, mean of factors"


def test_models_and_baselines_are_shown_and_their_parts_are_measured_too() -> None:
    tasks = scores()
    names = ["combine/gru", "combine/lstm", "combine/v1", "baseline/reversal", "baseline/summary"]
    assert [task.name for task in tasks.shown] == names
    # Six subsets of two units and of v1, and three means of two units.
    assert len(tasks.also) == 6 * 3 + 3 * 2
    runs = [f"weigh/{unit}/s{run}" for unit in ("gru", "lstm") for run in (0, 1)]
    assert [task.name for task in tasks.runs] == runs


FIVE = [f"{name}.yaml" for name in ("gru", "agru", "lstm", "restcn", "transformer")]
GROUPS = {"RNN": ["gru", "agru", "lstm"], "RCT": ["gru", "agru", "lstm", "restcn", "transformer"]}


def test_groups_are_integrated_in_every_way_asked_for() -> None:
    tasks = scores(units=FIVE, groups=GROUPS, integration=["v0", "v1", "opt"])
    shown = [task.name for task in tasks.shown]
    assert shown[5:11] == [
        f"combine/{group}{how}" for group in GROUPS for how in ("v0", "v1", "opt")
    ]
    by_name = {task.name: task for task in tasks.every}
    v0 = by_name["weigh/RNNv0/s1"]
    assert len(v0.needs) == len(v0.arguments["arguments"]["factors"]) == 3 * 3 * 2
    assert v0.needs[0] == "fit/gru/rawbar/v2021/s1"
    assert v0.arguments["arguments"]["name"] == "RNNv0/s1"
    assert by_name["combine/RNNv0"].needs == ("weigh/RNNv0/s0", "weigh/RNNv0/s1")
    assert by_name["combine/RCTv1"].needs == tuple(f"combine/{unit}" for unit in GROUPS["RCT"])
    best = by_name["combine/RNNopt"]
    assert best.function.endswith(":combine_step")
    assert best.arguments["arguments"]["weights"] == "optimal"
    assert best.arguments["arguments"]["panel"] == "runs/mine/panel"
    assert best.needs == ("combine/gru", "combine/agru", "combine/lstm", "ingest")
    assert {task.name for task in tasks.runs} == {
        f"weigh/{score}/s{run}" for score in (*GROUPS["RCT"], "RNNv0", "RCTv0") for run in (0, 1)
    }
    # Of parts only the largest group is integrated.
    assert "combine/RCTv1/mschars" in by_name
    assert "combine/RNNv1/mschars" not in by_name


def test_other_weighting_models_use_the_same_factors() -> None:
    tasks = scores(evaluation=EvaluationSettings(dataset_value=False))
    by_name = {task.name: task for task in tasks.every}
    first, other = by_name["weigh/gru/s0"], by_name["weigh/gru/linear/s0"]
    assert other.needs == first.needs
    assert other.arguments["settings"] == {**first.arguments["settings"], "model": "linear"}
    assert other.arguments["arguments"]["name"] == "gru, linear weighting/s0"
    names = [task.arguments["name"] for task in tasks.also[:6]]
    assert names == [
        f"{score}, {model} weighting"
        for model in ("linear", "equal")
        for score in ("gru", "lstm", "v1")
    ]
    linear = scores(weighting=LightGBMSettings(model="linear"), evaluation=EvaluationSettings())
    assert "weigh/gru/linear/s0" not in {task.name for task in linear.every}


def test_the_other_stacking_scheme_has_networks_of_its_own() -> None:
    plain = EvaluationSettings(dataset_value=False, weightings=[])
    tasks = scores(schemes=["oos_lagged", "in_sample"], evaluation=plain)
    by_name = {task.name: task for task in tasks.every}
    other = by_name["weigh/lstm/in_sample/s1"]
    assert other.needs[1] == "fit/lstm/rawbar/v2022-in_sample/s1"
    assert other.arguments["settings"]["allow_in_sample"] is True
    assert by_name["weigh/lstm/s1"].arguments["settings"]["allow_in_sample"] is False
    assert "weigh/lstm/in_sample/s1" in {task.name for task in tasks.runs}
    assert [task.arguments["name"] for task in tasks.also[:3]] == [
        f"{score}, in-sample stacking" for score in ("gru", "lstm", "v1")
    ]
    alone = {task.name: task for task in scores(schemes=["in_sample"], evaluation=plain).every}
    assert alone["weigh/lstm/s1"].needs[1] == "fit/lstm/rawbar/v2022-in_sample/s1"
    assert alone["weigh/lstm/s1"].arguments["settings"]["allow_in_sample"] is True


def test_threads_change_no_score_and_no_identity() -> None:
    tasks = planned(weighting=LightGBMSettings(threads=3))
    for name in ("weigh/gru/s0", "baseline/summary"):
        assert tasks[name].aside == {"threads": 3}
        assert "threads" not in tasks[name].arguments["settings"]


def test_the_order_of_data_sets_names_no_other_score() -> None:
    assert set(planned(datasets=THREE[::-1])) == set(planned())
