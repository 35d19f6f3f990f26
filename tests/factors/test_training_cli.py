import contextlib
import math
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from pytorch_lightning.cli import LightningCLI
from torch import Tensor

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.cli import main
from alpha_lightning.factors import training_cli
from alpha_lightning.factors.training_cli import TrainingCLI, train

UNITS = ("gru", "agru", "lstm", "restcn", "transformer")
Options = Callable[..., list[str]]
Fit = Callable[[str], Path]


def weights(file: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(file, weights_only=True)["state_dict"]
    return state


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    assert first.keys() == second.keys()
    return all(first[name].equal(second[name]) for name in first)


def logged(run: Path, column: str) -> list[float]:
    values: list[float] = pd.read_csv(run / "metrics.csv")[column].dropna().tolist()
    return values


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_through_all_four_commands(
    fit: Fit, again: Options, tmp_path: Path, unit: str
) -> None:
    run = fit(unit)
    files = {str(file.relative_to(run)) for file in run.rglob("*") if file.is_file()}
    files = {file for file in files if not file.startswith("events.out.tfevents.")}
    kept = {"config.yaml", "metrics.csv", "factors.parquet", "ic_by_date.csv", "hparams.yaml"}
    assert files == kept | {"checkpoints/best.ckpt", "checkpoints/last.ckpt"}
    names = set(pd.read_csv(run / "metrics.csv").columns)
    valid = {"loss", "ic", "rank_ic", "rank_ic_ir", "coverage", "factor_correlation"}
    train = {"loss", "ic", "lr", "grad_norm", "grad_norm_max", "samples_per_s"}
    told = {f"valid/{name}" for name in valid} | {f"train/{name}" for name in train}
    assert names == {"epoch", "step"} | told
    for command in ("validate", "test", "predict"):
        assert main(again(command, run, tmp_path)) == 0
    best = max(logged(run, "valid/ic"))
    assert logged(tmp_path / "run" / "validate", "valid/ic") == pytest.approx([best], rel=1e-6)
    tested = set(pd.read_csv(tmp_path / "run" / "test" / "metrics.csv"))
    assert tested >= {"test/ic", "test/rank_ic", "test/coverage"}
    places = (run, tmp_path / "run" / "predict")
    first, second = (read_dated_table(place / "factors.parquet") for place in places)
    assert first.values.tobytes() == second.values.tobytes()
    assert (first.dates == second.dates).all()
    assert (first.symbols == second.symbols).all()
    assert first.metadata == second.metadata
    assert first.metadata["unit"] == unit


def test_same_seed_same_bits(options: Options, fitted: Path, tmp_path: Path) -> None:
    torch.manual_seed(99)  # nothing outside the run may matter
    assert main(options(tmp_path / "same", seed_everything=0)) == 0
    assert main(options(tmp_path / "other", seed_everything=1)) == 0
    first = weights(fitted / "checkpoints" / "last.ckpt")
    assert equal(first, weights(tmp_path / "same" / "checkpoints" / "last.ckpt"))
    assert not equal(first, weights(tmp_path / "other" / "checkpoints" / "last.ckpt"))
    same = read_dated_table(tmp_path / "same" / "factors.parquet")
    assert same.values.tobytes() == read_dated_table(fitted / "factors.parquet").values.tobytes()


def test_the_best_epoch_is_restored_after_stopping_early(
    options: Options,
    edited: Options,
    again: Options,
    tmp_path: Path,
    at_the_end: dict[str, Tensor],
) -> None:
    def impatient(config: Any) -> None:
        config["trainer"]["callbacks"][0]["init_args"]["patience"] = 2

    run = tmp_path / "run"
    line = options(run, **{"trainer.max_epochs": 30, "model.optimizer.init_args.lr": 0.05})
    unit = train(edited(line, impatient)).model
    ic = logged(run, "valid/ic")
    best = ic.index(max(ic))
    assert len(ic) == best + 1 + 2 < 30, "stopped two epochs after the best"
    checkpoint = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert checkpoint["epoch"] == best
    assert equal(unit.state_dict(), checkpoint["state_dict"])
    assert not equal(unit.state_dict(), at_the_end)
    exported = read_dated_table(run / "factors.parquet")
    assert main(again("predict", run)) == 0
    predicted = read_dated_table(run / "predict" / "factors.parquet")
    assert exported.values.tobytes() == predicted.values.tobytes()


def test_a_run_that_diverges_says_so_and_writes_no_matrix(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(options(run, **{"model.optimizer.init_args.lr": "1e30"})) == 1
    error = capsys.readouterr().err
    assert "error: training never reached a finite valid/ic: no factor matrix" in error
    assert not list(run.rglob("*factors*"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data.dataset": "l2chars"}, "has no data set 'l2chars'; it has rawbar"),
        (
            {"data.sample.universe": "csi"},
            "knows no universe 'csi'; it has all, 000300, 000905, 000985",
        ),
        ({"data.vintage": 1999}, "vintage 1999 (oos_lagged) has no training dates"),
        ({"data.sample.horizon": 15}, "label ends 16 days after its date but the purge assumes 11"),
        ({"data.sample.min_stocks": 99}, "no training date of vintage 2021 has 99 stocks"),
        ({"data.panel": "/nowhere"}, "/nowhere is not a panel"),
        ({"trainer.use_distributed_sampler": "true"}, "use_distributed_sampler must be false"),
        ({"model.loss.init_args.weight": -1}, "penalty weight -1"),
        ({"data.sample.window": 1}, "need window >= 2"),
        ({"data.rule.train_share": 2}, "0 < train_share < 1"),
        ({"model.network.init_args.n_features": 3}, "n_features follows from the data"),
    ],
)
def test_mistakes_are_one_message(
    options: Options,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, Any],
    message: str,
) -> None:
    assert main(options(tmp_path / "run", **settings)) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err + printed.out
    assert not list(tmp_path.rglob("*factors*"))


@pytest.mark.parametrize("command", ["validate", "test", "predict"])
@pytest.mark.parametrize("path", [None, "best", "last"])
def test_an_untrained_unit_is_of_no_use(
    fitted: Path, capsys: pytest.CaptureFixture[str], command: str, path: str | None
) -> None:
    line = [command, "--config", str(fitted / "config.yaml")]
    assert main(line if path is None else [*line, f"--ckpt_path={path}"]) == 1
    assert f"{command} needs a trained unit: give --ckpt_path FILE" in capsys.readouterr().err


def test_missing_damaged_and_foreign_checkpoints(
    fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (fitted / "checkpoints" / "best.ckpt").read_bytes()
    cut, noise, foreign = (tmp_path / name for name in ("cut.ckpt", "noise.ckpt", "foreign.ckpt"))
    cut.write_bytes(whole[: len(whole) // 2])
    noise.write_bytes(b"not a checkpoint")
    torch.save({"weights": torch.zeros(3)}, foreign)
    line = ["predict", "--config", str(fitted / "config.yaml"), "--ckpt_path"]
    for file, message in (
        (tmp_path / "none.ckpt", "none.ckpt does not exist: check --ckpt_path"),
        (cut, "cut.ckpt is damaged or not a checkpoint"),
        (noise, "noise.ckpt is damaged or not a checkpoint"),
        (foreign, "foreign.ckpt is not a checkpoint of a factor unit"),
    ):
        assert main([*line, str(file)]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("data.sample.window", 20, "trained with window 30, this run has 20"),
        ("data.sample.universe", "000985", "trained with universe all, this run has 000985"),
        ("data.vintage", 2022, "trained with vintage 2021, this run has 2022"),
        ("data.rule.scheme", "in_sample", "scheme oos_lagged, this run has in_sample"),
        ("data.inputs.cross_section", "false", "with cross_section True, this run has False"),
        ("model.n_factors", 5, "made with model.n_factors = 4, the configuration asks for 5"),
    ],
)
def test_a_checkpoint_made_for_other_data_or_another_unit(
    fitted: Path,
    again: Options,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    value: Any,
    message: str,
) -> None:
    assert main(again("predict", fitted, tmp_path, **{setting: value})) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("*factors*"))


def test_a_checkpoint_of_another_unit(
    options: Options, fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = options(tmp_path / "run", "lstm")
    line[0] = "predict"
    assert main([*line, f"--ckpt_path={fitted / 'checkpoints' / 'best.ckpt'}"]) == 1
    error = capsys.readouterr().err
    assert "network.class_path = alpha_lightning.factors.networks.GRU, the configuration" in error


def test_the_configuration_kept_is_the_one_that_ran(fitted: Path) -> None:
    kept = yaml.safe_load((fitted / "config.yaml").read_text())
    assert kept["model"]["network"]["init_args"]["hidden"] == 8
    assert kept["data"]["vintage"] == 2021
    assert kept["trainer"]["max_epochs"] == 2
    assert kept["seed_everything"] == 0
    checkpoint = torch.load(fitted / "checkpoints" / "best.ckpt", weights_only=True)
    assert checkpoint["hyper_parameters"]["network"]["init_args"]["n_features"] == 6


def test_other_commands_leave_the_files_of_the_fit_alone(
    options: Options, again: Options, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert main(options(run, **{"trainer.max_epochs": 1})) == 0
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    for command in ("validate", "test", "predict"):
        assert main(again(command, run)) == 0
    assert before == {file: file.read_bytes() for file in before}
    logger = "trainer.logger.init_args."
    assert main(again("predict", run, **{f"{logger}version": 3, f"{logger}name": "x"})) == 0
    assert (tmp_path / "x" / "version_3" / "predict" / "factors.parquet").is_file()
    assert main(again("predict", run, **{f"{logger}version": "null", f"{logger}name": "y"})) == 0
    assert (tmp_path / "y" / "version_0" / "factors.parquet").is_file()


def test_the_collective_timeout_reaches_every_ddp(options: Options, tmp_path: Path) -> None:
    for strategy in ("ddp", "ddp_fork", "ddp_find_unused_parameters_true", "auto"):
        settings = {"collective_timeout": 12.5, "trainer.strategy": strategy, "trainer.devices": 2}
        cli = TrainingCLI(options(tmp_path / "run", **settings)[1:], run=False)
        strategy_used: Any = cli.trainer.strategy
        assert strategy_used._timeout.total_seconds() == 12.5


def test_one_device_needs_no_timeout(options: Options, tmp_path: Path) -> None:
    cli = TrainingCLI(options(tmp_path / "run")[1:], run=False)
    assert not hasattr(cli.trainer.strategy, "_timeout")
    assert cli.trainer.num_sanity_val_steps == 0


def test_bfloat16_from_end_to_end(options: Options, tmp_path: Path) -> None:
    for precision in ("bf16-mixed", "bf16-true"):
        run = tmp_path / precision
        assert main(options(run, **{"trainer.precision": precision})) == 0
        matrix = read_dated_table(run / "factors.parquet")
        assert str(matrix.values.dtype) == "float32"
        assert all(math.isfinite(v) for v in logged(run, "train/loss"))


def test_a_part_of_the_output_dates_is_no_matrix(
    again: Options, fitted: Path, tmp_path: Path
) -> None:
    line = again("predict", fitted, tmp_path, **{"trainer.limit_predict_batches": 3})
    assert main(line) == 0
    assert not list(tmp_path.rglob("*factors*"))


def test_the_process_line_is_not_read(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["pytest", "--nonsense"])
    cli = TrainingCLI(options(Path("unused"))[1:], run=False)
    assert type(cli.model.network).__name__ == "GRU"


def test_processes_it_started_do_not_outlive_its_failure(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        message = "broken on purpose"
        raise RuntimeError(message)

    cli = TrainingCLI(options(tmp_path / "run")[1:], run=False)
    stuck = subprocess.Popen(["sleep", "60"])
    ended = subprocess.Popen(["true"])
    launcher = SimpleNamespace(procs=[stuck, ended, "forked elsewhere"])
    monkeypatch.setattr(cli.trainer.strategy, "_launcher", launcher)
    monkeypatch.setattr(LightningCLI, "_run_subcommand", fails)
    monkeypatch.setattr(training_cli, "_GRACE_SECONDS", 0.2)
    with pytest.raises(RuntimeError, match="broken on purpose"):
        cli._run_subcommand("fit")
    assert stuck.wait(timeout=10) == -signal.SIGKILL
    assert ended.returncode == 0


def test_a_defect_of_the_program_is_not_blamed_on_the_user(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: LightningCLI) -> None:
        message = "a defect"
        raise ValueError(message) from KeyError("cause")

    monkeypatch.setattr(LightningCLI, "instantiate_classes", fails)
    with pytest.raises(ValueError, match="a defect"):
        TrainingCLI(options(Path("unused"))[1:], run=False)


@pytest.mark.parametrize(
    "half", ["--model.n_factor=7", "--data.n_feature=3", "--trainer.max_epoch=1"]
)
def test_half_a_name_of_an_option_is_none(
    options: Callable[..., list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    half: str,
) -> None:
    with contextlib.suppress(SystemExit):
        assert main([*options(tmp_path / "run"), half]) == 1
    assert half.partition("=")[0] in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
