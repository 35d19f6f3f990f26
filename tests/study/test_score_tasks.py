"""The tasks that make scores: subsets of data sets, factor means, and what is shown where."""

from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.study.score_tasks import evaluated, score_tasks
from alpha_lightning.study.settings import EvaluationSettings, SourceSettings, StudySettings
from alpha_lightning.study.tasks import Task

ROOT = Path(__file__).parents[2]
THREE = ["rawbar", "mschars", "l2chars"]
UNITS: dict[str, dict[str, Any]] = {"gru": {}, "lstm": {}}


def planned(**changes: Any) -> dict[str, Task]:
    given: dict[str, Any] = {
        "name": "mine",
        "units": ["gru.yaml", "lstm.yaml"],
        "vintages": [2021, 2022],
        "seeds": [0, 1],
        "datasets": THREE,
        "source": SourceSettings(market="market.yaml"),
    }
    tasks = score_tasks(StudySettings(**given | changes), UNITS)
    before: set[str] = set()
    for task in tasks:
        own = {name for name in task.needs if not name.startswith(("fit/", "ingest"))}
        assert own <= before, f"{task.name} comes before what it needs"
        before.add(task.name)
    assert len(before) == len(tasks)
    return {task.name: task for task in tasks}


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
    tasks = planned(evaluation=EvaluationSettings(dataset_value=False))
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
    shown, also = evaluated(list(planned().values()))
    names = ["combine/gru", "combine/lstm", "combine/v1", "baseline/reversal", "baseline/summary"]
    assert [task.name for task in shown] == names
    # Six subsets of two units and of v1, and three means of two units.
    assert len(also) == 6 * 3 + 3 * 2
    outs = [task.writes for task in (*shown, *also)]
    assert len(set(outs)) == len(outs)


def test_the_order_of_data_sets_names_no_other_score() -> None:
    assert set(planned(datasets=THREE[::-1])) == set(planned())
