"""The command `study`: options, failures, refusals."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.reports import report
from alpha_lightning.study import command
from alpha_lightning.study.command import StudyError, parse, run, study
from alpha_lightning.study.settings import SourceSettings, StudySettings
from alpha_lightning.study.status import write_tasks
from alpha_lightning.study.tasks import Identity, Task, read_marker

Tree = dict[str, Any]

TOYS = """
import os, signal
from pathlib import Path

def note(path):
    with open(path, "a") as file:
        file.write("x")

def fail_unless(path):
    if not Path(path).exists():
        raise RuntimeError("not yet")

def kill_unless(path):
    if not Path(path).exists():
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def toy_study(
    tmp_path: Path, panel_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., StudySettings]:
    """A study whose tasks are toys: ``good``, ``bad`` and ``child``, which needs both."""

    def make(function: str) -> StudySettings:
        (tmp_path / "study_toys.py").write_text(TOYS)
        monkeypatch.syspath_prepend(str(tmp_path))
        tasks = [
            Task("good", "study_toys:note", {"path": str(tmp_path / "good")}),
            Task("bad", f"study_toys:{function}", {"path": str(tmp_path / "mended")}),
            Task("child", "study_toys:note", {"path": str(tmp_path / "child")}, ("good", "bad")),
        ]
        monkeypatch.setattr(command, "lay_out", lambda _: tasks)
        monkeypatch.setattr(report, "headline", lambda _: "headline")
        return StudySettings(
            name="toy",
            units=["gru.yaml"],
            vintages=[2022],
            out=str(tmp_path / "out"),
            source=SourceSettings(panel=str(panel_path)),
        )

    return make


@pytest.mark.parametrize(
    ("function", "failure"),
    [
        ("fail_unless", "RuntimeError: not yet"),
        ("kill_unless", "the worker process was killed, perhaps for want of memory"),
    ],
)
def test_a_failure_is_told_with_its_log_and_only_it_is_tried_again(
    toy_study: Callable[..., StudySettings],
    tmp_path: Path,
    function: str,
    failure: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = toy_study(function)
    with pytest.raises(StudyError) as failed:
        run(settings, 2, {"name": "toy"})
    assert str(failed.value).splitlines() == [
        "1 of 3 tasks failed; run again to retry:",
        f"  bad: {failure} (log: {tmp_path}/out/tasks/bad/log.txt)",
        "  1 that need them did not run",
    ]
    assert f"bad: FAILED, {failure}" in "".join(capsys.readouterr())
    assert (tmp_path / "out" / "timings.csv").read_text().startswith("task,seconds\ngood,")
    (tmp_path / "mended").touch()
    assert run(settings, 2, {"name": "toy"}).startswith("headline\n\nreport: ")
    assert (tmp_path / "good").read_text() == "x"
    assert (tmp_path / "child").read_text() == "x"
    assert read_marker(tmp_path / "out" / "tasks" / "bad")["task"] == "bad"


def test_a_last_failure_is_told_without_dependents(
    toy_study: Callable[..., StudySettings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = toy_study("fail_unless")
    tasks = [Task("bad", "study_toys:fail_unless", {"path": str(tmp_path / "never")})]
    monkeypatch.setattr(command, "lay_out", lambda _: tasks)
    with pytest.raises(StudyError) as failed:
        run(settings, 1, {})
    assert len(str(failed.value).splitlines()) == 2


def test_two_runs_of_one_study_at_once_are_refused(
    toy_study: Callable[..., StudySettings],
) -> None:
    settings = toy_study("note")
    settings.folder.mkdir()
    with (settings.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process runs the study"):
            run(settings, 1, {})
    assert run(settings, 1, {}).startswith("headline")


def test_a_folder_that_cannot_be_written_is_named(
    toy_study: Callable[..., StudySettings], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match=r"cannot write .*/out \(File exists\): choose another"):
        run(toy_study("note"), 1, {})


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
    settings, jobs, resolved = parse([str(file), *options.split()])
    assert jobs == 3
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


def test_processes_are_counted_where_the_system_cannot_tell(
    toy_study: Callable[..., StudySettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = toy_study("note")
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    monkeypatch.setattr(command, "parse", lambda _: (settings, 0, {}))
    monkeypatch.setattr(command, "run", lambda _settings, jobs, _resolved: f"{jobs} jobs")
    assert study(["run"]) == "5 jobs"
