import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.cli import main
from alpha_lightning.factors import seed_run
from alpha_lightning.factors.seed_run import SeedRun
from alpha_lightning.factors.unit import FactorUnit
from alpha_lightning.windows import dataset, resident
from alpha_lightning.windows.shared import forget

Options = Callable[..., list[str]]
NETWORK = "model.network.init_args."
DROPOUT = {f"{NETWORK}dropout": 0.3, f"{NETWORK}layers": 2}
FEW = {"data.date_step": 40, "data.valid_step": 20}
SHORT = {"trainer.max_epochs": 1}
# Seconds, and samples a second, are no two times the same.
MEASURED = ("train/samples_per_s",)


def together(options: Options, folder: Path, seeds: str, **settings: Any) -> int:
    return main([*options(folder, **FEW | settings), f"--seeds={seeds}"])


def test_together_is_bit_for_bit_one_by_one(options: Options, tmp_path: Path) -> None:
    many = {"data.batch.residency": "device", **DROPOUT}
    assert together(options, tmp_path / "many", "0,2", **many) == 0
    logs = {}
    for seed in (0, 2):
        ours, alone = tmp_path / "many" / f"s{seed}", tmp_path / f"alone{seed}"
        assert main(options(alone, seed_everything=seed, **FEW, **DROPOUT)) == 0
        logs[seed] = assert_same(ours, alone)
        assert read_dated_table(ours / "factors.parquet").metadata["seed"] == seed
    assert not logs[0].equals(logs[2]), "each its own initialisation and order"


def test_the_panel_is_loaded_once(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget()
    done: list[str] = []

    def spy(module: Any, name: str) -> None:
        original = getattr(module, name)

        def counted(*args: Any) -> Any:
            done.append(name)
            return original(*args)

        monkeypatch.setattr(module, name, counted)

    spy(dataset, "take_sample")
    spy(resident, "_yardsticks")
    resident_on = {"data.batch.residency": "host"}
    assert together(options, tmp_path / "run", "0..2", **resident_on, **SHORT) == 0
    assert sorted(done) == ["_yardsticks", "take_sample"]
    forget()


def test_one_that_fails_does_not_take_the_others_down(
    options: Options,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trained: list[int] = []
    errors = {1: UserError("no finite valid/ic"), 2: RuntimeError("broken")}

    class Fragile(SeedRun):
        def _run_subcommand(self, subcommand: str) -> None:
            trained.append(self.seed)
            if self.seed in errors:
                raise errors.pop(self.seed)
            super()._run_subcommand(subcommand)

    monkeypatch.setattr(seed_run, "SeedRun", Fragile)
    assert together(options, tmp_path / "run", "0..3", **SHORT) == 1
    assert trained == [0, 1, 2, 3]
    err = capsys.readouterr().err
    last = err.strip().splitlines()[-1]
    assert last == (
        "error: 2 of 4 seeds failed (1, 2), seed 1: no finite valid/ic; the others are done,"
        " started again they are skipped"
    )
    assert "RuntimeError: broken" in err, "where it came from is shown"
    trained.clear()
    before = (tmp_path / "run" / "s0" / "metrics.csv").stat().st_mtime_ns
    assert together(options, tmp_path / "run", "0..3", **SHORT) == 0
    made = [(tmp_path / "run" / f"s{k}" / "factors.parquet").is_file() for k in range(4)]
    assert made == [True] * 4
    assert (tmp_path / "run" / "s0" / "metrics.csv").stat().st_mtime_ns == before, "skipped"


def test_what_is_wrong_with_all_is_told_once(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert together(options, tmp_path / "run", "0..2", **{"data.vintage": 2030}) == 1
    err = capsys.readouterr().err
    assert err.count("vintage 2030") == 1
    assert "seeds failed" not in err


def test_seeds_in_a_file_are_not_overlooked(
    options: Options,
    edited: Callable[..., list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ask(config: Any) -> None:
        config["seeds"] = "0..9"

    assert main(edited(options(tmp_path / "run"), ask)) == 1
    assert "the configuration says seeds: 0..9" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_seed_of_other_settings_is_not_passed_off(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert together(options, tmp_path / "run", "5", **SHORT) == 0
    assert json.loads((tmp_path / "run" / "s5" / "seed.json").read_text())["seed"] == 5
    before = (tmp_path / "run" / "s5" / "metrics.csv").stat().st_mtime_ns
    elsewhere = {"data.batch.residency": "host", "trainer.enable_model_summary": "true"}
    assert together(options, tmp_path / "run", "5", **SHORT, **elsewhere) == 0
    assert (tmp_path / "run" / "s5" / "metrics.csv").stat().st_mtime_ns == before, "still done"
    assert together(options, tmp_path / "run", "5", **{**SHORT, "model.n_factors": 5}) == 1
    assert "s5 holds a seed that was trained with other settings" in capsys.readouterr().err


def test_interrupted_it_ends(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[int] = []

    class Cut(SeedRun):
        def _run_subcommand(self, subcommand: str) -> None:
            del subcommand
            trained.append(self.seed)
            raise SystemExit(143)

    monkeypatch.setattr(seed_run, "SeedRun", Cut)
    with pytest.raises(SystemExit):
        together(options, tmp_path / "run", "0..3")
    assert trained == [0]


def test_cut_off_it_skips_goes_on_and_ends_the_same(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert together(options, tmp_path / "whole", "0..2") == 0
    begun: list[tuple[int, int]] = []
    cut = True

    def watched(unit: FactorUnit) -> None:
        seed = unit.trainer.datamodule.seed  # type: ignore[attr-defined]
        begun.append((seed, unit.current_epoch))
        if cut and begun[-1] == (1, 1):
            raise SystemExit(143)

    monkeypatch.setattr(FactorUnit, "on_train_epoch_start", watched)
    with pytest.raises(SystemExit):
        together(options, tmp_path / "cut", "0..2")
    assert begun == [(0, 0), (0, 1), (1, 0), (1, 1)]
    cut = False
    begun.clear()
    assert together(options, tmp_path / "cut", "0..2") == 0
    assert begun == [(1, 1), (2, 0), (2, 1)]
    for seed in range(3):
        pair = [tmp_path / name / f"s{seed}" for name in ("whole", "cut")]
        assert_same(*pair)


def assert_same(ours: Path, theirs: Path) -> pd.DataFrame:
    """The log of two runs that are to be equal but for the time they took."""
    logs = [
        pd.read_csv(folder / "metrics.csv").drop(columns=list(MEASURED), errors="ignore")
        for folder in (ours, theirs)
    ]
    pd.testing.assert_frame_equal(*logs, check_exact=True)
    for name in ("best.ckpt", "last.ckpt"):
        found = [folder.rglob(name) for folder in (ours, theirs)]
        states = [torch.load(next(files), weights_only=True)["state_dict"] for files in found]
        assert states[0].keys() == states[1].keys()
        for key, value in states[0].items():
            assert value.numpy().tobytes() == states[1][key].numpy().tobytes()
    tables = [read_dated_table(folder / "factors.parquet") for folder in (ours, theirs)]
    assert tables[0].values.tobytes() == tables[1].values.tobytes()
    assert tables[0].metadata["seed"] == tables[1].metadata["seed"]
    return logs[0]


def test_a_checkpoint_for_all_seeds_is_refused_and_resume_needs_no_version(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whatever = tmp_path / "last.ckpt"
    torch.save({"state_dict": {}}, whatever)
    assert together(options, tmp_path / "more", "0..1", ckpt_path=whatever) == 1
    assert f"drop --ckpt_path {whatever}" in capsys.readouterr().err
    assert not (tmp_path / "more").exists()
    unnamed = {"trainer.logger.init_args.version": "null", "resume": "true"}
    assert together(options, tmp_path / "run", "0", **SHORT, **unnamed) == 0
    assert (tmp_path / "s0" / "factors.parquet").is_file()


def test_several_processes_are_refused(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    several = {"trainer.devices": 2, "trainer.strategy": "ddp_fork"}
    assert together(options, tmp_path / "run", "0..1", **several) == 1
    assert "one process, not 2: give --trainer.devices 1" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
