"""Studies laid out as tasks: what runs, what it needs, and what changes what."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.command import parse
from alpha_lightning.study.options import merge
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.settings import StudySettings, training_seed
from alpha_lightning.study.tasks import Task, identify

Tree = dict[str, Any]


def settings(tree: Tree, folder: Path, **changes: Any) -> StudySettings:
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(merge(tree, changes)))
    return parse([str(file)])[0]


@pytest.fixture
def tree(tree: Tree) -> Tree:
    """The tiny study with one way of weighting and one of integration."""
    return tree | {"integration": ["v1"], "evaluation": {"weightings": []}}


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
    old = identify(list(laid_out(tree, folder).values()), Path())
    new = identify(list(laid_out(tree, folder, **changes).values()), Path())
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
        "prepare/rawbar",
        *(f"weigh/{unit}/s{run}" for unit in ("gru", "lstm") for run in (0, 3)),
        *(f"mean/{unit}/rawbar/s{run}" for unit in ("gru", "lstm") for run in (0, 3)),
        *(f"combine/{name}" for name in ("gru", "lstm", "v1")),
        *(f"combine/{unit}/mean/rawbar" for unit in ("gru", "lstm")),
        *(f"baseline/{kind}" for kind in ("reversal", "summary")),
        *(f"card/{unit}" for unit in ("gru", "lstm")),
        "evaluate",
        "report",
    }
    assert all(tasks[name].needs == ("prepare/rawbar",) for name in fits)
    assert tasks["weigh/gru/s3"].needs == (
        "fit/gru/rawbar/v2021/s3",
        "fit/gru/rawbar/v2022/s3",
    )
    assert tasks["combine/v1"].needs == ("combine/gru", "combine/lstm")
    assert set(tasks["evaluate"].needs) == {
        *(
            f"combine/{name}"
            for name in ("gru", "lstm", "v1", "gru/mean/rawbar", "lstm/mean/rawbar")
        ),
        *(f"weigh/{unit}/s{run}" for unit in ("gru", "lstm") for run in (0, 3)),
        *("baseline/reversal", "baseline/summary", "simulate"),
    }


def test_a_single_unit_has_no_integration_and_baselines_can_be_left_out(
    tree: Tree, tmp_path: Path
) -> None:
    tasks = laid_out(
        tree, tmp_path, units=tree["units"][:1], evaluation={"baselines": [], "weightings": []}
    )
    evaluate = tasks["evaluate"]
    assert evaluate.needs == ("combine/gru", "combine/gru/mean/rawbar", "weigh/gru/s0", "simulate")
    assert evaluate.arguments["scores"] == ["runs/tiny/scores/gru.parquet"]
    assert evaluate.arguments["also"] == ["runs/tiny/scores/gru/mean/rawbar.parquet"]


def test_what_one_task_writes_is_what_the_next_one_reads(tree: Tree, tmp_path: Path) -> None:
    tasks = laid_out(tree, tmp_path)
    fit = tasks["fit/gru/rawbar/v2022/s0"]
    weigh = tasks["weigh/gru/s0"].arguments["arguments"]
    assert weigh["factors"] == [fit.writes]
    assert tasks["combine/gru"].arguments["scores"] == [tasks["weigh/gru/s0"].writes]
    evaluate = tasks["evaluate"]
    written = {tasks[name].writes for name in evaluate.needs if name != "simulate"}
    read = [path for key in ("scores", "also", "runs") for path in evaluate.arguments[key]]
    assert set(read) == written
    assert evaluate.arguments["importance"] == evaluate.arguments["runs"]
    assert not set(evaluate.arguments["scores"]) & set(evaluate.arguments["also"])


def test_the_oracle_of_a_simulated_market_is_read_by_the_evaluation_only(
    tree: Tree, tmp_path: Path, panel_path: Path
) -> None:
    tasks = laid_out(tree, tmp_path)
    readers = [name for name, task in tasks.items() if "oracle.parquet" in str(task.arguments)]
    assert readers == ["evaluate"]
    assert tasks["evaluate"].arguments["oracle"] == "runs/tiny/vendor/oracle.parquet"
    own = laid_out({**tree, "source": {"panel": str(panel_path)}}, tmp_path)
    assert own["evaluate"].arguments["oracle"] is None
    assert "simulate" not in own["evaluate"].needs


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
    assert trainer["callbacks"][-1]["init_args"] == {
        "unit": "lstm",
        "run": 4,
        "precision": "float32",
    }


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
    own = {
        "class_path": EXPORT,
        "init_args": {**export, "unit": "gru", "run": 0, "precision": "float32"},
    }
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
MEANS = {"mean/gru/rawbar/s0", "mean/lstm/rawbar/s0"}
MEANS |= {"combine/gru/mean/rawbar", "combine/lstm/mean/rawbar"}
CLOSING = {"evaluate", "report"}
CARDS = {"card/gru", "card/lstm"}


def test_a_setting_of_lightgbm_trains_no_network(tree: Tree, tmp_path: Path) -> None:
    again = changed(tree, tmp_path, weighting={"rounds": 11})
    assert again == WEIGHTS | COMBINED | CLOSING


def test_a_setting_of_training_simulates_nothing(tree: Tree, tmp_path: Path) -> None:
    again = changed(tree, tmp_path, fit={"trainer": {"max_epochs": 5}})
    weighed = {"weigh/gru/s0", "weigh/lstm/s0"}
    # The card says how a network is trained, too.
    assert again == NETWORKS | weighed | COMBINED | MEANS | CLOSING | CARDS


def test_portfolios_run_no_score_again(tree: Tree, tmp_path: Path) -> None:
    tree = tree | {"portfolios": {"names": [5], "delta": [0.2]}}
    before = laid_out(tree, tmp_path)
    assert before["portfolios"].needs == ("ingest", "combine/v1")
    # A report that lacks them is better than none.
    assert before["report"].after == ("portfolios",)
    assert "portfolios" not in before["report"].needs
    others = ({"names": [5, 10]}, {"delta": [0.2, 1.0]}, {"costs": {"buy": 0.002}})
    for portfolios in others:
        assert changed(tree, tmp_path, portfolios=portfolios) == {"portfolios", "report"}
    assert changed(tree, tmp_path, portfolios={"names": []}) == {"report"}
    # Another score is another need.
    scores = {"scores": ["reversal"]}
    assert changed(tree, tmp_path, portfolios=scores) == {"portfolios", "report"}
    again = changed(tree, tmp_path, weighting={"rounds": 11})
    assert again == WEIGHTS | COMBINED | CLOSING | {"portfolios"}


def test_enhanced_portfolios_run_no_network_and_no_model_again(tree: Tree, tmp_path: Path) -> None:
    tree = tree | {"enhanced": {"indices": {"000300": 0.04}}}
    before = laid_out(tree, tmp_path)
    assert before["risk"].needs == ("ingest",)
    assert before["enhanced"].needs == ("ingest", "risk", "combine/v1")
    assert before["report"].after == ("enhanced",)
    assert {"risk", "enhanced"}.isdisjoint(before["report"].needs)
    others: tuple[Tree, ...] = ({"indices": {"000905": 0.05}}, {"deltas": [0.2]})
    for own in others:
        assert changed(tree, tmp_path, enhanced=own) == {"enhanced", "report"}
    model = {"risk": {"kind": "simple"}}
    assert changed(tree, tmp_path, enhanced=model) == {"risk", "enhanced", "report"}
    again = changed(tree, tmp_path, weighting={"rounds": 11})
    assert again == WEIGHTS | COMBINED | CLOSING | {"enhanced"}


def test_a_new_seed_runs_only_what_is_new(tree: Tree, tmp_path: Path) -> None:
    again = changed(tree, tmp_path, seeds=[0, 1])
    new = {f"fit/{unit}/rawbar/v2022/s1" for unit in ("gru", "lstm")}
    new |= {f"weigh/{unit}/s1" for unit in ("gru", "lstm")}
    new |= {f"mean/{unit}/rawbar/s1" for unit in ("gru", "lstm")}
    averaged = {name for name in MEANS if name.startswith("combine/")}
    assert again == new | averaged | COMBINED | CLOSING


def test_a_new_data_set_trains_only_its_own_networks(tree: Tree, tmp_path: Path) -> None:
    ready = {
        **tree,
        "evaluation": {"dataset_value": False, "weightings": []},
        "datasets": ["rawbar", "mschars"],
    }
    market = Path(tree["source"]["market"])
    market.write_text(market.read_text().replace("minute: false", "minute: true"))
    again = changed(ready, tmp_path, datasets=["rawbar", "mschars", "l2chars"])
    trained = {name for name in again if name.startswith(("fit/", "prepare/"))}
    assert trained == {f"fit/{unit}/l2chars/v2022/s0" for unit in ("gru", "lstm")} | {
        "prepare/l2chars"
    }


def test_a_setting_of_evaluation_only_evaluates(tree: Tree, tmp_path: Path) -> None:
    assert (
        changed(tree, tmp_path, evaluation={"since": ["2022-03-01"], "weightings": []}) == CLOSING
    )


def test_the_shipped_study_of_three_data_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    tasks = {task.name: task for task in lay_out(parse(["configs/studies/datasets.yaml"])[0])}
    assert sum(name.startswith("fit/") for name in tasks) == 3 * 2
    assert sum(name.startswith("weigh/") for name in tasks) == 7 * 2
    assert sum(name.startswith("mean/") for name in tasks) == 3 * 2
    intraday = [tasks["characterise"].arguments[name] for name in ("minute", "trades")]
    assert intraday == ["runs/datasets/vendor/minute", "runs/datasets/vendor/trades"]


def test_a_new_title_only_reports(tree: Tree, tmp_path: Path) -> None:
    assert changed(tree | {"out": "out"}, tmp_path, name="another") == {"report"}


def test_a_changed_market_runs_everything(tree: Tree, tmp_path: Path) -> None:
    before = identify(list(laid_out(tree, tmp_path).values()), Path())
    market = Path(tree["source"]["market"])
    market.write_text(market.read_text() + "seed: 5\n")
    after = identify(list(laid_out(tree, tmp_path).values()), Path())
    assert not set(before.values()) & set(after.values())


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


def test_tasks_are_plain_data(finished: StudySettings) -> None:
    for task in lay_out(finished):
        assert yaml.safe_load(yaml.safe_dump(asdict(task)["arguments"])) == task.arguments
