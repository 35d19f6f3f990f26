"""The task of a study's portfolios."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.grid_settings import CurveSettings, GridSettings
from alpha_lightning.backtest.settings import (
    BenchmarkSettings,
    CostSettings,
    ExecutionSettings,
    SignalSettings,
)
from alpha_lightning.panel.store import Panel
from alpha_lightning.study.horizon import Extent
from alpha_lightning.study.portfolio_tasks import (
    portfolio_tasks,
    portfolios_step,
    refuse_larger_than,
)
from alpha_lightning.study.score_tasks import score_tasks
from alpha_lightning.study.settings import EvaluationSettings, SourceSettings, StudySettings
from alpha_lightning.study.tasks import Task, identify

FIVE = [f"{name}.yaml" for name in ("gru", "agru", "lstm", "restcn", "transformer")]
GROUPS = {"RNN": ["gru", "agru", "lstm"], "RCT": ["gru", "agru", "lstm", "restcn", "transformer"]}


def study(**changes: Any) -> StudySettings:
    given: dict[str, Any] = {
        "name": "mine",
        "units": FIVE,
        "groups": GROUPS,
        "vintages": [2022],
        "source": SourceSettings(daily="bars"),
        "evaluation": EvaluationSettings(weightings=[]),
        "portfolios": GridSettings(names=[10, 20]),
    }
    return StudySettings(**given | changes)


def tasks_of(settings: StudySettings, *, planning: bool = False) -> list[Task]:
    scores = score_tasks(settings, {name: {} for name in settings.unit_names})
    assert tuple(Path(str(task.writes)).stem for task in scores.shown) == settings.score_names
    return list(portfolio_tasks(settings, scores.shown, planning=planning))


def test_portfolios_are_made_of_the_score_that_the_paper_uses() -> None:
    (task,) = tasks_of(study())
    assert task.name == "portfolios"
    assert task.needs == ("ingest", "combine/RCTv1")
    assert task.writes == "runs/mine/portfolios/portfolios.json"
    assert task.arguments["scores"] == ["runs/mine/scores/RCTv1.parquet"]
    assert json.loads(json.dumps(task.arguments)) == task.arguments


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({}, ("RCTv1",)),
        ({"groups": {}}, ("v1",)),
        ({"integration": ["opt", "v0"]}, ("RCTopt",)),
        ({"integration": []}, ("gru",)),
        ({"units": FIVE[2:3], "groups": {}}, ("lstm",)),
        ({"portfolios": GridSettings()}, ()),
        ({"portfolios": GridSettings(names=[5], scores=["summary", "gru"])}, ("summary", "gru")),
    ],
)
def test_scores_may_be_named(changes: dict[str, Any], held: tuple[str, ...]) -> None:
    settings = study(**changes)
    assert settings.held_scores == held
    stems = [Path(path).stem for task in tasks_of(settings) for path in task.arguments["scores"]]
    assert tuple(stems) == held


def test_a_study_without_sizes_has_no_portfolios() -> None:
    assert tasks_of(study(portfolios=GridSettings())) == []


def test_the_universe_is_the_studys_unless_another_is_named() -> None:
    def universe(**signals: Any) -> str:
        asked = GridSettings(names=[5], signals=SignalSettings(**signals))
        (task,) = tasks_of(study(universe="000985", portfolios=asked))
        return str(task.arguments["settings"]["signals"]["universe"])

    assert universe() == "000985"
    assert universe(universe="000300") == "000300"


@pytest.mark.parametrize(
    "change",
    [
        {"names": [10]},
        {"delta": [0.2]},
        {"costs": CostSettings(buy=0.002)},
        {"execution": ExecutionSettings(delay=2)},
        {"benchmark": BenchmarkSettings("000300")},
        {"curves": CurveSettings(cost=[1])},
    ],
)
def test_every_setting_is_in_the_identity(change: dict[str, Any]) -> None:
    tables = SourceSettings(qlib="bars")
    object.__setattr__(tables, "tables", type("Tables", (), {"index_levels": "levels"})())

    def key(portfolios: GridSettings) -> str:
        (task,) = tasks_of(study(source=tables, portfolios=portfolios))
        return identify([replace(task, needs=())], Path("runs/mine"))["portfolios"].key

    first = GridSettings(names=[10, 20])
    assert key(first) == key(GridSettings(names=[10, 20]))
    assert key(replace(first, **change)) != key(first)


def test_the_twap_needs_the_data_set_that_has_it() -> None:
    asked = GridSettings(names=[5], execution=ExecutionSettings(price="twap"))
    bars = SourceSettings(daily="bars", minute="minute", exchange="cn.yaml")
    (task,) = tasks_of(study(datasets=["rawbar", "mschars"], source=bars, portfolios=asked))
    assert task.needs == ("ingest", "prepare/mschars", "combine/RCTv1")


def test_a_table_of_corporate_actions_counts_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "actions.csv"
    asked = GridSettings(names=[5], actions=str(file))
    with pytest.raises(UserError, match=r"actions\.csv does not exist: check portfolios\.actions"):
        tasks_of(study(portfolios=asked))
    (planned,) = tasks_of(study(portfolios=asked), planning=True)
    assert planned.reads == {}
    seen = []
    for text in ("date,symbol,cash,shares\n", "date,symbol,cash,shares\n2022-01-04,A,1,0\n"):
        file.write_text(text)
        (task,) = tasks_of(study(portfolios=asked))
        seen.append(task.reads[str(file)])
    assert seen[0] != seen[1]


def test_more_names_than_stocks_are_refused_before_anything_runs(
    panel_path: Path, tmp_path: Path
) -> None:
    market = tmp_path / "market.yaml"
    market.write_text("market: {stocks: 60, days: 900}\n")
    of_market, of_panel = SourceSettings(market=str(market)), SourceSettings(panel=str(panel_path))
    for source, stocks in ((of_market, 60), (of_panel, 34)):
        fits = study(source=source, portfolios=GridSettings(names=[3]))
        assert len(tasks_of(fits)) == 1
        with pytest.raises(UserError, match=rf"names is \[3, 1000\].* has {stocks} stocks on"):
            tasks_of(replace(fits, portfolios=GridSettings(names=[3, 1000])))
    unknown = Extent(np.empty(0, dtype="datetime64[D]"), 0, 0, {}, "")
    refuse_larger_than(GridSettings(names=[1000]), unknown)


def test_what_a_market_had_before_it_was_changed_does_not_count(
    panel_path: Path, tmp_path: Path
) -> None:
    market = tmp_path / "market.yaml"
    market.write_text("market: {stocks: 60, days: 900}\n")
    shutil.copytree(panel_path, tmp_path / "out/panel")
    source = SourceSettings(market=str(market))
    asked = GridSettings(names=[50])
    assert len(tasks_of(study(source=source, out=str(tmp_path / "out"), portfolios=asked))) == 1


def test_signals_after_the_last_date_are_refused_before_anything_runs(panel_path: Path) -> None:
    source = SourceSettings(panel=str(panel_path))

    def since(start: str) -> GridSettings:
        return GridSettings(names=[3], signals=SignalSettings(start=start))

    assert len(tasks_of(study(source=source, portfolios=since("2022-01-01")))) == 1
    told = r"--portfolios\.signals\.start 2030 is after the last date 2022.*\(the panel "
    with pytest.raises(UserError, match=told):
        tasks_of(study(source=source, portfolios=since("2030")))


def test_a_benchmark_that_a_panel_has_not_is_refused_before_anything_runs(
    panel_path: Path,
) -> None:
    def of(*benchmark: Any) -> GridSettings:
        return GridSettings(names=[3], benchmark=BenchmarkSettings(*benchmark))

    source = SourceSettings(panel=str(panel_path))
    (level,) = Panel.open(panel_path).meta["levels"][:1]
    assert len(tasks_of(study(source=source, portfolios=of(level)))) == 1
    for benchmark, lacking in ((("nowhere",), "level"), (("nowhere", True), "weights")):
        with pytest.raises(UserError, match=f"index is nowhere, of which .* has no {lacking}: it"):
            tasks_of(study(source=source, portfolios=of(*benchmark)))


def test_a_universe_that_a_panel_has_not_is_refused_before_anything_runs(panel_path: Path) -> None:
    source, panel = SourceSettings(panel=str(panel_path)), Panel.open(panel_path)
    for universe in ("all", panel.indices[0]):
        asked = GridSettings(names=[3], signals=SignalSettings(universe=universe))
        assert len(tasks_of(study(source=source, portfolios=asked))) == 1
    asked = GridSettings(names=[3], signals=SignalSettings(universe="nowhere"))
    with pytest.raises(UserError, match=r"universe is nowhere, of which .* no members: it has all"):
        tasks_of(study(source=source, portfolios=asked))


def test_the_step_runs_what_the_task_says_and_replaces_what_was_there(
    panel_path: Path, tmp_path: Path, write_score: Callable[..., str]
) -> None:
    panel = Panel.open(panel_path)
    values = np.full((len(panel.dates), len(panel.symbols)), np.nan)
    values[600:700] = np.random.default_rng(1).normal(size=(100, len(panel.symbols)))
    written = write_score(panel, np.where(panel.listed, values, np.nan), "gru")
    settings = study(
        out=str(tmp_path / "study"),
        units=FIVE[:1],
        groups={},
        source=SourceSettings(panel=str(panel_path)),
        portfolios=GridSettings(names=[5], delta=[0.2], curves=CurveSettings([], [], delay=[2])),
    )
    (task,) = tasks_of(settings)
    (score,) = task.arguments["scores"]
    Path(score).parent.mkdir(parents=True)
    shutil.copyfile(written, score)
    for _ in range(2):
        portfolios_step(**task.arguments)
    about = json.loads(Path(str(task.writes)).read_text())
    assert about["settings"]["names"] == [5]
    assert about["scores"][0]["name"] == "gru"
    assert (tmp_path / "study/portfolios/gru/top5_d0.20/summary.json").is_file()


def test_a_finished_study_tells_of_its_portfolios(finished: StudySettings) -> None:
    made, page = finished.folder / "portfolios", finished.folder / "report"
    about = json.loads((made / "portfolios.json").read_text())
    assert [score["name"] for score in about["scores"]] == ["v1"]
    assert [figure["table"] for figure in about["figures"]] == ["fig16_top5", "fig17_top10"]
    for table in sorted((made / "tables").iterdir()):
        assert (page / "tables" / table.name).read_bytes() == table.read_bytes()
    assert 'id="portfolios"' in (page / "index.html").read_text(encoding="utf-8")
