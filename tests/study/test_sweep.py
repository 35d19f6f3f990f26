"""`alpha-lightning sweep`: finds the planted setting, survives a kill, tells slips in a line."""

import csv
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.cli import main
from alpha_lightning.study.sweep import SweepRun, run_trials
from alpha_lightning.study.sweep_file import SweepFile
from alpha_lightning.study.sweep_space import read_space
from alpha_lightning.study.sweep_trials import Search, SearchSettings

ROOT = Path(__file__).parents[2]
LR = "model.optimizer.init_args.lr"
TOYS = """
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study import sweep_worker

def square(options):
    value = float(next(o for o in options if o.startswith("--x=")).removeprefix("--x="))
    if value < 0:
        raise UserError("below zero")
    for epoch in range(1, 9):
        if not sweep_worker._pipes[-1].report(epoch, value * value):
            raise UserError("told to stop")
    sweep_worker._pipes[-1].finish(value * value)
"""
Toy = Callable[..., Search]


@pytest.fixture(scope="session")
def own_panel(panel_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the simulated panel beside which statistics may be kept."""
    return Path(shutil.copytree(panel_path, tmp_path_factory.mktemp("copy") / "panel"))


def write(folder: Path, **change: Any) -> str:
    words = ["${env}", "${interpreter}", "-m", "alpha_lightning", "fit"]
    tree = {
        "command": [*words, f"--config={ROOT}/configs/units/gru.yaml", "${args}"],
        "method": "grid",
        "metric": {"name": "valid/rank_ic", "goal": "maximize"},
        "parameters": {LR: {"values": [1e-06, 0.001]}},
    }
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump(tree | change))
    return str(path)


def small(panel: Path, **more: Any) -> list[str]:
    options = {
        "data.panel": panel,
        "data.vintage": 2021,
        "data.date_step": 10,
        "trainer.max_epochs": 2,
        "trainer.accelerator": "cpu",
        "trainer.log_every_n_steps": 1,
        "trainer.enable_progress_bar": "false",
        "trainer.enable_model_summary": "false",
        "model.network.init_args.hidden": 8,
        "model.n_factors": 4,
    }
    return [f"--{name}={value}" for name, value in (options | more).items()]


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def logged(run: Path) -> list[str]:
    with (run / "metrics.csv").open() as file:
        return [row["valid/rank_ic"] for row in csv.DictReader(file) if row["valid/rank_ic"]]


def test_the_planted_setting_is_found_and_fit_takes_it(
    own_panel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    line = ["sweep", write(tmp_path), "--out", str(out), "--workers", "2", *small(own_panel)]
    assert main(line) == 0
    told = capsys.readouterr().out
    rows = table(out)
    assert [(row["trial"], row["state"], row[LR]) for row in rows] == [
        ("0", "complete", "0.001"),  # the unit's own comes first
        ("1", "complete", "1e-06"),
    ]
    # A step of a millionth leaves the network where it began, which knows nothing of the signal.
    assert float(rows[0]["valid/rank_ic"]) > float(rows[1]["valid/rank_ic"]) + 0.005
    assert (
        f"best: trial 0, valid/rank_ic {float(rows[0]['valid/rank_ic']):.4f} with {LR}=0.001"
        in told
    )
    assert f"train it: alpha-lightning fit --config {out}/best.yaml" in told
    run = tmp_path / "again"
    place = {"save_dir": tmp_path, "name": "", "version": "again"}
    logger = [f"--trainer.logger.init_args.{name}={value}" for name, value in place.items()]
    fit = [
        "fit",
        "--config",
        str(out / "best.yaml"),
        "--trainer.logger=pytorch_lightning.loggers.CSVLogger",
    ]
    assert main([*fit, *logger]) == 0
    assert logged(run) == logged(out / "trials" / "t0000")
    files = (folder / "factors.parquet" for folder in (run, out / "trials" / "t0000"))
    assert len({read_dated_table(file).values.tobytes() for file in files}) == 1
    assert main(line) == 0, "all is done"
    assert table(out) == rows


def test_killed_and_begun_again_it_keeps_all_trials(own_panel: Path, tmp_path: Path) -> None:
    rules = {LR: {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2}}
    file = write(tmp_path, method="random", parameters=rules)
    options = ["sweep", file, "--trials", "2", *small(own_panel)]
    out, whole = tmp_path / "killed", tmp_path / "whole"
    line = [sys.executable, "-m", "alpha_lightning", *options, "--out", str(out)]
    begun = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        until((out / "logs" / "t0001").exists)
    finally:
        begun.kill()
        begun.wait()
    before = [row for row in table(out) if row["state"] == "complete"]
    assert [row["trial"] for row in before] == ["0"]
    until(lambda: processes_of(begun.pid) == [])
    assert main([*options, "--out", str(out)]) == 0
    assert main([*options, "--out", str(whole)]) == 0
    rows = table(out)
    assert rows[0] == before[0]
    assert [row["state"] for row in rows] == ["complete", "killed", "complete"]
    assert rows[2]["again"] == "1"
    kept = [(row[LR], row["valid/rank_ic"]) for row in rows if row["state"] == "complete"]
    assert kept == [(row[LR], row["valid/rank_ic"]) for row in table(whole)]


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def processes_of(session: int) -> list[int]:
    alive = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, belongs = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(belongs) == session and state != "Z":
            alive.append(int(folder.name))
    return alive


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """Runs trials whose value is the square of x."""
    name = f"toys_{os.getpid()}_{abs(hash(tmp_path)):x}"
    (tmp_path / f"{name}.py").write_text(TOYS)
    monkeypatch.syspath_prepend(tmp_path)

    def run(values: list[float], workers: int = 1, **settings: Any) -> Search:
        rules = {"x": {"values": values}}
        file = SweepFile(Path("toy.yaml"), "grid", "valid/ic", True, rules, ())
        space = read_space(rules, "toy.yaml")
        search = SearchSettings(tmp_path / "out", **settings)
        prepared = SweepRun(file, space, (), search, workers, function=f"{name}:square")
        found = Search(file, space, search, "identity")
        try:
            run_trials(prepared, found, str)
        finally:
            found.close()
        return found

    return run


def test_failures_do_not_end_a_sweep(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    found = toy([-1.0, 3.0, -2.0, 2.0], workers=2)
    assert [trial.state.name for trial in found.trials()] == ["FAIL", "COMPLETE"] * 2
    assert [trial.value for trial in found.trials()][1::2] == [9.0, 4.0]
    best = found.best()
    assert best is not None
    assert best.number == 1
    told = capsys.readouterr().out
    assert "trial 0: FAILED, below zero in 0." in told
    assert "trial 1: valid/ic 9.0 in 0." in told


def test_what_fails_from_the_start_is_not_tried_to_the_end(toy: Toy) -> None:
    with pytest.raises(UserError, match=r"no trial of .*out succeeded: trial 0: below zero"):
        toy([-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0])


def test_trials_that_do_worse_are_pruned(toy: Toy) -> None:
    found = toy([5.0, 4.0, 6.0, 7.0, 8.0, 1.0, 9.0])
    assert [t.state.name for t in found.trials()] == ["COMPLETE"] * 5 + ["PRUNED", "COMPLETE"]
    assert found.trials()[5].last_step == 5


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (
            {"parameters": {"model.width": {"values": [1, 2]}}},
            [],
            "parameters.model.width: fit does not take 1: ",
        ),
        ({"parameters": {LR: {"value": 1}}}, [], "every parameter has one value"),
        ({}, ["--trials", "0"], "argument --trials: '0' is not a whole number of at least 1"),
        ({}, ["--prune", "maybe"], "argument --prune: 'maybe' is neither true nor false"),
        ({}, ["--trainer.logger=X"], "--trainer.logger=X is not for a sweep: each trial"),
        ({}, ["--ckpt_path", "a.ckpt"], "--ckpt_path is not for a sweep"),
        ({}, ["--resume", "true"], "--resume is not for a sweep: each trial begins anew"),
        ({}, ["--seeds", "0..2"], "--seeds is not for a sweep: a trial has one value"),
        ({}, ["--print_config"], "--print_config is not for a sweep: look at one fit"),
        ({}, ["--nonsense", "3"], "unrecognized arguments: --nonsense 3"),
        ({}, ["--data.panel=nowhere"], "nowhere"),
        ({}, ["--storage=a://b"], "--storage a:... cannot be opened"),
    ],
)
def test_slips_are_told_in_a_line_before_anything_runs(
    own_panel: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    options: list[str],
    message: str,
) -> None:
    line = ["sweep", write(tmp_path, **change), "--out", str(tmp_path / "out")]
    assert main([*line, *small(own_panel), *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out" / "trials.csv").exists()


def test_the_file_comes_first_and_help_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    for line in (["sweep"], ["sweep", "--trials", "3"]):
        assert main(line) == 1
        assert (
            "error: sweep needs its file first: alpha-lightning sweep FILE"
            in capsys.readouterr().err
        )
    for line in (["sweep", "--help"], ["sweep", "a.yaml", "--help"]):
        assert main(line) == 0
        told = capsys.readouterr().out
        for option in ("--trials", "--out", "--storage", "--workers", "--threads", "--seed"):
            assert option in told
