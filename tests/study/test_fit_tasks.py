"""The tasks that train networks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.fit_tasks import Network, fit_name, fit_tasks, networks_of, resolve
from alpha_lightning.study.options import merge
from alpha_lightning.study.settings import (
    FactorSettings,
    SourceSettings,
    StudySettings,
    TrackingSettings,
)
from alpha_lightning.study.tasks import Restore

STUDY = StudySettings(
    name="mine",
    units=["gru.yaml", "lstm.yaml"],
    vintages=[2022, 2023],
    seeds=[0, 1],
    source=SourceSettings(panel="panel"),
    schemes=["oos_lagged", "in_sample"],
    factors=FactorSettings("float16", "until_weighed"),
    fit={"data": {"rule": {"max_years": 4}}},
)


def test_each_scheme_has_networks_of_its_own() -> None:
    networks = list(networks_of(STUDY))
    assert len(networks) == len(set(networks)) == 2 * 2 * 2 * 2
    assert fit_name(networks[0]) == "fit/gru/rawbar/v2022/s0"
    assert fit_name(networks[-1]) == "fit/lstm/rawbar/v2023-in_sample/s1"
    first, last = (resolve(STUDY, {}, network) for network in (networks[0], networks[-1]))
    assert first["data"]["rule"] == {"max_years": 4}
    assert last["data"]["rule"] == {"max_years": 4, "scheme": "in_sample"}
    # The same seed: what differs between the schemes is not chance.
    twin = Network("lstm", "rawbar", 2023, 1, "oos_lagged")
    assert resolve(STUDY, {}, twin)["seed_everything"] == last["seed_everything"]


def test_factors_are_kept_as_asked_and_can_be_made_again() -> None:
    task = next(iter(fit_tasks(STUDY, {"gru": {}, "lstm": {}})))
    assert task.transient
    export = task.arguments["config"]["trainer"]["callbacks"][-1]["init_args"]
    assert export["precision"] == "float16"
    folder = Path("runs/mine/units/gru/rawbar/v2022/s0")
    function = "alpha_lightning.study.steps:export_step"
    assert task.restore == Restore(function, str(folder / "checkpoints" / "best.ckpt"))
    assert task.writes == str(folder / "factors.parquet")


def test_the_studys_scheme_counts_whatever_a_unit_says() -> None:
    config = {"data": {"rule": {"scheme": "in_sample"}}}
    resolved = resolve(STUDY, config, next(networks_of(STUDY)))
    assert resolved["data"]["rule"] == {"max_years": 4, "scheme": "oos_lagged"}


@pytest.mark.parametrize("section", ["trainer", "model", "data"])
def test_a_section_of_a_unit_that_is_no_mapping_is_refused(section: str) -> None:
    network = next(networks_of(STUDY))
    with pytest.raises(UserError, match=rf"unit gru: {section} is \[1\]: it should be a mapping"):
        resolve(STUDY, {section: [1]}, network)


def test_who_watches_changes_no_fit() -> None:
    units: dict[str, dict[str, Any]] = {"gru": {}, "lstm": {}}
    watched = replace(STUDY, tracking=TrackingSettings(wandb="online", entity="team", tags=["a"]))
    plain, told = (list(fit_tasks(study, units)) for study in (STUDY, watched))
    assert [replace(task, aside={}) for task in told] == plain
    assert not any(task.aside for task in plain)
    aside = {task.name: task.aside["tracking"] for task in told}
    csv, wandb = aside["fit/lstm/rawbar/v2023-in_sample/s1"]["trainer"]["logger"]
    assert csv == told[-1].arguments["config"]["trainer"]["logger"]
    assert wandb["init_args"] == {
        "project": "alpha_lightning",
        "entity": "team",
        "group": "mine/lstm/rawbar/2023-in_sample",
        "name": "s1",
        "tags": ["a"],
        "save_dir": "runs/mine",
        "offline": False,
    }


def test_curves_for_tensorboard_may_be_left_out() -> None:
    study = replace(STUDY, tracking=TrackingSettings(tensorboard=False))
    task = next(iter(fit_tasks(study, {"gru": {}, "lstm": {}})))
    assert task.aside == {"tracking": {"log": {"tensorboard": False}}}


def test_where_the_panel_lives_and_when_the_state_is_kept_change_no_fit() -> None:
    ways: list[dict[str, Any]] = [
        {},
        {"data": {"batch": {"residency": "device"}}},
        {"data": {"batch": {"workers": 2, "residency": "mmap"}}, "log": {"by_date": False}},
        {"checkpoint": {"every_steps": 5}},
    ]
    arguments = []
    for way in ways:
        study = replace(STUDY, fit=merge(STUDY.fit, way))
        task = next(iter(fit_tasks(study, {"gru": {}, "lstm": {}})))
        assert task.aside == ({"way": way} if way else {})
        assert study.fit == merge(STUDY.fit, way), "the study's own settings stay"
        arguments.append(task.arguments)
    assert all(each == arguments[0] for each in arguments)
    study = replace(STUDY, fit={"data": {"batch": {"dates": 2, "residency": "host"}}})
    task = next(iter(fit_tasks(study, {"gru": {}, "lstm": {}})))
    assert task.arguments["config"]["data"]["batch"] == {"dates": 2}
