"""Studies laid out as tasks: what runs, what it needs, and what changes what."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.command import parse
from alpha_lightning.study.options import merge
from alpha_lightning.study.plan import lay_out, panel_of, read_yaml
from alpha_lightning.study.settings import StudySettings, training_seed
from alpha_lightning.study.tasks import Task, task_keys

Tree = dict[str, Any]


def settings(tree: Tree, folder: Path, **changes: Any) -> StudySettings:
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(merge(tree, changes)))
    return parse([str(file)])[0]


def laid_out(tree: Tree, folder: Path, **changes: Any) -> dict[str, Task]:
    tasks = lay_out(settings(tree, folder, **changes))
    assert len({task.name for task in tasks}) == len(tasks)
    before: set[str] = set()
    for task in tasks:
        assert set(task.needs) <= before, f"{task.name} comes before what it needs"
        before.add(task.name)
    return {task.name: task for task in tasks}


def changed(tree: Tree, folder: Path, **changes: Any) -> set[str]:
    """Names of the tasks that a change of settings adds or runs again."""
    old = task_keys(list(laid_out(tree, folder).values()))
    new = task_keys(list(laid_out(tree, folder, **changes).values()))
    return {name for name, key in new.items() if old.get(name) != key}


def test_every_unit_vintage_and_seed_has_its_tasks(tree: Tree, tmp_path: Path) -> None:
    tasks = laid_out(tree, tmp_path, vintages=[2021, 2022], seeds=[0, 3])
    fits = {name for name in tasks if name.startswith("fit/")}
    assert fits == {
        f"fit/{unit}/rawbar/v{year}/s{run}"
        for unit in ("gru", "lstm")
        for year in (2021, 2022)
        for run in (0, 3)
    }
    assert set(tasks) - fits == {
        "simulate",
        "ingest",
        "prepare",
        *(f"weigh/{unit}/s{run}" for unit in ("gru", "lstm") for run in (0, 3)),
        *(f"combine/{name}" for name in ("gru", "lstm", "v1")),
        *(f"baseline/{kind}" for kind in ("reversal", "summary")),
        "evaluate",
        "report",
    }
    assert tasks["ingest"].needs == ("simulate",)
    assert all(tasks[name].needs == ("prepare",) for name in fits)
    assert tasks["weigh/gru/s3"].needs == (
        "fit/gru/rawbar/v2021/s3",
        "fit/gru/rawbar/v2022/s3",
    )
    assert tasks["combine/v1"].needs == ("combine/gru", "combine/lstm")
    assert set(tasks["evaluate"].needs) == {f"combine/{name}" for name in ("gru", "lstm", "v1")} | {
        "baseline/reversal",
        "baseline/summary",
    }


def test_a_single_unit_has_no_integration_and_baselines_can_be_left_out(
    tree: Tree, tmp_path: Path
) -> None:
    tasks = laid_out(tree, tmp_path, units=tree["units"][:1], evaluation={"baselines": []})
    assert tasks["evaluate"].needs == ("combine/gru",)
    assert tasks["evaluate"].arguments["scores"] == ["runs/tiny/scores/gru.parquet"]


def test_what_one_task_writes_is_what_the_next_one_reads(tree: Tree, tmp_path: Path) -> None:
    tasks = laid_out(tree, tmp_path)
    assert tasks["simulate"].writes == "runs/tiny/vendor/market.json"
    assert tasks["ingest"].arguments["arguments"]["daily"] == "runs/tiny/vendor/daily.parquet"
    fit = tasks["fit/gru/rawbar/v2022/s0"]
    weigh = tasks["weigh/gru/s0"].arguments["arguments"]
    assert weigh["factors"] == [fit.writes]
    assert tasks["combine/gru"].arguments["scores"] == [tasks["weigh/gru/s0"].writes]
    written = {tasks[name].writes for name in tasks["evaluate"].needs}
    assert set(tasks["evaluate"].arguments["scores"]) == written


def test_a_unit_is_resolved_to_the_last_setting(tree: Tree, tmp_path: Path) -> None:
    fit = {"trainer": {"max_epochs": 7}, "data": {"sample": {"min_stocks": 25}}}
    task = laid_out(tree, tmp_path, fit=fit, seeds=[4], out="out", threads=3)[
        "fit/lstm/rawbar/v2022/s4"
    ]
    config = task.arguments["config"]
    assert task.arguments["threads"] == 3
    assert task.arguments["folder"] == "out/units/lstm/rawbar/v2022/s4"
    assert config["seed_everything"] == training_seed("lstm", "rawbar", 2022, 4)
    assert config["model"]["network"]["init_args"]["hidden"] == 4
    assert config["data"] == {
        "panel": "out/panel",
        "dataset": "rawbar",
        "vintage": 2022,
        "date_step": 8,
        "sample": {"min_stocks": 25, "universe": "all"},
    }
    trainer = config["trainer"]
    assert (trainer["max_epochs"], trainer["devices"]) == (7, 1)
    assert trainer["enable_progress_bar"] is False
    assert trainer["logger"] == {
        "class_path": "pytorch_lightning.loggers.CSVLogger",
        "init_args": {"save_dir": "out/units/lstm/rawbar/v2022", "name": "", "version": "s4"},
    }
    kept = [callback["class_path"].rpartition(".")[2] for callback in trainer["callbacks"]]
    assert kept == ["EarlyStopping", "ModelCheckpoint", "FactorMatrixExport"]
    assert trainer["callbacks"][-1]["init_args"] == {"unit": "lstm", "run": 4}


EXPORT = "alpha_lightning.factors.export.FactorMatrixExport"


@pytest.mark.parametrize(
    ("given", "others", "export"),
    [
        (None, [], {}),
        ([], [], {}),
        ("some.Callback", ["some.Callback"], {}),
        ([EXPORT, "some.Callback"], ["some.Callback"], {}),
        ({"class_path": EXPORT, "init_args": {"in_sample": True}}, [], {"in_sample": True}),
        ([{"class_path": EXPORT, "init_args": {"run": 9}}], [], {}),
    ],
)
def test_callbacks_in_any_spelling_keep_one_export(
    tree: Tree, tmp_path: Path, given: Any, others: list[Any], export: Tree
) -> None:
    tasks = laid_out(tree, tmp_path, fit={"trainer": {"callbacks": given}})
    callbacks = tasks["fit/gru/rawbar/v2022/s0"].arguments["config"]["trainer"]["callbacks"]
    own = {"class_path": EXPORT, "init_args": {**export, "unit": "gru", "run": 0}}
    assert callbacks == [*others, own]


def test_the_weighting_learns_the_return_that_the_networks_learn(
    tree: Tree, tmp_path: Path
) -> None:
    plain = laid_out(tree, tmp_path)
    assert plain["weigh/gru/s0"].arguments["arguments"]["label"] == {"days": 10, "gap": 1}
    fit = {"data": {"sample": {"horizon": 5}}}
    other = laid_out(tree, tmp_path, fit=fit)
    for name in ("weigh/gru/s0", "baseline/summary"):
        assert other[name].arguments["arguments"]["label"] == {"days": 5, "gap": 1}


NETWORKS = {"fit/gru/rawbar/v2022/s0", "fit/lstm/rawbar/v2022/s0"}
WEIGHTS = {"weigh/gru/s0", "weigh/lstm/s0", "baseline/summary", "baseline/reversal"}
COMBINED = {"combine/gru", "combine/lstm", "combine/v1"}
CLOSING = {"evaluate", "report"}


def test_a_setting_of_lightgbm_trains_no_network(tree: Tree, tmp_path: Path) -> None:
    again = changed(tree, tmp_path, weighting={"rounds": 11})
    assert again == WEIGHTS | COMBINED | CLOSING


def test_a_setting_of_training_simulates_nothing(tree: Tree, tmp_path: Path) -> None:
    again = changed(tree, tmp_path, fit={"trainer": {"max_epochs": 5}})
    assert again == NETWORKS | {"weigh/gru/s0", "weigh/lstm/s0"} | COMBINED | CLOSING


def test_a_new_seed_runs_only_what_is_new(tree: Tree, tmp_path: Path) -> None:
    again = changed(tree, tmp_path, seeds=[0, 1])
    new = {f"fit/{unit}/rawbar/v2022/s1" for unit in ("gru", "lstm")}
    new |= {f"weigh/{unit}/s1" for unit in ("gru", "lstm")}
    assert again == new | COMBINED | CLOSING


def test_a_setting_of_evaluation_only_evaluates(tree: Tree, tmp_path: Path) -> None:
    assert changed(tree, tmp_path, evaluation={"since": ["2022-03-01"]}) == CLOSING


def test_a_new_title_only_reports(tree: Tree, tmp_path: Path) -> None:
    assert changed(tree | {"out": "out"}, tmp_path, name="another") == {"report"}


def test_a_changed_market_runs_everything(tree: Tree, tmp_path: Path) -> None:
    before = task_keys(list(laid_out(tree, tmp_path).values()))
    market = Path(tree["source"]["market"])
    market.write_text(market.read_text() + "seed: 5\n")
    after = task_keys(list(laid_out(tree, tmp_path).values()))
    assert not set(before.values()) & set(after.values())


def test_changed_bars_run_everything_and_bars_are_known_by_content(
    tree: Tree, tmp_path: Path
) -> None:
    folder = tmp_path / "bars"
    folder.mkdir()
    (folder / "a.csv").write_text("1")
    (folder / "b.csv").write_text("2")
    calendar = tmp_path / "days.txt"
    calendar.write_text("2020-01-02")
    source = {"market": None, "daily": str(folder), "calendar": str(calendar)}
    own = {**tree, "source": source}
    tasks = laid_out(own, tmp_path)
    assert "simulate" not in tasks
    reads = [folder / "a.csv", folder / "b.csv", calendar]
    assert list(tasks["ingest"].reads) == [str(path) for path in reads]
    before = task_keys(list(tasks.values()))
    for file in reads:
        kept = file.read_text()
        file.write_text("other")
        after = task_keys(list(laid_out(own, tmp_path).values()))
        assert not set(before.values()) & set(after.values())
        file.write_text(kept)
    assert task_keys(list(laid_out(own, tmp_path).values())) == before


def test_a_panel_of_ones_own_is_read_not_made(tree: Tree, tmp_path: Path, panel_path: Path) -> None:
    study = settings({**tree, "source": {"panel": str(panel_path)}}, tmp_path)
    tasks = {task.name: task for task in lay_out(study)}
    assert panel_of(study) == str(panel_path)
    assert not {"simulate", "ingest"} & set(tasks)
    assert tasks["prepare"].needs == ()
    assert len(tasks["prepare"].reads["panel"]) == 16


def test_side_tables_are_inputs_too(tree: Tree, tmp_path: Path) -> None:
    daily, industries = tmp_path / "daily.csv", tmp_path / "industries.csv"
    daily.write_text("1")
    industries.write_text("2")
    source = {"daily": str(daily), "tables": {"industries": str(industries)}}
    task = laid_out({**tree, "source": source}, tmp_path)["ingest"]
    assert set(task.reads) == {str(daily), str(industries)}
    assert task.arguments["arguments"]["tables"]["industries"] == str(industries)


@pytest.mark.parametrize("kind", ["daily", "qlib", "panel"])
def test_a_missing_source_is_named(tree: Tree, tmp_path: Path, kind: str) -> None:
    study = settings({**tree, "source": {kind: str(tmp_path / "nowhere")}}, tmp_path)
    with pytest.raises(UserError, match="nowhere"):
        lay_out(study)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), ("a: [", "cannot be read"), ("- a\n", "holds no settings")],
)
def test_a_bad_unit_file_is_named(
    tree: Tree, tmp_path: Path, content: str | None, words: str
) -> None:
    unit = tmp_path / "mine.yaml"
    if content is not None:
        unit.write_text(content)
    with pytest.raises(UserError, match=words) as refused:
        lay_out(settings(tree, tmp_path, units=[str(unit)]))
    assert str(unit) in str(refused.value)


def test_a_yaml_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(UserError, match="cannot be read"):
        read_yaml(str(tmp_path / "x.yaml"))


def test_tasks_are_plain_data(finished: StudySettings) -> None:
    for task in lay_out(finished):
        assert yaml.safe_load(yaml.safe_dump(asdict(task)["arguments"])) == task.arguments
