"""A fit that is a trial: what it tells, and how it is stopped."""

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.pruning import PrunedError, TrialReport, run_as_trial
from alpha_lightning.factors.training_cli import train

Options = Callable[..., list[str]]
TWO = {"trainer.strategy": "ddp_fork", "trainer.devices": 2, "collective_timeout": 30}


class Recorder:
    """Writes to a file what it hears, in whichever process, and stops after so many epochs."""

    def __init__(self, file: Path, epochs: float = math.inf) -> None:
        self.file, self.epochs = file, epochs

    def report(self, epochs: int, value: float) -> bool:
        self._note(f"{epochs},{value!r}")
        return epochs < self.epochs

    def finish(self, value: float) -> None:
        self._note(f"end,{value!r}")

    def _note(self, line: str) -> None:
        with self.file.open("a") as file:
            file.write(f"{line}\n")

    @property
    def heard(self) -> list[tuple[str, float]]:
        lines = [line.split(",") for line in self.file.read_text().splitlines()]
        return [(epochs, float(value)) for epochs, value in lines]


@pytest.fixture
def trial(options: Options) -> Options:
    def make(folder: Path, monitor: str = "valid/rank_ic", **settings: Any) -> list[str]:
        name = f"{TrialReport.__module__}.{TrialReport.__name__}"
        asked = f"--trainer.callbacks.init_args.monitor={monitor}"
        return [*options(folder, **settings), f"--trainer.callbacks+={name}", asked]

    return make


def ranks(run: Path) -> list[float]:
    values: list[float] = pd.read_csv(run / "metrics.csv")["valid/rank_ic"].dropna().tolist()
    return values


def test_every_validation_is_told_and_at_the_end_that_of_the_weights_kept(
    trial: Options, tmp_path: Path
) -> None:
    run, listener = tmp_path / "run", Recorder(tmp_path / "heard")
    # A step this long makes the first epochs the best ones.
    fast = {"trainer.max_epochs": 5, "model.optimizer.init_args.lr": 0.05}
    run_as_trial(lambda: train(trial(run, **fast)), listener)
    assert [epochs for epochs, _ in listener.heard] == ["1", "2", "3", "4", "5", "end"]
    told = [value for _, value in listener.heard]
    assert told[:-1] == pytest.approx(ranks(run), rel=1e-6)
    kept = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["epoch"]
    assert kept < 4, "else the last one would do as well"
    assert told[-1] == told[kept]


def test_a_trial_that_is_told_to_stop_leaves_its_log_and_no_matrix(
    trial: Options, tmp_path: Path
) -> None:
    run, listener = tmp_path / "run", Recorder(tmp_path / "heard", epochs=2)
    with pytest.raises(PrunedError, match="pruned after 2 epochs at valid/rank_ic"):
        run_as_trial(lambda: train(trial(run, **{"trainer.max_epochs": 5})), listener)
    assert [epochs for epochs, _ in listener.heard] == ["1", "2"]
    assert len(ranks(run)) == 2
    assert not (run / "factors.parquet").exists()


@pytest.mark.parametrize("epochs", [1, math.inf])
def test_several_processes_tell_once_and_stop_together(
    trial: Options, tmp_path: Path, epochs: float
) -> None:
    listener = Recorder(tmp_path / "heard", epochs)
    line = trial(tmp_path / "run", **TWO)
    if epochs == 1:
        with pytest.raises(Exception, match="pruned after 1 epochs"):
            run_as_trial(lambda: train(line), listener)
        assert [told for told, _ in listener.heard] == ["1"]
    else:
        run_as_trial(lambda: train(line), listener)
        assert [told for told, _ in listener.heard] == ["1", "2", "end"]


def test_a_metric_that_nobody_logs(trial: Options, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'valid/sharpe' is not logged; there are .*valid/rank_ic"):
        train(trial(tmp_path / "run", monitor="valid/sharpe"))


def test_what_was_told_is_kept_with_a_checkpoint_and_without_one_the_last_counts(
    tmp_path: Path,
) -> None:
    first, second = TrialReport(), TrialReport()
    state: Any = {"fn": "fit"}
    trainer: Any = SimpleNamespace(
        sanity_checking=False,
        state=SimpleNamespace(**state),
        callback_metrics={"valid/rank_ic": torch.tensor(0.25)},
        checkpoint_callbacks=[],
        global_step=7,
        current_epoch=0,
        is_global_zero=True,
        strategy=SimpleNamespace(reduce_boolean_decision=lambda stop, **_: stop),
    )
    first.on_validation_end(trainer, None)  # type: ignore[arg-type]
    second.load_state_dict(first.state_dict())
    listener = Recorder(tmp_path / "heard")
    run_as_trial(lambda: second.on_fit_end(trainer, None), listener)  # type: ignore[arg-type]
    assert listener.heard == [("end", 0.25)]
    trainer.sanity_checking = True
    trainer.callback_metrics = {}
    first.on_validation_end(trainer, None)  # type: ignore[arg-type]
