"""W&B runs of trainings, read back with W&B's own reader; nothing talks to a network."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from pytorch_lightning.loggers import WandbLogger

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.cli import main
from alpha_lightning.factors.wandb_runs import explain, goes_online, refuse_without_key

Options = Callable[..., list[str]]
Edited = Callable[..., list[str]]
CSV = "pytorch_lightning.loggers.CSVLogger"
WANDB = "pytorch_lightning.loggers.WandbLogger"


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without an account."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_BASE_URL", "https://api.wandb.test")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path))


@pytest.fixture
def tracked(options: Options, edited: Edited, tmp_path: Path) -> Callable[..., list[str]]:
    """A small fit with CSV and W&B."""

    def make(settings: dict[str, Any], run: str = "run", **changes: Any) -> list[str]:
        own = {"save_dir": str(tmp_path), "project": "alpha", **settings}
        csv = {"save_dir": str(tmp_path), "name": "", "version": run}
        loggers = [
            {"class_path": CSV, "init_args": csv},
            {"class_path": WANDB, "init_args": own},
        ]

        def change(config: Any) -> None:
            config["trainer"]["logger"] = loggers

        line = edited(options(tmp_path / run, **changes), change)
        return [arg for arg in line if not arg.startswith("--trainer.logger")]

    return make


def runs(folder: Path) -> list[list[dict[str, Any]]]:
    """Records of every offline run in a folder, in the order of their beginnings."""
    found = []
    for run in sorted((folder / "wandb").glob("offline-run-*")):
        command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(run)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append([json.loads(line) for line in done.stdout.splitlines()])
    return found


def records(run: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record[kind] for record in run if record["type"] == kind]


def test_runs_one_after_another_are_named_grouped_and_whole(
    tracked: Callable[..., list[str]], tmp_path: Path
) -> None:
    for seed in (3, 4):
        line = tracked({"offline": True, "tags": ["try"]}, f"s{seed}", seed_everything=seed)
        assert main(line) == 0
    first, second = runs(tmp_path)
    for seed, run in ((3, first), (4, second)):
        (about,) = records(run, "run")
        told = (about["display_name"], about["run_group"], about["job_type"], about["project"])
        assert told == (f"s{seed}", "gru/rawbar/2021", "fit", "alpha")
        assert about["tags"] == ["try"]
        config = about["config"]["update"]
        seen = [config[name] for name in ("unit", "dataset", "vintage", "seed")]
        assert seen == ["gru", "rawbar", 2021, seed]
        assert config["model"]["network"]["init_args"]["hidden"] == 8
        assert config["seed_everything"] == seed
        assert [ended["exit_code"] for ended in records(run, "exit")] == [0]
    history, logged = records(first, "history"), pd.read_csv(tmp_path / "s3" / "metrics.csv")
    for name in ("valid/rank_ic", "train/grad_norm", "valid/factor_correlation"):
        online = [record["item"][name] for record in history if name in record["item"]]
        assert online == pytest.approx(logged[name].dropna().tolist(), rel=1e-6), name
    tables = [r["item"] for r in history if "valid/ic_by_date._type" in r["item"]]
    assert len(tables) == 2, "one an epoch"
    by_date = pd.read_csv(tmp_path / "s3" / "ic_by_date.csv")
    folder = min((tmp_path / "wandb").glob("offline-run-*"))
    table = json.loads((folder / "files" / tables[-1]["valid/ic_by_date.path"]).read_text())
    assert table["columns"] == ["date", "ic", "rank_ic", "stocks"]
    assert [row[0] for row in table["data"]] == by_date["date"].tolist()[-len(table["data"]) :]


def test_only_the_first_process_has_a_run_and_what_the_user_says_stays(
    tracked: Callable[..., list[str]], tmp_path: Path
) -> None:
    own = {"offline": True, "name": "mine", "group": "ours", "job_type": "try"}
    several = {"trainer.strategy": "ddp_fork", "trainer.devices": 2, "collective_timeout": 60}
    assert main(tracked(own, **several, **{"trainer.max_epochs": 1})) == 0
    (run,) = runs(tmp_path)
    (about,) = records(run, "run")
    assert (about["display_name"], about["run_group"], about["job_type"]) == ("mine", "ours", "try")
    assert any("valid/rank_ic" in record["item"] for record in records(run, "history"))


def test_seeds_together_have_a_run_each(tracked: Callable[..., list[str]], tmp_path: Path) -> None:
    line = tracked({"offline": True}, seeds="0,1", **{"trainer.max_epochs": 1})
    assert main(line) == 0
    about = [records(run, "run")[0] for run in runs(tmp_path)]
    assert [run["display_name"] for run in about] == ["s0", "s1"]
    assert [run["config"]["update"]["seed"] for run in about] == [0, 1]
    assert {run["run_group"] for run in about} == {"gru/rawbar/2021"}


@pytest.mark.filterwarnings("ignore:.*directory .* exists and is not empty")
def test_a_resumed_run_is_the_same_run_and_a_new_one_is_not(
    tracked: Callable[..., list[str]], tmp_path: Path
) -> None:
    for resume, epochs in (("false", 1), ("true", 2), ("false", 1)):
        changes = {"resume": resume, "trainer.max_epochs": epochs}
        assert main(tracked({"offline": True}, **changes)) == 0
    first, second, third = (records(run, "run")[0]["run_id"] for run in runs(tmp_path))
    assert first == second != third


def test_a_run_that_dies_is_closed_as_failed(
    tracked: Callable[..., list[str]], tmp_path: Path
) -> None:
    diverges = {"model.optimizer.init_args.lr": 1e30, "trainer.max_epochs": 1}
    assert main(tracked({"offline": True}, **diverges)) == 1
    (run,) = runs(tmp_path)
    assert [ended["exit_code"] for ended in records(run, "exit")] == [1]


def test_a_key_that_is_missing_is_one_line_before_anything_is_written(
    tracked: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = tracked({})
    assert main(line) == 1
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert "no key of Weights & Biases for api.wandb.test: run `wandb login`" in told
    assert "WANDB_MODE=offline" in told
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "wandb").exists()


def test_without_weights_and_biases_nothing_of_it_is_loaded_or_asked_for(
    options: Options, tmp_path: Path
) -> None:
    script = f"""
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError(f"talks to {{args}}")
socket.socket.connect = refuse
from alpha_lightning.cli import main
code = main({options(tmp_path / "run", **{"trainer.max_epochs": 1})!r})
print(code, "wandb" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 False"
    assert not list(tmp_path.rglob("wandb"))


@pytest.mark.parametrize("how", ["environment", "netrc"])
def test_a_key_is_found_where_wandb_looks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with pytest.raises(UserError, match="no key"):
        refuse_without_key()
    if how == "environment":
        monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    else:
        (tmp_path / "netrc").write_text("machine api.wandb.test login user password " + "x" * 40)
    refuse_without_key()


def test_the_server_is_the_one_of_wandbs_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    monkeypatch.delenv("WANDB_BASE_URL")
    settings = SimpleNamespace(base_url="https://own.server:8080")
    monkeypatch.setattr(wandb, "setup", lambda: SimpleNamespace(settings=settings))
    with pytest.raises(UserError, match=r"for own\.server:"):
        refuse_without_key()


@pytest.mark.parametrize(
    ("mode", "environment", "online"),
    [
        (None, None, True),
        (None, "offline", False),
        (None, "disabled", False),
        ("offline", None, False),
        ("online", "offline", True),
    ],
)
def test_which_runs_go_online(
    monkeypatch: pytest.MonkeyPatch, mode: str | None, environment: str | None, online: bool
) -> None:
    if environment:
        monkeypatch.setenv("WANDB_MODE", environment)
    assert goes_online(mode) is online


def test_what_wandb_refuses_is_the_users_to_mend_and_nothing_else_is() -> None:
    import wandb

    with pytest.raises(UserError, match="Weights & Biases: no such entity: run `wandb login`"):
        explain(wandb.errors.CommError("no such\n entity"))
    explain(RuntimeError("something else"))


def test_an_error_of_wandb_on_starting_a_run_ends_in_one_line(
    tracked: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import wandb

    def refuse(self: WandbLogger) -> None:
        raise wandb.errors.CommError("permission denied")

    monkeypatch.setattr(WandbLogger, "experiment", property(refuse))
    assert main(tracked({"offline": True})) == 1
    assert "Weights & Biases: permission denied" in capsys.readouterr().err
