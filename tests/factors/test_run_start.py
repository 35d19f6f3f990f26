"""A run is alone in its folder, and goes on only as what it was."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.artefacts.lock import locked
from alpha_lightning.cli import main
from alpha_lightning.factors.run_start import refuse_unnamed_folder

Options = Callable[..., list[str]]


def content(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.fixture
def run(options: Options, fitted: Path, tmp_path: Path) -> Path:
    """A copy of a finished run."""
    return Path(shutil.copytree(fitted, tmp_path / "run"))


def test_a_second_run_in_a_folder_is_refused_before_anything_is_written(
    options: Options, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(run)
    with locked(run):
        for more in ([], ["--resume=true"], ["--ckpt_path=last"]):
            assert main([*options(run), *more]) == 1
            error = capsys.readouterr().err
            assert f"error: another process trains in {run}: wait for it, or give this run" in error
    assert content(run) == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed_everything": 5}, "begun with seed_everything 0, this one has 5"),
        ({"data.date_step": 20}, "begun with data.date_step 10, this one has 20"),
        ({"data.sample.horizon": 5}, "begun with data.sample.horizon 10, this one has 5"),
        ({"model.n_factors": 7}, "made with model.n_factors = 4, the configuration asks for 7"),
        ({"ckpt_path": "some.ckpt"}, "drop --ckpt_path"),
        ({"trainer.logger.init_args.version": "null"}, "needs a folder of a known name"),
    ],
)
def test_another_run_is_not_gone_on_with(
    options: Options,
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, Any],
    message: str,
) -> None:
    before = content(run)
    if "ckpt_path" in settings:
        settings = {"ckpt_path": run / "checkpoints" / "best.ckpt"}
    assert main(options(run, **settings, resume="true")) == 1
    assert message in capsys.readouterr().err
    assert content(run) == before


def test_the_own_state_given_by_its_path_is_gone_on_from(
    options: Options, run: Path, tmp_path: Path
) -> None:
    last = run / "checkpoints" / "last.ckpt"
    longer = {"trainer.max_epochs": 3}
    assert main(options(run, ckpt_path=last, **longer)) == 0
    assert torch.load(last, weights_only=True)["epoch"] == 3
    assert yaml.safe_load((run / "config.yaml").read_text())["ckpt_path"] is None
    assert steps_of_board(run) == [14, 29, 44]
    assert main(options(tmp_path / "whole", **longer)) == 0
    tables = [read_dated_table(f / "factors.parquet") for f in (run, tmp_path / "whole")]
    assert tables[0].values.tobytes() == tables[1].values.tobytes()


def test_a_damaged_state_is_told_with_what_to_do(
    options: Options, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = run / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:5000])
    before = content(run)
    assert main(options(run, resume="true")) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"{last} is damaged" in error
    assert error.endswith("remove it to begin the run from nothing, or bring back a copy of it")
    assert content(run) == before


def test_drafts_of_others_below_the_folder_are_let_be(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a logger the run's folder is where one stands, above the runs of others.
    monkeypatch.chdir(tmp_path)
    theirs = [tmp_path / "gru" / "checkpoints" / ".last.ckpt.0123abcd.tmp"]
    theirs += [tmp_path / ".panel.0123abcd.tmp" / "prices.npy"]
    own = [tmp_path / "checkpoints" / ".last.ckpt.0123abcd.tmp"]
    own += [tmp_path / ".factors.parquet.0123abcd.tmp"]
    for file in theirs + own:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    line = [arg for arg in options(tmp_path / "x") if not arg.startswith("--trainer.logger")]
    assert main([*line, "--trainer.logger=false", "--trainer.max_steps=1"]) == 1
    assert [file.exists() for file in theirs + own] == [True, True, False, False]


@pytest.mark.parametrize("what", ["panel", "dataset"])
@pytest.mark.parametrize("by", ["resume", "ckpt_path"])
def test_another_panel_or_data_set_is_not_trained_on(
    options: Options, run: Path, capsys: pytest.CaptureFixture[str], what: str, by: str
) -> None:
    last = run / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(last, weights_only=True)
    checkpoint["alpha_lightning"][f"{what}_fingerprint"] = "other"
    torch.save(checkpoint, last)
    more = {"resume": "true"} if by == "resume" else {"ckpt_path": last}
    assert main(options(run if by == "resume" else run.with_name("new"), **more)) == 1
    told = {"panel": "another panel (panel_fingerprint other", "dataset": "another data set (data"}
    assert told[what] in capsys.readouterr().err


def test_a_panel_that_has_grown_may_be_served(
    again: Callable[..., list[str]], run: Path, tmp_path: Path
) -> None:
    best = run / "checkpoints" / "best.ckpt"
    checkpoint = torch.load(best, weights_only=True)
    checkpoint["alpha_lightning"]["panel_fingerprint"] = "shorter"
    torch.save(checkpoint, best)
    assert main(again("predict", run, tmp_path / "served")) == 0


def test_without_a_state_it_begins_and_the_configuration_kept_is_the_same(
    options: Options, fitted: Path, tmp_path: Path
) -> None:
    assert main([*options(tmp_path / "run"), "--resume=true"]) == 0
    ours, theirs = ((f / "config.yaml").read_text() for f in (tmp_path / "run", fitted))
    assert ours.replace(str(tmp_path), str(fitted.parent)) == theirs
    tables = [read_dated_table(f / "factors.parquet") for f in (tmp_path / "run", fitted)]
    assert tables[0].values.tobytes() == tables[1].values.tobytes()


def test_what_is_done_is_not_trained_again_only_exported(
    options: Options, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(run)
    (run / "factors.parquet").unlink()
    step = "alpha_lightning.factors.unit.FactorUnit.training_step"
    monkeypatch.setattr(step, lambda *_: pytest.fail("trained"))
    assert main([*options(run), "--resume=true"]) == 0
    after = content(run)
    for name in (
        "factors.parquet",
        "metrics.csv",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
    ):
        assert after[name] == before[name]


def steps_of_board(folder: Path) -> list[int]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(folder))
    board.Reload()
    return [event.step for event in board.Scalars("valid/ic")]


@pytest.mark.filterwarnings("ignore:.*directory .* exists and is not empty")
def test_the_board_shows_the_run_that_is_in_the_folder(options: Options, run: Path) -> None:
    assert steps_of_board(run) == [14, 29]
    # Two runs within a second would be read in the order of their processes.
    for file in run.glob("events*"):
        file.rename(run / f"events.out.tfevents.{1_000_000_000}.before.{file.name[-1]}")
    assert main(options(run, **{"trainer.max_epochs": 1})) == 0
    assert steps_of_board(run) == [14]


def test_a_new_run_leaves_no_state_of_the_old_one_to_go_on_from(
    options: Options, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "checkpoints" / "best.ckpt").unlink()
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patch:
            step = "alpha_lightning.factors.unit.FactorUnit.training_step"
            patch.setattr(step, lambda *_: os._exit(7))
            main(options(run, seed_everything=3))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert not (run / "checkpoints" / "last.ckpt").exists()


@pytest.mark.parametrize(
    ("logger", "refused"),
    [
        (None, False),
        (False, False),
        (True, True),
        ([], False),
        (SimpleNamespace(init_args={"version": None}), True),
        (SimpleNamespace(init_args={"version": "s0"}), False),
        (SimpleNamespace(init_args={}), False),
        ([SimpleNamespace(init_args={"version": None})], True),
    ],
)
def test_a_folder_that_is_new_each_time(logger: Any, refused: bool) -> None:
    if refused:
        with pytest.raises(ValueError, match="known name"):
            refuse_unnamed_folder(logger)
    else:
        refuse_unnamed_folder(logger)
