"""The command `study`: options and refusals."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.command import parse, study
from alpha_lightning.study.settings import SourceSettings
from alpha_lightning.study.status import write_tasks
from alpha_lightning.study.tasks import Identity, Task

Tree = dict[str, Any]


def test_the_verb_is_needed_and_help_is_given() -> None:
    assert study(["--help"]).startswith("usage: alpha-lightning study run FILE.yaml")
    for args in ([], ["runn"]):
        with pytest.raises(UserError, match="needs one of the verbs run, plan, status"):
            study(args)
    with pytest.raises(UserError, match="that was run"):
        study(["status", str(Path(__file__).parent)])


def test_the_settings_in_a_study_that_was_moved_tell_of_that_one(
    tree: Tree, tmp_path: Path
) -> None:
    folder = tmp_path / "moved"
    folder.mkdir()
    write_tasks(folder, [Task("a", "x:y", {})], {"a": Identity("", "", "", "")})
    (folder / "study.yaml").write_text(yaml.safe_dump({**tree, "out": str(tmp_path / "before")}))
    told = study(["status", str(folder / "study.yaml")])
    assert told.startswith(f"study {folder}: not finished, not running, 0 of 1")
    with pytest.raises(UserError, match="needs the folder, or the YAML, of a study"):
        study(["status"])


def test_another_source_replaces_that_of_the_file(tree: Tree, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    own = {"daily": "bars", "minute": "m", "exchange": "x.yaml", "bad_rows": "drop"}
    file.write_text(yaml.safe_dump({**tree, "source": own}))
    settings, _, resolved = parse([str(file), "--source.market", "market.yaml"])
    assert settings.source == SourceSettings(market="market.yaml")
    assert resolved["source"].get("daily") is None
    other = parse([str(file), "--source.panel=p", "--source.bad_rows", "mask"])[0].source
    assert other == SourceSettings(panel="p", bad_rows="mask")
    assert parse([str(file), "--source.daily", "b"])[0].source.minute == "m"
    with pytest.raises(UserError, match="give exactly one of"):
        parse([str(file), "--source.panel", "p", "--source.daily", "b"])


def test_options_lie_over_the_file(tree: Tree, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(tree))
    options = "--jobs 3 --vintages 2021 2022 --seeds=[4] --weighting.rounds 7"
    options += " --fit.data.sample.gap 2 --fit.trainer.max_epochs=9 --out elsewhere"
    settings, execution, resolved = parse([str(file), *options.split()])
    assert execution.jobs == 3
    assert (settings.vintages, settings.seeds, settings.weighting.rounds) == ([2021, 2022], [4], 7)
    assert settings.fit == {
        "data": {"date_step": 8, "sample": {"gap": 2}},
        "trainer": {"max_epochs": 9},
    }
    assert resolved["fit"] == settings.fit
    assert resolved["out"] == "elsewhere"
    assert not {"jobs", "config"} & set(resolved)
    assert parse(["--config", str(file)])[0] == parse([str(file)])[0]


def test_classes_named_in_fit_stay_names(tree: Tree, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    loss = {"class_path": "alpha_lightning.factors.losses.ICLoss", "init_args": {"weight": 2.0}}
    fit = {"model": {"loss": loss}, "trainer": {"callbacks": [{"class_path": "some.Callback"}]}}
    file.write_text(yaml.safe_dump(tree | {"fit": fit}))
    settings, _, resolved = parse([str(file)])
    assert settings.fit == resolved["fit"] == fit


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({"unitz": []}, [], "unitz"),
        ({"weighting": {"round": 3}}, [], "round"),
        ({"vintages": ["last"]}, [], "vintages"),
        ({}, ["--weighting.round", "3"], "--weighting.round"),
        ({}, ["--jobs", "many"], "jobs"),
        ({"evaluation": {"baselines": ["luck"]}}, [], "luck"),
    ],
)
def test_a_wrong_key_or_value_ends_with_the_parsers_message(
    tree: Tree,
    tmp_path: Path,
    change: Tree,
    options: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(tree | change))
    with pytest.raises(SystemExit) as refused:
        parse([str(file), *options])
    assert refused.value.code == 2
    assert words in capsys.readouterr().err.partition("error: ")[2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--jobs", "-1"], "--jobs is -1"),
        (["--shard", "0/4"], "--shard is 0/4: give i/n"),
        (["--gpus_per_fit=2"], "--gpus_per_fit is 2"),
        (["--seeds", "1", "1"], "seeds is"),
        (["--weighting.rounds", "0"], "rounds is 0"),
        (["--fit.trainer.max_epochs"], "--fit.trainer.max_epochs has no value"),
    ],
)
def test_a_contradiction_is_told_as_the_users_mistake(
    tree: Tree, tmp_path: Path, options: list[str], words: str
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(tree))
    with pytest.raises(UserError, match=words):
        parse([str(file), *options])


def test_a_missing_file_is_named() -> None:
    with pytest.raises(UserError, match=r"nowhere\.yaml does not exist"):
        study(["run", "nowhere.yaml"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"portfolios": [5]}, r"portfolios is \[5\]: write its settings below it"),
        ({"portfolios": {"names": [5], "costs": None}}, r"portfolios\.costs is null: write its"),
        ({"source": None}, "source is null: write its settings below it"),
        ({"evaluation": 3}, "evaluation is 3: write its settings below it, or leave it out"),
    ],
)
def test_a_value_in_the_place_of_settings_is_refused(
    tmp_path: Path, given: dict[str, Any], told: str
) -> None:
    file = tmp_path / "study.yaml"
    tree = {"name": "a", "units": ["gru.yaml"], "vintages": [2022], "source": {"panel": "p"}}
    file.write_text(yaml.safe_dump(tree | given))
    with pytest.raises(UserError, match=f"^{told}"):
        parse([str(file)])
    file.write_text(yaml.safe_dump(tree | {"portfolios": None}))
    assert parse([str(file)])[0].held_scores == ()
