"""The known traps of Lightning and its company, one test each."""

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from torch import Tensor

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.cli import main
from alpha_lightning.factors.training_cli import TrainingCLI, train
from alpha_lightning.factors.unit import FactorUnit
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.windows.batch_rule import BatchRule
from alpha_lightning.windows.datamodule import CrossSectionDataModule

Options = Callable[..., list[str]]
Edited = Callable[[list[str], Callable[[Any], None]], list[str]]
Fit = Callable[[str], Path]
UNITS = ("gru", "agru", "lstm", "restcn", "transformer")
# 231 dates to learn from, of which the last five validate.
FIVE = {"data.rule.train_share": 0.978}

IN_THE_SAME_FOLDER = pytest.mark.filterwarnings("ignore:.*directory .* exists and is not empty")


def processes(n: int) -> dict[str, Any]:
    several = {"trainer.strategy": "ddp_fork", "trainer.devices": n, "collective_timeout": 30}
    return several if n > 1 else {}


def test_trap_01_metrics_on_uneven_ranks_are_those_of_one_process(
    again: Options, fitted: Path, tmp_path: Path
) -> None:
    logged = []
    for n in (1, 2, 3):
        assert main(again("validate", fitted, tmp_path / str(n), **FIVE, **processes(n))) == 0
        logged.append(pd.read_csv(tmp_path / str(n) / "run" / "validate" / "metrics.csv"))
    assert {"valid/loss", "valid/ic", "valid/rank_ic", "valid/coverage"} < set(logged[0])
    for several in logged[1:]:
        # Sums of float64 in another order, rounded to float32.
        np.testing.assert_allclose(several.to_numpy(), logged[0].to_numpy(), rtol=1e-6)


def test_trap_02_no_date_twice_none_left_out_and_no_idle_process(
    again: Options, fitted: Path, market_panel: Path, tmp_path: Path
) -> None:
    # 492 output dates on 5 processes: two have one more than the others.
    assert main(again("predict", fitted, tmp_path, **processes(5))) == 0
    shared = read_dated_table(tmp_path / "run" / "predict" / "factors.parquet")
    whole = read_dated_table(fitted / "factors.parquet")
    np.testing.assert_array_equal(shared.dates, whole.dates)
    np.testing.assert_array_equal(shared.symbols, whole.symbols)
    assert shared.values.tobytes() == whole.values.tobytes()
    data = CrossSectionDataModule(str(market_panel), vintage=2021)
    data.trainer = SimpleNamespace(global_rank=0, world_size=47)  # type: ignore[assignment]
    with pytest.raises(PanelError, match="47 processes for 46 dates: use at most 46"):
        data.val_dataloader()


@IN_THE_SAME_FOLDER
@pytest.mark.parametrize("path", ["file", "last"])
def test_trap_03_a_checkpoint_overrides_nothing_that_was_asked_for(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    run = tmp_path / "run"
    assert main(options(run)) == 0
    checkpoint = run / "checkpoints" / "last.ckpt" if path == "file" else path
    resumed = options(run, **{"model.optimizer.init_args.lr": 0.5, "ckpt_path": checkpoint})
    assert main(resumed) == 1
    message = "made with model.optimizer.init_args.lr = 0.001, the configuration asks for 0.5"
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", UNITS)
def test_trap_04_every_checkpoint_loads_safely_and_by_itself(
    fit: Fit, market_panel: Path, name: str
) -> None:
    file = fit(name) / "checkpoints" / "best.ckpt"
    state = torch.load(file, weights_only=True)["state_dict"]
    unit = FactorUnit.load_from_checkpoint(file, weights_only=True)
    assert type(unit.network).__name__.lower() == name
    assert all(value.equal(state[key]) for key, value in unit.state_dict().items())
    batch = CrossSectionDataModule(str(market_panel), vintage=2021).test_dataloader().dataset[0]
    assert unit.eval()(batch.windows).shape == (len(batch.assets), 4)


def test_trap_05_two_runs_of_one_logger(options: Options, tmp_path: Path) -> None:
    logger = "trainer.logger.init_args."
    shared = {f"{logger}save_dir": tmp_path, f"{logger}name": "gru", f"{logger}version": "null"}
    for seed in range(2):
        assert main(options(tmp_path / "x", **shared, seed_everything=seed)) == 0
    for seed in range(2):
        folder = tmp_path / "gru" / f"version_{seed}"
        assert yaml.safe_load((folder / "config.yaml").read_text())["seed_everything"] == seed
        assert (folder / "factors.parquet").is_file()
        assert (folder / "checkpoints" / "best.ckpt").is_file()
    assert not (tmp_path / "config.yaml").exists()


def test_trap_05_and_two_runs_of_weights_and_biases(
    options: Options, edited: Edited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_SILENT", "true")

    def track(config: Any) -> None:
        arguments = {"save_dir": str(tmp_path), "project": "alpha", "offline": True}
        path = "pytorch_lightning.loggers.WandbLogger"
        config["trainer"]["logger"] = {"class_path": path, "init_args": arguments}

    line = edited(options(tmp_path / "x", **{"trainer.max_epochs": 1}), track)
    line = [arg for arg in line if not arg.startswith("--trainer.logger")]
    for seed in range(2):
        assert main([*line, f"--seed_everything={seed}"]) == 0
    runs = {}
    for folder in (tmp_path / "wandb").glob("offline-run-*"):
        command = [sys.executable, "-m", "wandb", "leet", "inspect", "--summary", "--json"]
        told = json.loads(subprocess.check_output([*command, str(folder)]))
        assert told["config"]["data"]["vintage"] == 2021, "the whole configuration is sent"
        runs[told["run_id"]] = told["config"]["seed_everything"]
    assert set(runs.values()) == {0, 1}
    folders = {folder.name: folder for folder in (tmp_path / "alpha").iterdir()}
    assert folders.keys() == runs.keys()
    for name, folder in folders.items():
        names = {file.name for file in folder.iterdir()}
        assert names > {"config.yaml", "checkpoints", "factors.parquet", "ic_by_date.csv"}
        assert yaml.safe_load((folder / "config.yaml").read_text())["seed_everything"] == runs[name]


def test_trap_07_arguments_as_sweeps_write_them(options: Options, market_panel: Path) -> None:
    nested = {"panel": str(market_panel), "vintage": 2022, "sample": {"window": 25}}
    sweep = {
        "model.optimizer.init_args.lr": "1e-05",
        "model.network.init_args.hidden": "8",
        "model.loss.init_args.weight": "null",
        "trainer.max_epochs": "8",
    }
    line = [*options(Path("unused"), **sweep)[1:], f"--data={json.dumps(nested)}"]
    line = [*line, "--data.rule={'max_years': 5}"]
    cli = TrainingCLI(line, run=False)
    assert cli.model.configure_optimizers().defaults["lr"] == 1e-5
    assert cli.model.network.recurrence.hidden_size == 8
    assert cli.model.loss.penalty.weight == 1.0
    assert cli.trainer.max_epochs == 8
    assert cli.datamodule.vintage.year == 2022
    assert cli.datamodule.window == 25
    assert cli.datamodule.rule.max_years == 5
    assert cli.datamodule.date_step == 10, "what the nested argument does not name is kept"


LSTM = "alpha_lightning.factors.networks.LSTM"


@pytest.mark.parametrize(
    "second",
    [
        [f"--model.network={LSTM}"],
        ["--model.network", "LSTM"],
        [f"--model.network.class_path={LSTM}"],
        [f'--model.network={{"class_path": "{LSTM}", "init_args": {{"hidden": 4}}}}'],
        [f'--model={{"network": {{"class_path": "{LSTM}"}}}}'],
        ["--config=lstm.yaml"],
        ["-c", "lstm.yaml"],
        ["--model=lstm_model.yaml"],
    ],
)
def test_trap_09_the_network_is_named_once(
    options: Options,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    second: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    network = {"network": {"class_path": LSTM}}
    Path("lstm.yaml").write_text(yaml.safe_dump({"model": network}))
    Path("lstm_model.yaml").write_text(yaml.safe_dump(network))
    assert main([*options(tmp_path / "run"), *second]) == 1
    assert "the network is named twice, GRU then LSTM" in capsys.readouterr().err


def test_trap_09_to_say_the_same_again_is_no_change(options: Options, tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    path = LSTM.replace("LSTM", "GRU")
    file.write_text(yaml.safe_dump({"model": {"network": {"class_path": path}}}))
    trainer = tmp_path / "trainer.yaml"
    trainer.write_text(yaml.safe_dump({"trainer": {"max_epochs": 7}}))
    more = [f"--config={file}", f"--model.network={path}", "--model.network.init_args.hidden=6"]
    cli = TrainingCLI([*options(tmp_path / "run")[1:], *more, f"--config={trainer}"], run=False)
    assert cli.trainer.max_epochs == 7
    assert cli.model.network.recurrence.hidden_size == 6


@pytest.mark.parametrize("name", UNITS)
def test_trap_09_every_unit_prints_its_configuration(
    capsys: pytest.CaptureFixture[str], options: Options, name: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*options(Path("unused"), name), "--print_config"])
    assert ended.value.code == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["model"]["network"]["class_path"].lower().endswith(name)
    assert printed["trainer"]["use_distributed_sampler"] is False


def test_trap_10_epochs_have_different_orders_the_sampler_stays_ours(
    options: Options,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[tuple[int, int]] = []
    step = FactorUnit.training_step

    def spy(self: FactorUnit, batch: Any, index: int) -> Tensor:
        seen.append((self.current_epoch, int(batch.date)))
        return step(self, batch, index)

    monkeypatch.setattr(FactorUnit, "training_step", spy)
    assert main(options(tmp_path / "run", **{"trainer.max_epochs": 3})) == 0
    orders = [[date for epoch, date in seen if epoch == number] for number in range(3)]
    assert len({tuple(order) for order in orders}) == 3
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(orders[2])
    lightnings = options(tmp_path / "other", **{"trainer.use_distributed_sampler": "true"})
    assert main(lightnings) == 1
    assert "trainer.use_distributed_sampler must be false" in capsys.readouterr().err


@IN_THE_SAME_FOLDER
@pytest.mark.parametrize(
    ("unit", "every", "killed", "workers"),
    [
        ("gru", {"every_n_train_steps": 4}, 21, 0),  # goes on in mid-epoch, at step 20 of 15 + 15
        ("gru", {"every_n_train_steps": 4}, 21, 1),
        ("transformer", {"every_n_train_steps": 4}, 21, 0),  # with dropout
        ("gru", {"every_n_train_steps": 5}, 16, 0),  # after the last batch of an epoch
        ("gru", {"every_n_epochs": 1}, 22, 0),  # at the end of an epoch
    ],
)
def test_trap_11_resumed_in_mid_epoch_the_weights_are_the_same_bits(
    options: Options,
    edited: Edited,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at_the_end: dict[str, Tensor],
    unit: str,
    every: dict[str, int],
    killed: int,
    workers: int,
) -> None:
    def keep_steps(config: Any) -> None:
        callbacks = config["trainer"]["callbacks"]
        callbacks[1]["init_args"]["save_last"] = False
        settings = {"filename": "step", "save_last": True, **every}
        path = "pytorch_lightning.callbacks.ModelCheckpoint"
        callbacks.append({"class_path": path, "init_args": settings})

    def line(name: str, **more: Any) -> list[str]:
        changes = {"trainer.max_epochs": 3, "data.batch.workers": workers} | more
        return edited(options(tmp_path / name, unit, **changes), keep_steps)

    train(line("whole"))
    whole = dict(at_the_end)
    step = FactorUnit.training_step

    def dies(self: FactorUnit, batch: Any, index: int) -> Tensor:
        if self.global_step == killed:
            raise KilledError
        return step(self, batch, index)

    monkeypatch.setattr(FactorUnit, "training_step", dies)
    with pytest.raises(KilledError):
        train(line("parts"))
    steps: list[int] = []

    def counts(self: FactorUnit, batch: Any, index: int) -> Tensor:
        steps.append(self.global_step)
        return step(self, batch, index)

    monkeypatch.setattr(FactorUnit, "training_step", counts)
    train(line("parts", ckpt_path="last"))
    assert steps == list(range(steps[0], 45)), "no step is lost or done twice"
    assert 0 < steps[0] < killed
    assert all(value.equal(whole[name]) for name, value in at_the_end.items())
    matrices = [read_dated_table(tmp_path / n / "factors.parquet") for n in ("whole", "parts")]
    assert matrices[0].values.tobytes() == matrices[1].values.tobytes()


class KilledError(Exception):
    """Stands for a kill."""


LAME = """
import os, time
import pytorch_lightning as pl

class Lame(pl.Callback):
    def __init__(self, how: str) -> None:
        self.how = how

    def on_train_start(self, trainer, unit):
        if trainer.global_rank == 1:
            if self.how == "dies":
                os._exit(9)
            time.sleep(600)
"""


@pytest.mark.parametrize("how", ["dies", "idles"])
def test_trap_12_nobody_waits_for_ever(
    options: Options, edited: Edited, tmp_path: Path, how: str
) -> None:
    (tmp_path / "lame.py").write_text(LAME)

    def hamper(config: Any) -> None:
        lame = {"class_path": "lame.Lame", "init_args": {"how": how}}
        config["trainer"]["callbacks"].append(lame)

    settings = processes(2) | {"collective_timeout": 3}
    line = edited(options(tmp_path / "run", **settings), hamper)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "alpha_lightning", *line],
        env=os.environ | {"PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        # Pipes stay open for as long as any of the processes lives.
        _, error = process.communicate(timeout=40)
    finally:
        kill_group(process.pid)
    assert process.returncode not in (0, None)
    assert {"dies": "exit code 9", "idles": "imed out"}[how] in error


def kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_trap_12_the_real_command_on_two_processes(
    again: Options, fitted: Path, tmp_path: Path
) -> None:
    settings = {"trainer.strategy": "ddp", "trainer.devices": 2, "collective_timeout": 60}
    process = subprocess.Popen(
        [
            sys.executable,
            *("-W", "ignore", "-m", "alpha_lightning"),
            *again("predict", fitted, tmp_path, **settings),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.wait(timeout=120) == 0
    finally:
        kill_group(process.pid)
    two = read_dated_table(tmp_path / "run" / "predict" / "factors.parquet")
    whole = read_dated_table(fitted / "factors.parquet")
    assert two.values.tobytes() == whole.values.tobytes()


def test_trap_15_workers_are_sent_an_address(market_panel: Path) -> None:
    data = CrossSectionDataModule(str(market_panel), vintage=2021)
    dataset = data.predict_dataloader().dataset
    size = (market_panel / "datasets" / "rawbar.npy").stat().st_size
    assert len(pickle.dumps(dataset)) < 10_000 < size / 50
    loader = CrossSectionDataModule(str(market_panel), vintage=2021, batch=BatchRule(workers=1))
    for ours, theirs in zip(data.test_dataloader(), loader.test_dataloader(), strict=True):
        assert ours.windows.equal(theirs.windows)
