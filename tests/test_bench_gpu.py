"""The script that times training on an accelerator: what it runs and tells, not how fast it is."""

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from alpha_lightning.factors.training_cli import TrainingCLI
from alpha_lightning.factors.unit import FactorUnit

SCRIPTS = Path(__file__).parents[1] / "scripts"
KEYS = {"samples_per_s", "epoch_over_compute", "seeds_together_over_one", "peak_gpu_gb"}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    spec = importlib.util.spec_from_file_location("bench_gpu", SCRIPTS / "bench_gpu.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def command_line(out: Path, **changes: str) -> list[str]:
    usual = {"device": "cpu", "units": "gru", "features": "6", "stocks": "30", "dates": "800"}
    usual |= {"steps": "2", "rounds": "1", "seeds": "2", "apart": "false", "out": str(out)}
    return [part for name, text in (usual | changes).items() for part in (f"--{name}", text)]


def test_a_row_tells_everything(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trained: list[list[str]] = []

    def watched(line: list[str]) -> None:
        trained.append(line)

    monkeypatch.setattr(script, "train", watched)
    out = tmp_path / "rows.json"
    monkeypatch.setattr(sys, "argv", ["bench_gpu.py", *command_line(out, precisions="bf16-mixed")])
    script.main()
    (row,) = json.loads(out.read_text())
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == row
    assert row.keys() >= KEYS | {"residency", "compiled", "stocks", "dates", "device"}
    assert (row["unit"], row["features"], row["precision"]) == ("gru", 6, "bf16-mixed")
    assert row["peak_gpu_gb"] is None, "no GPU was used"
    assert row["epoch_over_compute"] > 0
    assert [line[3] for line in trained] == ["--seed_everything=0", "--seeds=0..1"]


def test_pure_compute_leaves_the_unit_as_it_was(script: ModuleType) -> None:
    from alpha_lightning.factors.networks import GRU

    unit = FactorUnit(GRU(n_features=6, hidden=8), n_factors=4)
    before = {name: value.clone() for name, value in unit.state_dict().items()}
    seconds = script.compute_seconds(_trainer(), unit, torch.Size([20, 30, 6]), 2)
    assert seconds > 0
    assert all(value.equal(before[name]) for name, value in unit.state_dict().items())


def _trainer() -> Any:
    import pytorch_lightning as pl

    return pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)


def test_apart_is_a_command_a_seed(
    script: ModuleType, tmp_path: Path, panel_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def watched(line: list[str], **_: Any) -> None:
        ran.append(line)

    monkeypatch.setattr(subprocess, "run", watched)
    options = argparse.Namespace(residency="mmap", rounds=1, steps=2, device="cpu")
    config = script.configuration("gru", panel_path, options)
    script.together_over_apart(config, tmp_path / "gru.yaml", 3)
    asked = [next(arg for arg in line if arg.startswith("--seed")) for line in ran]
    assert asked == ["--seeds=0..2", *(f"--seed_everything={r}" for r in range(3))]
    folders = {next(arg for arg in line if "version" in arg) for line in ran}
    assert len(folders) == 4, "no run goes on with another's state"
    # What the commands are given is understood.
    cli = TrainingCLI([*ran[1][4:]], run=False)
    assert cli.datamodule.batch.residency == "mmap"
    assert cli.trainer.max_epochs == 2


def test_without_nvidia_smi_nothing_is_told(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with script.utilisation() as seen:
        pass
    assert seen == []
