"""A study of two units and three seeds, watched in W&B offline, read back with its own reader."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.returns import LABEL, Horizon
from alpha_lightning.study.command import parse, run
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.wandb_summary import (
    Watched,
    best_epoch,
    by_seed,
    figures,
    summarise,
)
from tests.study.conftest import study_tree

Run = list[dict[str, Any]]


def nobody(patch: pytest.MonkeyPatch, home: Path) -> None:
    """A user without an account, whose files are the test's."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_IDENTITY_TOKEN_FILE"):
        patch.delenv(name, raising=False)
    patch.setenv("WANDB_BASE_URL", "https://api.wandb.test")
    patch.setenv("NETRC", str(home / "netrc"))
    patch.setenv("WANDB_SILENT", "true")
    patch.setenv("WANDB_DATA_DIR", str(home))


WHOLE = pytest.param((["gru", "lstm"], [0, 1, 2]), marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[(["gru"], [0, 1]), WHOLE])
def watched(
    panel_path: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[StudySettings, str]:
    """The study, and what it printed."""
    folder = tmp_path_factory.mktemp("watched")
    units, seeds = request.param
    tree = study_tree(folder) | {"out": str(folder / "out"), "seeds": seeds}
    tree["units"] = tree["units"][: len(units)]
    tree["source"] = {"panel": str(shutil.copytree(panel_path, folder / "panel"))}
    tree |= {"tracking": {"wandb": "offline", "project": "alpha", "tags": ["tiny"]}}
    tree["integration"] = ["v1"]
    tree["evaluation"] = {"baselines": [], "weightings": [], "dataset_value": False}
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(tree))
    with pytest.MonkeyPatch.context() as patch:
        nobody(patch, folder)
        settings, _, resolved = parse([str(file)])
        return settings, run(settings, 1, resolved)


@pytest.fixture(scope="module")
def runs(watched: tuple[StudySettings, str]) -> dict[str, Run]:
    """Records of every W&B run of the study, by group and name."""
    found = {}
    for place in sorted((watched[0].folder / "wandb").glob("offline-run-*")):
        command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        run = [json.loads(line) for line in done.stdout.splitlines()]
        about = of(run, "run")[0]
        name = f"{about['run_group']}/{about['display_name']}"
        assert name not in found, "one run a network"
        found[name] = run
    return found


def of(run: Run, kind: str) -> list[dict[str, Any]]:
    return [record[kind] for record in run if record["type"] == kind]


def table(settings: StudySettings, run: Run, name: str) -> pd.DataFrame:
    """A table of W&B as it lies in its files."""
    item = next(r["item"] for r in of(run, "history") if f"{name}.path" in r["item"])
    (file,) = (settings.folder / "wandb").glob(f"offline-run-*/files/{item[f'{name}.path']}")
    read = json.loads(file.read_text())
    return pd.DataFrame(read["data"], columns=read["columns"])


def test_each_network_has_a_run_with_its_name_group_and_configuration(
    watched: tuple[StudySettings, str], runs: dict[str, Run]
) -> None:
    units, seeds = watched[0].unit_names, watched[0].seeds
    networks = {f"tiny/{u}/rawbar/2022/s{s}": (u, s) for u in units for s in seeds}
    assert runs.keys() == networks.keys() | {"tiny/summary"}
    for name, (unit, seed) in networks.items():
        about = of(runs[name], "run")[0]
        assert (about["project"], about["tags"], about["job_type"]) == ("alpha", ["tiny"], "fit")
        config = about["config"]["update"]
        flat = {"unit": unit, "dataset": "rawbar", "vintage": 2022, "seed": seed}
        assert {key: config[key] for key in flat} == flat
        folder = watched[0].folder / "units" / unit / "rawbar" / "v2022" / f"s{seed}"
        resolved = yaml.safe_load((folder / "config.yaml").read_text())
        for section in ("model", "data", "seed_everything"):
            assert config[section] == resolved[section]
        logged = pd.read_csv(folder / "metrics.csv")["valid/rank_ic"].dropna().tolist()
        items = [record["item"] for record in of(runs[name], "history")]
        seen = [item["valid/rank_ic"] for item in items if "valid/rank_ic" in item]
        assert seen == pytest.approx(logged, rel=1e-6)
        assert sum("valid/ic_by_date.path" in item for item in items) == len(logged)


def test_the_summary_tells_ic_by_seed_and_what_averages_are_worth(
    watched: tuple[StudySettings, str], runs: dict[str, Run]
) -> None:
    settings, summary = watched[0], runs["tiny/summary"]
    seeds = table(settings, summary, "ic_by_seed")
    expected = [[unit, seed] for seed in settings.seeds for unit in settings.unit_names]
    assert seeds[["unit", "seed"]].to_numpy().tolist() == expected
    for row in seeds.to_dict("records"):
        folder = settings.folder / "units" / row["unit"] / "rawbar/v2022" / f"s{row['seed']}"
        logged = pd.read_csv(folder / "metrics.csv").dropna(subset="valid/ic")
        best = logged.loc[logged["valid/ic"].idxmax()]
        assert row["valid/rank_ic"] == pytest.approx(best["valid/rank_ic"])
        assert row["epoch"] == best["epoch"]
    written = pd.read_csv(settings.folder / "evaluation/tables/ensemble.csv")
    ensemble = table(settings, summary, "ensemble")
    names = ["single_pct", "predicted_pct", "measured_pct"]
    np.testing.assert_allclose(ensemble[names].astype(float), written[names], rtol=1e-9)
    label = str(Horizon(*LABEL))
    for row in written.query("what == 'runs' and count == 1").to_dict("records"):
        if row["horizon"] == label:
            mean = seeds[seeds["unit"] == row["score"]]["score/rank_ic"].mean()
            assert 100 * mean == pytest.approx(row["single_pct"], rel=1e-6)
            told = {k: v for update in of(summary, "summary") for k, v in update["update"].items()}
            place = f"ensemble/{row['score']}/1 runs/measured_pct"
            assert told[place] == pytest.approx(row["measured_pct"])


def test_the_report_its_tables_and_figures_are_there(
    watched: tuple[StudySettings, str], runs: dict[str, Run]
) -> None:
    settings, summary = watched[0], runs["tiny/summary"]
    report = settings.folder / "report"
    drawn = figures((report / "index.html").read_text())
    assert drawn
    items = {key for record in of(summary, "history") for key in record["item"]}
    assert items > {f"figures/{name}.path" for name in drawn} | {"report.path"}
    (artifact,) = (a for a in of(summary, "artifact") if a["name"] == "tiny-report")
    held = {content["path"] for content in artifact["manifest"]["contents"]}
    assert held == {p.relative_to(report).as_posix() for p in report.rglob("*") if p.is_file()}


def test_the_study_says_how_to_look_at_it(watched: tuple[StudySettings, str]) -> None:
    assert "group by config.unit" in watched[1]
    assert f"wandb sync {watched[0].folder}/wandb/offline-run-*" in watched[1]


def test_a_log_that_is_not_there_leaves_holes(tmp_path: Path) -> None:
    assert best_epoch(tmp_path) == {}
    row = by_seed([Watched("gru", "rawbar", 2022, "oos_lagged", 1, str(tmp_path))], {})[0]
    assert row == ["gru", "rawbar", 2022, "oos_lagged", 1, None, None, None, None]


def test_what_wandb_refuses_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    def refuse(**settings: Any) -> None:
        raise wandb.errors.CommError(f"no project {settings['project']}")

    monkeypatch.setattr(wandb, "init", refuse)
    tracking: dict[str, Any] = {
        "project": "p",
        "entity": None,
        "tags": [],
        "wandb": "online",
        "artifacts": False,
    }
    with pytest.raises(UserError, match="Weights & Biases: no project p: run `wandb login`"):
        summarise(str(tmp_path), "mine", [], {}, tracking)


def test_a_study_that_goes_online_without_a_key_is_refused_before_it_runs(
    tree: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nobody(monkeypatch, tmp_path)
    file = tmp_path / "study.yaml"
    tree |= {"tracking": {"wandb": "online"}, "out": str(tmp_path / "out")}
    file.write_text(yaml.safe_dump(tree))
    settings, _, resolved = parse([str(file)])
    with pytest.raises(UserError, match="no key of Weights & Biases for api"):
        run(settings, 1, resolved)
    assert not (tmp_path / "out").exists()
    assert lay_out(settings, planning=True)[-1].name == "wandb"
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert lay_out(settings)[-1].name == "wandb"
