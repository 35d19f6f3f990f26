"""The steps of a study, in this process."""

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from alpha_lightning.artefacts.dated_table import read_dated_table, read_metadata
from alpha_lightning.characteristics.exchange import Exchange
from alpha_lightning.factors import training_cli
from alpha_lightning.factors.unit import FactorUnit
from alpha_lightning.panel import characterise
from alpha_lightning.panel.store import Panel
from alpha_lightning.study.options import merge
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.settings import SourceSettings, StudySettings
from alpha_lightning.study.steps import (
    baseline_step,
    characterise_step,
    export_step,
    fit_step,
    ingest_step,
    prepare_step,
    simulate_step,
    weigh_step,
)

ROOT = Path(__file__).parents[2]


def test_simulate_takes_the_content_of_its_yaml_and_replaces_an_older_market(
    tmp_path: Path,
) -> None:
    out = tmp_path / "vendor"
    for days in (60, 61):
        simulate_step({"market": {"stocks": 20, "days": days}, "seed": 3}, str(out))
    assert f'"days": {days}' in (out / "market.json").read_text()


def test_ingest_passes_everything_on_and_replaces_an_older_panel(
    market_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "panel"
    arguments: dict[str, Any] = {"daily": str(market_folder / "daily.parquet"), "tables": None}
    ingest_step(arguments, str(out))
    assert Panel.open(out).indices == ()
    tables = {"index_members": str(market_folder / "index_members.parquet")}
    arguments["tables"] = tables
    ingest_step(arguments, str(out))
    assert "000300" in Panel.open(out).indices
    assert arguments["tables"] is tables


def test_characterise_is_given_the_exchange_of_its_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    original = characterise.characterise

    @functools.wraps(original)
    def told(**arguments: Any) -> None:
        given.update(arguments)

    monkeypatch.setattr(characterise, "characterise", told)
    content = yaml.safe_load((ROOT / "configs/market/cn.yaml").read_text())
    characterise_step(content, panel="p", minute="m", trades=None, bad_rows="drop")
    assert isinstance(given["exchange"], Exchange)
    assert (given["exchange"].name, given["exchange"].lot) == ("cn", 100)
    assert (given["panel"], given["minute"], given["trades"]) == ("p", "m", None)
    assert given["bad_rows"] == "drop"


@pytest.fixture
def study(tree: dict[str, Any], panel_path: Path, tmp_path: Path) -> StudySettings:
    return StudySettings(
        name="steps",
        units=tree["units"],
        vintages=[2022],
        out=str(tmp_path / "out"),
        source=SourceSettings(panel=str(panel_path)),
        fit={"data": {"date_step": 40}, "trainer": {"max_epochs": 1, "log_every_n_steps": 1}},
    )


def test_from_panel_to_scores(study: StudySettings, tmp_path: Path) -> None:
    tasks = {task.name: task.arguments for task in lay_out(study)}
    prepare_step(**tasks["prepare/rawbar"])
    left = study.folder / "units/gru/rawbar/v2022/s0/left_by_a_killed_fit"
    left.parent.mkdir(parents=True)
    left.touch()
    way = {"data": {"batch": {"residency": "host"}}, "checkpoint": {"every_steps": 3}}
    fit_step(**tasks["fit/gru/rawbar/v2022/s0"], way=way)
    assert not left.exists()
    kept = yaml.safe_load((left.parent / "config.yaml").read_text())
    assert kept["data"]["batch"]["residency"] == "host"
    assert kept["checkpoint"]["every_steps"] == 3
    about = read_metadata(left.with_name("factors.parquet"))
    assert (about["unit"], about["seed"], about["vintage"]) == ("gru", 0, 2022)
    assert yaml.safe_load(left.parent.with_name("s0.yaml").read_text())["data"]["date_step"] == 40
    factors = read_dated_table(left.with_name("factors.parquet"))
    left.with_name("factors.parquet").unlink()
    export_step(**tasks["fit/gru/rawbar/v2022/s0"], way=way)
    again = read_dated_table(left.with_name("factors.parquet"))
    assert again.values.tobytes() == factors.values.tobytes()
    assert again.metadata == factors.metadata
    settings = {"min_data_in_leaf": 20, "rounds": 3}
    weigh = tasks["weigh/gru/s0"]["arguments"]
    weigh_step(merge(weigh, {"label": {"days": 5, "gap": 1}}), settings, threads=1)
    about = read_metadata(weigh["out"])
    assert about["label"] == {"days": 5, "gap": 1}
    assert about["settings"]["rounds"] == 3
    for kind in ("reversal", "summary"):
        arguments = tasks[f"baseline/{kind}"]["arguments"]
        baseline_step(arguments, settings, threads=1)
        assert len(read_dated_table(arguments["out"])) > 1000


class CutError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("left", ["whole", "damaged", "nothing"])
def test_a_cut_fit_goes_on_from_its_state_if_that_can_be_read(
    study: StudySettings, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    task = next(task for task in lay_out(study) if task.name.startswith("fit/"))
    config = merge(task.arguments["config"], {"trainer": {"max_epochs": 3}})
    folder = Path(task.arguments["folder"])
    fit_step(config, str(folder), 1)
    whole = read_dated_table(folder / "factors.parquet")
    step, epochs = FactorUnit.training_step, list[int]()

    def counts(unit: FactorUnit, batch: Any, index: int) -> Any:
        epochs.append(unit.current_epoch)
        if cut and unit.current_epoch == 2:
            raise CutError
        return step(unit, batch, index)

    monkeypatch.setattr(FactorUnit, "training_step", counts)
    cut = True
    with pytest.raises(CutError):
        fit_step(config, str(folder), 1)
    cut = False
    epochs.clear()
    last = folder / "checkpoints" / "last.ckpt"
    if left == "damaged":
        last.write_bytes(last.read_bytes()[:1000])
    elif left == "nothing":
        last.unlink()
    fit_step(config, str(folder), 1, resume=True)
    assert set(epochs) == ({2} if left == "whole" else {0, 1, 2})
    resumed = read_dated_table(folder / "factors.parquet")
    assert resumed.values.tobytes() == whole.values.tobytes()


def test_the_threads_of_a_fit_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    monkeypatch.setattr(training_cli, "train", lambda _: threads.append(torch.get_num_threads()))
    before = torch.get_num_threads()
    fit_step({"trainer": {}}, str(tmp_path / "s0"), before + 1)
    assert threads == [before + 1]
    assert torch.get_num_threads() == before


def test_a_wrong_key_ends_as_jsonargparse_ends_it(
    study: StudySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    task = next(task for task in lay_out(study) if task.name.startswith("fit/"))
    config = merge(task.arguments["config"], {"trainer": {"max_epocs": 3}})
    with pytest.raises(SystemExit) as refused:
        fit_step(config, task.arguments["folder"], 1)
    assert refused.value.code == 2
    assert "max_epocs" in capsys.readouterr().err
    assert torch.get_num_threads() == 1
