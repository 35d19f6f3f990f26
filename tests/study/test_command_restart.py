"""Studies interrupted, killed, started again, and changed: nothing is lost or done twice."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.study.command import parse, run, study
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import MARKER, identify, tasks_to_run

ROOT = Path(__file__).parents[2]


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        # A dead orphan stays a zombie until whoever adopted it looks after it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return False


def start(file: Path, jobs: int) -> "subprocess.Popen[str]":
    arguments = ["study", "run", str(file), "--jobs", str(jobs)]
    return subprocess.Popen(
        [sys.executable, "-m", "alpha_lightning", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def scores(folder: Path) -> dict[str, Any]:
    files = sorted((folder / "scores").rglob("*.parquet"))
    files = [file for file in files if ".importance." not in file.name]
    return {str(file.relative_to(folder)): read_dated_table(file) for file in files}


@pytest.fixture(scope="module")
def restarted(finished: StudySettings) -> StudySettings:
    """The finished study once more: interrupted, started, killed in a fit, started on one process.

    What has to be seen on the way is asserted here.
    """
    folder = finished.folder.parent / "again"
    file = finished.folder.parent / "again.yaml"
    tree = yaml.safe_load((finished.folder / "study.yaml").read_text())
    file.write_text(yaml.safe_dump(tree | {"out": str(folder)}))
    with start(file, 2) as process:
        assert wait_for((folder / "tasks" / "simulate" / "log.txt").exists, 60)
        workers = children(process.pid)
        begin = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(10) == 130
        assert time.monotonic() - begin < 5
        assert "Traceback" not in process.communicate()[1]
    assert wait_for(lambda: not any(map(alive, workers)), 2)
    with start(file, 2) as process:
        units = folder / "units"
        assert wait_for(lambda: list(units.rglob("config.yaml")), 120), "no fit has begun"
        workers = children(process.pid)
        assert len(workers) >= 2
        process.kill()
        assert process.wait(5) == -signal.SIGKILL
    assert wait_for(lambda: not any(map(alive, workers)), 2)
    assert not list((folder / "tasks" / "fit").rglob(MARKER)), "the fits were over before the kill"
    kept = {name: (folder / "tasks" / name / MARKER).stat().st_mtime_ns for name in ("ingest",)}
    (folder / ".panel.0123abcd.tmp").mkdir()
    (folder / "scores").mkdir(exist_ok=True)
    (folder / "scores" / ".v1.parquet.0123abcd.tmp").touch()
    settings, _, resolved = parse([str(file)])
    assert "report: " in run(settings, 1, resolved)
    for name, written in kept.items():
        assert (folder / "tasks" / name / MARKER).stat().st_mtime_ns == written
    return settings


def test_killed_and_started_again_gives_the_scores_of_an_uninterrupted_study(
    finished: StudySettings, restarted: StudySettings
) -> None:
    # Also: twice from scratch is the same, and one worker process gives what two give.
    first, second = scores(finished.folder), scores(restarted.folder)
    assert set(first) == set(second)
    assert len(first) == 24
    for name, table in first.items():
        assert np.array_equal(table.dates, second[name].dates)
        assert np.array_equal(table.symbols, second[name].symbols)
        assert np.array_equal(table.values, second[name].values), name
        assert table.metadata == second[name].metadata
    tables = sorted((finished.folder / "evaluation" / "tables").glob("*.csv"))
    for file in tables:
        twin = restarted.folder / "evaluation" / "tables" / file.name
        assert file.read_bytes() == twin.read_bytes(), file.name


def test_nothing_half_written_is_left(restarted: StudySettings) -> None:
    assert not list(restarted.folder.rglob(".*.tmp*"))


def test_everything_is_done_and_timed(finished: StudySettings) -> None:
    tasks = lay_out(finished)
    assert tasks_to_run(tasks, identify(tasks, finished.folder), finished.folder / "tasks") == []
    rows = (finished.folder / "timings.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["task", *(task.name for task in tasks)]
    page = (finished.folder / "report" / "index.html").read_text()
    assert "Time spent by task" in page, "the report was made before the times were known"


def test_the_study_file_gives_the_same_study_again(finished: StudySettings) -> None:
    assert parse([str(finished.folder / "study.yaml")])[0] == finished


def modified(folder: Path) -> dict[Path, int]:
    always = ("study.yaml", "tasks.json", ".lock")
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in always]
    return {file: file.stat().st_mtime_ns for file in files}


def test_a_second_run_skips_what_is_done(
    restarted: StudySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    before = modified(restarted.folder)
    told = study(["run", str(restarted.folder / "study.yaml")])
    assert modified(restarted.folder) == before
    assert told.splitlines()[0].startswith("tiny: ")
    assert told.endswith(f"report: {restarted.folder}/report/index.html")
    number = len(lay_out(restarted))
    assert f"{number} tasks done before, 0 to run" in "".join(capsys.readouterr())
    status = study(["status", str(restarted.folder)])
    assert f"finished, {number} of {number} tasks done" in status
    assert study(["status", str(restarted.folder / "study.yaml")]) == status
    plan = study(["plan", str(restarted.folder / "study.yaml")])
    assert f"in all {number} {number} 0" in re.sub(" +", " ", plan)


def test_a_report_that_was_removed_is_made_again_and_nothing_else(
    restarted: StudySettings,
) -> None:
    shutil.rmtree(restarted.folder / "report")
    shutil.rmtree(restarted.folder / "vendor")
    before = modified(restarted.folder)
    study(["run", str(restarted.folder / "study.yaml"), "--jobs", "1"])
    after = modified(restarted.folder)
    changed = {str(f.relative_to(restarted.folder)) for f, t in after.items() if before.get(f) != t}
    tops = {name.partition("/")[0] for name in changed}
    assert tops == {"report", "vendor", "tasks", "timings.csv"}
    ran = {name for name in changed if name.startswith("tasks/")}
    assert {name.rpartition("/")[0] for name in ran} == {"tasks/report", "tasks/simulate"}


def test_a_setting_of_lightgbm_trains_no_network(finished: StudySettings) -> None:
    weighting = replace(finished.weighting, rounds=11)
    tasks = lay_out(replace(finished, weighting=weighting))
    todo = tasks_to_run(tasks, identify(tasks, finished.folder), finished.folder / "tasks")
    kinds = [task.name.partition("/")[0] for task, _ in todo]
    again = {"weigh", "combine", "baseline", "portfolios", "evaluate", "report"}
    assert set(kinds) == again


def test_a_new_seed_runs_only_what_is_new(finished: StudySettings) -> None:
    tasks = lay_out(replace(finished, seeds=[0, 7]))
    todo = tasks_to_run(tasks, identify(tasks, finished.folder), finished.folder / "tasks")
    trained = [task.name for task, _ in todo if task.name.partition("/")[0] in ("fit", "weigh")]
    assert trained == [
        "fit/gru/rawbar/v2022/s7",
        "fit/lstm/rawbar/v2022/s7",
        "weigh/gru/s7",
        "weigh/lstm/s7",
        "weigh/v0/s7",
        *(f"weigh/{unit}/{way}/s7" for way in ("linear", "equal") for unit in ("gru", "lstm")),
    ]
