"""The tasks that make a panel: which there are, what they read, and what each source lacks."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.command import parse
from alpha_lightning.study.options import merge
from alpha_lightning.study.panel_tasks import panel_of, panel_tasks, read_yaml
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import Task, identify

Tree = dict[str, Any]
ROOT = Path(__file__).parents[2]
THREE = ["rawbar", "mschars", "l2chars"]


@pytest.fixture(autouse=True)
def _in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    # The exchange of a simulated market is found from the working folder.
    monkeypatch.chdir(ROOT)


def settings(tree: Tree, folder: Path, **changes: Any) -> StudySettings:
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(merge(tree, changes)))
    return parse([str(file)])[0]


def made(tree: Tree, folder: Path, **changes: Any) -> dict[str, Task]:
    return {task.name: task for task in panel_tasks(settings(tree, folder, **changes))}


def laid_out(tree: Tree, folder: Path) -> dict[str, Task]:
    return {task.name: task for task in lay_out(settings(tree, folder))}


def market(tree: Tree, **intraday: bool) -> None:
    file = Path(tree["source"]["market"])
    content = yaml.safe_load(file.read_text())
    content["market"]["intraday"] = intraday
    file.write_text(yaml.safe_dump(content))


def own_bars(tree: Tree, folder: Path, **source: Any) -> Tree:
    (folder / "bars.csv").write_text("1")
    return {**tree, "source": {"daily": str(folder / "bars.csv"), **source}, "datasets": THREE}


def test_a_simulated_market_is_ingested_with_its_side_tables(tree: Tree, tmp_path: Path) -> None:
    tasks = made(tree, tmp_path)
    assert list(tasks) == ["simulate", "ingest", "prepare/rawbar"]
    assert tasks["simulate"].writes == "runs/tiny/vendor/market.json"
    assert tasks["ingest"].needs == ("simulate",)
    inputs = tasks["ingest"].arguments["arguments"]
    assert inputs["daily"] == "runs/tiny/vendor/daily.parquet"
    assert inputs["tables"] == {
        name: f"runs/tiny/vendor/{name}.parquet"
        for name in ("index_members", "index_levels", "industries", "fundamentals")
    }
    assert tasks["prepare/rawbar"].needs == ("ingest",)


def test_a_simulated_market_brings_its_own_minutes_and_trades(tree: Tree, tmp_path: Path) -> None:
    market(tree)
    tasks = made(tree, tmp_path, datasets=THREE)
    task = tasks["characterise"]
    assert task.arguments == {
        "panel": "runs/tiny/panel",
        "exchange": yaml.safe_load((ROOT / "configs/market/cn.yaml").read_text()),
        "minute": "runs/tiny/vendor/minute",
        "trades": "runs/tiny/vendor/trades",
        "bad_rows": "refuse",
    }
    assert task.needs == ("ingest", "simulate")
    assert task.writes == "runs/tiny/panel/datasets/mschars.npy"
    assert task.reads == {}
    needs = {name: tasks[f"prepare/{name}"].needs for name in THREE}
    ready = ("characterise",)
    assert needs == {"rawbar": ("ingest",), "mschars": ready, "l2chars": ready}


def test_without_trades_minutes_stand_in(tree: Tree, tmp_path: Path) -> None:
    market(tree, trades=False)
    task = made(tree, tmp_path, datasets=["l2chars"])["characterise"]
    assert (task.arguments["trades"], task.arguments["minute"]) == (
        None,
        "runs/tiny/vendor/minute",
    )
    assert task.writes == "runs/tiny/panel/datasets/l2chars.npy"


@pytest.mark.parametrize(
    ("intraday", "datasets", "words"),
    [
        ({"minute": False}, ["mschars"], "mschars cannot be made, .* writes no minute bars: set"),
        (
            {"minute": False, "trades": False},
            ["rawbar", "l2chars"],
            "l2chars cannot be made, .* writes no minute bars and no trades: set market.intraday",
        ),
    ],
)
def test_a_market_that_writes_too_little_is_named(
    tree: Tree, tmp_path: Path, intraday: dict[str, bool], datasets: list[str], words: str
) -> None:
    market(tree, **intraday)
    with pytest.raises(UserError, match=words):
        made(tree, tmp_path, datasets=datasets)
    assert "characterise" not in made(tree, tmp_path, datasets=["rawbar"])


def test_own_minutes_and_trades_are_known_by_size_and_time(tree: Tree, tmp_path: Path) -> None:
    for name in ("minute", "trades"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "2020-01-02.parquet").write_text("1")
    exchange = tmp_path / "mine.yaml"
    shutil.copy(ROOT / "configs/market/us.yaml", exchange)
    tables = {name: str(tmp_path / name) for name in ("minute", "trades")}
    own = own_bars(tree, tmp_path, **tables, exchange=str(exchange), bad_rows="mask")
    task = made(own, tmp_path)["characterise"]
    assert set(task.reads) == set(tables.values())
    assert task.arguments["exchange"]["name"] == "us"
    assert task.arguments["bad_rows"] == "drop"
    assert task.needs == ("ingest",)
    before = identify(list(laid_out(own, tmp_path).values()), Path())
    assert identify(list(laid_out(own, tmp_path).values()), Path()) == before
    os.utime(tmp_path / "trades" / "2020-01-02.parquet", ns=(1, 1))
    after = identify(list(laid_out(own, tmp_path).values()), Path())
    same = {name for name in before if before[name] == after[name]}
    assert {"ingest", "prepare/rawbar", "fit/gru/rawbar/v2022/s0", "baseline/summary"} <= same
    assert not {"characterise", "prepare/mschars", "fit/gru/l2chars/v2022/s0"} & same


def test_minutes_that_are_not_there_are_named(tree: Tree, tmp_path: Path) -> None:
    own = own_bars(tree, tmp_path, minute="nowhere", exchange="configs/market/us.yaml")
    with pytest.raises(UserError, match="nowhere does not exist: check the study's source"):
        made(own, tmp_path)
    (tmp_path / "minute").mkdir()
    own["source"] |= {"minute": str(tmp_path / "minute"), "exchange": "no_exchange.yaml"}
    with pytest.raises(UserError, match=r"no_exchange\.yaml cannot be read"):
        made(own, tmp_path)


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
    before = identify(list(tasks.values()), Path())
    for file in reads:
        kept = file.read_text()
        file.write_text("other")
        after = identify(list(laid_out(own, tmp_path).values()), Path())
        assert not set(before.values()) & set(after.values())
        file.write_text(kept)
    assert identify(list(laid_out(own, tmp_path).values()), Path()) == before


def test_side_tables_are_inputs_too(tree: Tree, tmp_path: Path) -> None:
    daily, industries = tmp_path / "daily.csv", tmp_path / "industries.csv"
    daily.write_text("1")
    industries.write_text("2")
    source = {"daily": str(daily), "tables": {"industries": str(industries)}}
    task = made({**tree, "source": source}, tmp_path)["ingest"]
    assert set(task.reads) == {str(daily), str(industries)}
    assert task.arguments["arguments"]["tables"]["industries"] == str(industries)


def test_a_panel_of_ones_own_is_read_not_made(tree: Tree, tmp_path: Path, panel_path: Path) -> None:
    study = settings({**tree, "source": {"panel": str(panel_path)}}, tmp_path)
    (task,) = panel_tasks(study)
    assert panel_of(study) == str(panel_path)
    assert (task.name, task.needs) == ("prepare/rawbar", ())
    assert [len(fingerprint) for fingerprint in task.reads.values()] == [16, 16]


def test_a_ready_panel_must_hold_the_data_sets(
    tree: Tree, tmp_path: Path, panel_path: Path
) -> None:
    panel = Path(shutil.copytree(panel_path, tmp_path / "panel"))
    own = {**tree, "source": {"panel": str(panel)}, "datasets": ["rawbar", "mschars"]}
    with pytest.raises(UserError, match=r"has no data set mschars, it has rawbar: add it with"):
        made(own, tmp_path)
    about = json.loads((panel / "panel.json").read_text())
    reason = {"lacking": ["No proxy l2chars: minute has no column 'amount'."]}
    about["datasets"]["mschars"] = about["datasets"]["rawbar"] | {"fingerprint": "0" * 16} | reason
    (panel / "panel.json").write_text(json.dumps(about))
    other = own | {"datasets": ["rawbar", "l2chars"]}
    with pytest.raises(
        UserError, match=r"no data set l2chars, it .* \(No proxy l2chars: minute has"
    ):
        made(other, tmp_path)
    tasks = made(own, tmp_path)
    assert list(tasks) == ["prepare/rawbar", "prepare/mschars"]
    assert tasks["prepare/mschars"].reads["mschars"] == "0" * 16


@pytest.mark.parametrize("kind", ["daily", "qlib", "panel"])
def test_a_missing_source_is_named(tree: Tree, tmp_path: Path, kind: str) -> None:
    study = settings({**tree, "source": {kind: str(tmp_path / "nowhere")}}, tmp_path)
    with pytest.raises(UserError, match="nowhere"):
        list(panel_tasks(study))


def test_a_yaml_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(UserError, match="cannot be read"):
        read_yaml(str(tmp_path / "x.yaml"))
