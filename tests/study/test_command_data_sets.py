"""A whole study on three data sets of a small simulated market, minute bars and trades included."""

import html
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from alpha_lightning.artefacts.dated_table import read_metadata
from alpha_lightning.panel.store import Panel
from alpha_lightning.reports.report import headline
from alpha_lightning.study.command import parse, run
from alpha_lightning.study.inspect import inspect
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import identify, tasks_to_run

ROOT = Path(__file__).parents[2]
THREE = ["rawbar", "mschars", "l2chars"]
MARKET = {
    "market": {
        "stocks": 32,
        "start": "2020-08-03",
        "days": 380,
        "industries": 3,
        # No trades: l2chars is a proxy.
        "intraday": {"bar_minutes": 30, "prints": 1, "trades": False},
    },
    "seed": 2,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudySettings:
    folder = tmp_path_factory.mktemp("data_sets")
    (folder / "market.yaml").write_text(yaml.safe_dump(MARKET))
    unit = yaml.safe_load((ROOT / "configs/units/gru.yaml").read_text())
    unit["model"]["network"]["init_args"]["hidden"] = 4
    unit["model"]["n_factors"] = 3
    unit["trainer"]["max_epochs"] = 1
    (folder / "gru.yaml").write_text(yaml.safe_dump(unit))
    tree: dict[str, Any] = {
        "name": "three",
        "out": str(folder / "out"),
        "source": {
            "market": str(folder / "market.yaml"),
            "exchange": str(ROOT / "configs/market/cn.yaml"),
        },
        "units": [str(folder / "gru.yaml")],
        "datasets": THREE,
        "vintages": [2022],
        "fit": {"data": {"date_step": 8}},
        "weighting": {"min_data_in_leaf": 20, "rounds": 5, "min_dates": 20, "threads": 1},
        "evaluation": {"baselines": ["reversal"]},
    }
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(tree))
    settings, _, resolved = parse([str(file)])
    run(settings, 2, resolved)
    return settings


def table(study: StudySettings, name: str) -> Any:
    return pd.read_csv(study.folder / "evaluation" / "tables" / f"{name}.csv")


def test_the_panel_holds_three_data_sets_and_the_study_is_done(study: StudySettings) -> None:
    panel = Panel.open(study.folder / "panel")
    assert set(panel.datasets) == set(THREE)
    assert panel.meta["fundamentals"]
    tasks = lay_out(study)
    assert tasks_to_run(tasks, identify(tasks, study.folder), study.folder / "tasks") == []


def test_every_subset_of_the_data_sets_is_measured(study: StudySettings) -> None:
    value = table(study, "dataset_value")
    assert len(value["datasets"].unique()) == 7
    assert len(value) == 10 * 6
    full = value[value["role"] == "all"].set_index("horizon")["rank_ic_pct"]
    shown = table(study, "fig06_rank_ic").set_index("score").loc["gru"]
    for horizon in ("5", "10g"):
        assert full[horizon] == pytest.approx(shown[f"rank_ic_{horizon}_pct"], abs=1e-6)


def test_shares_of_every_level_are_there(study: StudySettings) -> None:
    share = table(study, "share_of_attainable")
    counts = share[share["horizon"] == "10g"].groupby("level")["score"].nunique().to_dict()
    assert counts == {
        "unit": 3,
        "data set": 6,
        "weighting": 2,
        "model": 1,
        "baseline": 1,
        "oracle": 4,
    }
    assert (share["oracle_pct"] > 0).all()
    assert share["share_pct"].notna().all()


def test_the_proxy_is_named_wherever_it_was_used(study: StudySettings) -> None:
    scores = study.folder / "scores"
    factors = study.folder / "units" / "gru" / "l2chars" / "v2022" / "s0" / "factors.parquet"
    assert read_metadata(factors)["proxy"] is True
    assert read_metadata(scores / "gru.parquet")["proxies"] == ["l2chars"]
    assert read_metadata(scores / "gru/mean/l2chars.parquet")["proxies"] == ["l2chars"]
    assert read_metadata(scores / "gru/rawbar+mschars.parquet")["proxies"] == []
    sentence = "l2chars is a proxy made from minute bars, not Level-2 data."
    about = json.loads((study.folder / "evaluation" / "evaluation.json").read_text())
    assert sentence in about["warnings"]
    page = (study.folder / "report" / "index.html").read_text()
    assert page.index(sentence) < page.index("<table")
    lacking = Panel.open(study.folder / "panel").meta["datasets"]["l2chars"]["lacking"]
    assert lacking
    assert all(html.escape(text) in page for text in lacking)
    assert sentence in headline(str(study.folder))


def test_inspect_tells_of_the_market_and_the_panel(study: StudySettings) -> None:
    vendor = inspect([str(study.folder / "vendor")])
    for words in ("from what the trades tables show alone", "news of the last 30 days", "minute"):
        assert words in vendor
    panel = inspect([str(study.folder / "panel")])
    assert "a proxy made from minute bars, not Level-2 data" in panel
    assert "data set mschars" in panel
