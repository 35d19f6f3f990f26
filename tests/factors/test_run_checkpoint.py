"""Trainings that are killed in a process of their own end as if they had not been."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from pytorch_lightning.callbacks import ModelCheckpoint, Timer

from alpha_lightning.artefacts import atomic
from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.cli import main
from alpha_lightning.factors import export
from alpha_lightning.factors.run_checkpoint import RunCheckpoint, last_checkpoint
from alpha_lightning.factors.run_log import KeptLog
from alpha_lightning.factors.unit import FactorUnit

Options = Callable[..., list[str]]
Plant = Callable[[pytest.MonkeyPatch], None]
# Three epochs of 15 steps; the state is written after each and after steps 4, 8, 12, ...
SMALL = {"trainer.max_epochs": 3, "checkpoint.every_steps": 4}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def forked(line: list[str], plant: Plant | None = None) -> int:
    """Wait status of a command run in a process of its own, with something planted in it."""
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patch:
            if plant is not None:
                plant(patch)
            status = 99
            try:
                status = main(line)
            finally:
                os._exit(status)
    return os.waitpid(child, 0)[1]


def in_a_step(number: int) -> Plant:
    step = FactorUnit.training_step

    def dies(self: FactorUnit, batch: Any, index: int) -> Any:
        if self.global_step == number:
            die()
        return step(self, batch, index)

    return lambda patch: patch.setattr(FactorUnit, "training_step", dies)


def in_validation(epoch: int, number: int) -> Plant:
    step = FactorUnit.validation_step

    def dies(self: FactorUnit, batch: Any, index: int) -> Any:
        if (self.current_epoch, index) == (epoch, number):
            die()
        return step(self, batch, index)

    return lambda patch: patch.setattr(FactorUnit, "validation_step", dies)


def in_the_write(count: int) -> Plant:
    flush, seen = atomic._flush, [0]

    def dies(file: Path) -> None:
        seen[0] += file.name.startswith(".last.ckpt")
        if seen[0] == count:
            os.truncate(file, file.stat().st_size // 2)
            die()
        flush(file)

    return lambda patch: patch.setattr(atomic, "_flush", dies)


def after_best(count: int) -> Plant:
    save, seen = ModelCheckpoint._save_checkpoint, [0]

    def dies(self: ModelCheckpoint, trainer: Any, path: str) -> None:
        save(self, trainer, path)
        seen[0] += 1
        if seen[0] == count:
            die()

    return lambda patch: patch.setattr(ModelCheckpoint, "_save_checkpoint", dies)


def in_the_log(patch: pytest.MonkeyPatch) -> None:
    def dies(self: KeptLog, names: list[str]) -> None:
        Path(self.metrics_file_path).write_text("")
        die()

    patch.setattr(KeptLog, "_rewrite_with_new_header", dies)


def in_the_export(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(export, "_merge_parts", lambda *_: die())


KILLS: dict[str, Plant] = {
    "step 1": in_a_step(0),  # nothing was written yet
    "mid-epoch": in_a_step(22),
    "after the first validation batch": in_validation(1, 0),
    "late in validation": in_validation(2, 3),
    "write at an epoch's end": in_the_write(4),
    "write in mid-epoch": in_the_write(6),
    "best, but not yet last": after_best(1),
    "in the log's new header": in_the_log,
    "in the export": in_the_export,
}
QUICK = ("mid-epoch", "late in validation", "write in mid-epoch", "best, but not yet last")


def tensors(tree: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for name, inner in tree.items():
            yield from tensors(inner, f"{place}/{name}")
    elif isinstance(tree, list | tuple):
        for number, inner in enumerate(tree):
            yield from tensors(inner, f"{place}/{number}")
    else:
        yield place, tree


def same(first: Any, second: Any, but: tuple[str, ...] = ()) -> None:
    """Two nested states are the same bits, paths and times aside."""
    ours, theirs = (
        {place: leaf for place, leaf in tensors(tree) if not any(part in place for part in but)}
        for tree in (first, second)
    )
    assert ours.keys() == theirs.keys()
    for place, value in ours.items():
        other = theirs[place]
        equal = value.equal(other) if isinstance(value, torch.Tensor) else value == other
        assert equal or (value != value and other != other), (place, value, other)  # noqa: PLR0124


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(file, weights_only=True)
    return content


def assert_same_run(whole: Path, parts: Path) -> None:
    """Everything that a run leaves is the same, bit for bit."""
    # Lightning does not take up its note of the score that it last found best.
    paths = ("_path", "dirpath", "best_k_models", "current_score", "TrainingLog")
    first, second = (read(last_checkpoint(run)) for run in (whole, parts))
    for key in ("state_dict", "optimizer_states", "epoch", "global_step"):
        same(first[key], second[key])
    same(first["callbacks"], second["callbacks"], paths)
    same(first["alpha_lightning_run"]["random"], second["alpha_lightning_run"]["random"])
    best = [read(run / "checkpoints" / "best.ckpt") for run in (whole, parts)]
    same(best[0]["state_dict"], best[1]["state_dict"])
    assert best[0]["epoch"] == best[1]["epoch"]
    logs = [pd.read_csv(run / "metrics.csv", dtype=str) for run in (whole, parts)]
    logs = [log.drop(columns=["train/samples_per_s"], errors="ignore") for log in logs]
    pd.testing.assert_frame_equal(*logs)
    tables = [read_dated_table(run / "factors.parquet") for run in (whole, parts)]
    assert tables[0].values.tobytes() == tables[1].values.tobytes()
    assert [file.name for file in parts.rglob(".*")] == []
    # TensorBoard begins a file of its own each time.
    names = [
        sorted(f.name for f in r.rglob("*") if ".tfevents." not in f.name) for r in (whole, parts)
    ]
    assert names[0] == names[1]


@pytest.fixture(scope="module")
def whole(options: Options, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Folder of an uninterrupted run, made when first asked for."""
    done: dict[str, Path] = {}

    def make(unit: str = "gru", **settings: Any) -> Path:
        key = f"{unit} {settings}"
        if key not in done:
            done[key] = tmp_path_factory.mktemp("whole") / "run"
            assert forked(options(done[key], unit, **SMALL, **settings)) == 0
        return done[key]

    return make


def killed_and_resumed(line: list[str], *plants: Plant, expected: int = signal.SIGKILL) -> None:
    for plant in plants:
        assert forked([*line, "--resume=true"], plant) == expected
    assert forked([*line, "--resume=true"]) == 0


@pytest.mark.parametrize(
    "kill", [pytest.param(k, marks=[] if k in QUICK else [pytest.mark.slow]) for k in KILLS]
)
def test_killed_anywhere_it_ends_as_if_it_had_not_been(
    options: Options, whole: Callable[..., Path], tmp_path: Path, kill: str
) -> None:
    killed_and_resumed(options(tmp_path / "run", **SMALL), KILLS[kill])
    assert_same_run(whole(), tmp_path / "run")


@pytest.mark.parametrize("unit", ["transformer", pytest.param("restcn", marks=pytest.mark.slow)])
def test_killed_twice_with_dropout_and_normalisation(
    options: Options, whole: Callable[..., Path], tmp_path: Path, unit: str
) -> None:
    settings = {"model.network.init_args.dropout": 0.2, "trainer.accumulate_grad_batches": 2}
    line = options(tmp_path / "run", unit, **SMALL, **settings)
    killed_and_resumed(line, in_a_step(5), in_validation(2, 1))
    assert_same_run(whole(unit, **settings), tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"trainer.max_steps": 30},
        {"trainer.val_check_interval": 0.4},
        {"trainer.val_check_interval": 8, "trainer.check_val_every_n_epoch": "null"},
    ],
)
def test_limited_by_steps_or_validated_otherwise(
    options: Options, whole: Callable[..., Path], tmp_path: Path, settings: dict[str, Any]
) -> None:
    line = options(tmp_path / "run", **SMALL, **settings)
    # From the end of an epoch, and from within one.
    killed_and_resumed(line, in_a_step(17), in_a_step(20))
    assert_same_run(whole(**settings), tmp_path / "run")


def test_who_stopped_early_does_not_train_on(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = yaml.safe_load(Path(options(tmp_path)[2]).read_text())
    config["trainer"]["callbacks"][0]["init_args"]["patience"] = 1
    file = tmp_path / "impatient.yaml"
    file.write_text(yaml.safe_dump(config))
    settings = {"trainer.max_epochs": 30, "model.optimizer.init_args.lr": 0.05}
    lines = [options(tmp_path / name, **settings) for name in ("whole", "run")]
    for line in lines:
        line[2] = str(file)
    assert forked(lines[0]) == 0
    epochs = read(last_checkpoint(tmp_path / "whole"))["epoch"]
    assert epochs < 30, "stopped early"
    killed_and_resumed(lines[1], in_the_export)
    assert_same_run(tmp_path / "whole", tmp_path / "run")


def test_a_run_that_was_moved_goes_on_in_its_new_place(
    options: Options, whole: Callable[..., Path], tmp_path: Path
) -> None:
    before, now = tmp_path / "before" / "run", tmp_path / "now" / "run"
    assert forked(options(before, **SMALL), in_a_step(40)) == signal.SIGKILL
    now.parent.mkdir()
    before.rename(now)
    assert forked([*options(now, **SMALL), "--resume=true"]) == 0
    assert_same_run(whole(), now)
    kept = read(last_checkpoint(now))["callbacks"]
    assert "before" not in str([state.get("best_model_path") for state in kept.values()])


def test_a_longer_training_is_the_same_as_a_long_one(
    options: Options, whole: Callable[..., Path], tmp_path: Path
) -> None:
    short = options(tmp_path / "run", **SMALL | {"trainer.max_epochs": 2})
    assert forked(short) == 0
    assert forked([*options(tmp_path / "run", **SMALL), "--ckpt_path=last"]) == 0
    assert_same_run(whole(), tmp_path / "run")


@pytest.mark.parametrize(
    ("settings", "written"),
    [
        ({"every_steps": 0, "every_minutes": 0}, [15, 30]),
        ({"every_steps": 6, "every_minutes": 0}, [6, 12, 15, 18, 24, 30]),
        ({"every_steps": 0, "every_minutes": 1e-9}, [*range(1, 31)]),
        ({"every_steps": 0, "every_minutes": 60}, [15, 30]),
    ],
)
def test_how_often_it_is_written(
    options: Options,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    written: list[int],
) -> None:
    steps: list[int] = []
    save = RunCheckpoint.save

    def counts(self: RunCheckpoint, trainer: Any) -> None:
        steps.append(trainer.global_step)
        save(self, trainer)

    monkeypatch.setattr(RunCheckpoint, "save", counts)
    named = {f"checkpoint.{name}": value for name, value in settings.items()}
    # The first batch of an epoch comes after its end was written.
    assert main(options(tmp_path / "run", **named)) == 0
    assert steps == written


@pytest.mark.parametrize(
    ("step", "seconds", "other", "then"),
    [(0, 0.0, 0.0, 1), (10, 1.0, 0.0, 20), (10, 1.0, 0.5, 12), (10, 50.0, 0.0, 11), (8, 0, 0, 72)],
)
def test_the_slowest_process_says_when_to_ask_again(
    monkeypatch: pytest.MonkeyPatch, step: int, seconds: float, other: float, then: int
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: seconds)
    theirs = torch.tensor([15.0, other])
    strategy = SimpleNamespace(
        root_device=torch.device("cpu"), reduce=lambda own, **_: torch.maximum(own, theirs)
    )
    trainer: Any = SimpleNamespace(world_size=2, global_step=step, strategy=strategy)
    ours = RunCheckpoint()
    assert ours._agreed(trainer, 1) == 15
    assert ours._next_look == then


def test_out_of_time_it_goes_on_when_it_is_given_more(options: Options, tmp_path: Path) -> None:
    def slow(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(Timer, "time_elapsed", lambda *_: float(ticks()))

    ticks = iter(range(10**6)).__next__
    # Some two looks at the clock a step: it is up in the midst of the second epoch.
    line = options(tmp_path / "run", **SMALL)
    assert forked([*line, "--trainer.max_time=00:00:00:45"], slow) == 0
    before = read(last_checkpoint(tmp_path / "run"))["global_step"]
    assert 15 < before < 30
    assert forked([*line, "--trainer.max_time=01:00:00:00", "--resume=true"]) == 0
    assert read(last_checkpoint(tmp_path / "run"))["epoch"] == 3


def test_left_before_its_validation_a_resumed_epoch_is_no_mistake(
    options: Options, whole: Callable[..., Path], tmp_path: Path
) -> None:
    settings = {"trainer.max_steps": 20, "data.date_step": 10}
    killed_and_resumed(options(tmp_path / "run", **SMALL, **settings), in_a_step(18))
    assert_same_run(whole(**settings), tmp_path / "run")


@pytest.mark.parametrize("name", ["every_minutes", "every_steps"])
def test_a_negative_interval_is_refused(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(options(tmp_path / "run", **{f"checkpoint.{name}": -1})) == 1
    assert f"checkpoint.{name} is -1" in capsys.readouterr().err


def test_a_quick_look_writes_nothing(options: Options, tmp_path: Path) -> None:
    assert main(options(tmp_path / "run", **{"trainer.fast_dev_run": "true"})) == 0
    assert not list(tmp_path.rglob("*.ckpt"))


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["gru", "transformer"])
def test_killed_at_ten_random_moments(
    options: Options, whole: Callable[..., Path], tmp_path: Path, unit: str
) -> None:
    random = np.random.default_rng(5)
    begin = time.monotonic()
    reference = whole(unit)
    length = time.monotonic() - begin
    line = [*options(tmp_path / "run", unit, **SMALL), "--resume=true"]
    killed = 0
    while killed < 10:
        child = os.fork()
        if child == 0:
            os._exit(main(line))
        time.sleep(random.uniform(0.2, 0.8) * length)
        os.kill(child, signal.SIGKILL)
        killed += 1
        if os.waitpid(child, 0)[1] == 0:  # it was through: once more, from the beginning
            shutil.rmtree(tmp_path / "run")
    assert forked(line) == 0
    assert_same_run(reference, tmp_path / "run")
