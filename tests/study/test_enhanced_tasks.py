"""The tasks of a study's risk model and of its index-enhanced portfolios."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import yaml

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid, LimitSettings
from alpha_lightning.backtest.grid_settings import GridSettings
from alpha_lightning.backtest.settings import (
    Conventions,
    CostSettings,
    ExecutionSettings,
    SignalSettings,
)
from alpha_lightning.panel.ingest import SideTables
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.settings import RiskSettings
from alpha_lightning.study.command import parse
from alpha_lightning.study.enhanced_tasks import (
    enhanced_step,
    enhanced_tasks,
    refuse_short,
    risk_step,
    risk_tasks,
)
from alpha_lightning.study.horizon import Extent
from alpha_lightning.study.logged import Ended
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.schedule import run_on
from alpha_lightning.study.score_tasks import score_tasks
from alpha_lightning.study.settings import EvaluationSettings, SourceSettings, StudySettings
from alpha_lightning.study.tasks import Identity, Task, identify
from tests.backtest.policies_market import SIMPLE, drawn, ingested, score_file, vendor

FIVE = [f"{name}.yaml" for name in ("gru", "agru", "lstm", "restcn", "transformer")]
GROUPS = {"RNN": ["gru", "agru", "lstm"], "RCT": ["gru", "agru", "lstm", "restcn", "transformer"]}
TABLES = SideTables(index_members="members")
BOTH = EnhancedGrid({"000300": 0.04, "000905": 0.05})


def study(**changes: Any) -> StudySettings:
    given: dict[str, Any] = {
        "name": "mine",
        "units": FIVE,
        "groups": GROUPS,
        "vintages": [2022],
        "source": SourceSettings(daily="bars", tables=TABLES),
        "evaluation": EvaluationSettings(weightings=[]),
        "enhanced": BOTH,
    }
    return StudySettings(**given | changes)


def tasks_of(settings: StudySettings, *, planning: bool = False) -> list[Task]:
    scores = score_tasks(settings, {name: {} for name in settings.unit_names})
    own = enhanced_tasks(settings, scores.shown, planning=planning)
    return [*risk_tasks(settings), *own]


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    folder = tmp_path_factory.mktemp("enhanced tasks")
    return ingested(vendor(folder / "vendor"), folder / "own")


def test_the_risk_model_waits_for_the_panel_and_the_portfolios_for_both() -> None:
    risk, enhanced = tasks_of(study())
    assert (risk.name, risk.needs) == ("risk", ("ingest",))
    assert risk.writes == "runs/mine/risk/risk.json"
    assert risk.arguments["settings"] == asdict(RiskSettings())
    assert enhanced.name == "enhanced"
    assert enhanced.needs == ("ingest", "risk", "combine/RCTv1")
    assert enhanced.writes == "runs/mine/enhanced/enhanced.json"
    assert enhanced.arguments["scores"] == ["runs/mine/scores/RCTv1.parquet"]
    assert enhanced.arguments["risk"] == "runs/mine/risk"
    for task in (risk, enhanced):
        assert json.loads(json.dumps(task.arguments)) == task.arguments
    assert tasks_of(study(enhanced=EnhancedGrid())) == []


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({}, ("RCTv1",)),
        ({"groups": {}}, ("v1",)),
        ({"integration": []}, ("gru",)),
        ({"portfolios": GridSettings([5], scores=["RNNv1", "gru"])}, ("RNNv1", "gru")),
        ({"enhanced": replace(BOTH, scores=["summary", "gru"])}, ("summary", "gru")),
    ],
)
def test_scores_may_be_named(changes: dict[str, Any], held: tuple[str, ...]) -> None:
    settings = study(**changes)
    assert settings.enhanced_scores == held
    _, task = tasks_of(settings)
    assert tuple(Path(path).stem for path in task.arguments["scores"]) == held


def test_the_universe_is_the_studys_unless_another_is_named() -> None:
    def universe(**signals: Any) -> str:
        asked = replace(BOTH, signals=SignalSettings(**signals))
        _, task = tasks_of(study(universe="000985", enhanced=asked))
        return str(task.arguments["settings"]["signals"]["universe"])

    assert universe() == "000985"
    assert universe(universe="000300") == "000300"


def test_every_setting_is_in_the_identity_and_the_models_only_in_its_own() -> None:
    def keys(asked: EnhancedGrid) -> tuple[str, str]:
        tasks = [replace(task, needs=()) for task in tasks_of(study(enhanced=asked))]
        found = identify(tasks, Path("runs/mine"))
        return found["risk"].key, found["enhanced"].key

    first = keys(BOTH)
    assert keys(EnhancedGrid(dict(BOTH.indices))) == first
    for change in (
        {"indices": {"000300": 0.04}},
        {"indices": {"000300": 0.04, "000905": 0.06}},
        {"floors": [0.8]},
        {"deltas": [0.2]},
        {"shown": 0.1},
        {"policy": LimitSettings(style=0.4)},
        {"signals": SignalSettings("monthly")},
        {"execution": ExecutionSettings(delay=2)},
        {"costs": CostSettings(buy=0.002)},
        {"total_return": True},
        {"conventions": Conventions(year=250)},
    ):
        risk, enhanced = keys(replace(BOTH, **change))
        assert risk == first[0]
        assert enhanced != first[1], change
    risk, enhanced = keys(replace(BOTH, risk=RiskSettings("simple")))
    assert risk != first[0]
    assert enhanced == first[1]


def test_the_twap_needs_the_data_set_that_has_it() -> None:
    asked = replace(BOTH, execution=ExecutionSettings(price="twap"))
    bars = SourceSettings(daily="b", minute="m", exchange="cn.yaml", tables=TABLES)
    settings = study(datasets=["rawbar", "mschars"], source=bars, enhanced=asked)
    needs = tasks_of(settings)[1].needs
    assert needs == ("ingest", "prepare/mschars", "risk", "combine/RCTv1")


def test_a_table_of_corporate_actions_counts_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "actions.csv"
    asked = study(enhanced=replace(BOTH, actions=str(file)))
    with pytest.raises(UserError, match=r"actions\.csv does not exist: check enhanced\.actions"):
        tasks_of(asked)
    assert tasks_of(asked, planning=True)[1].reads == {}
    seen = []
    for text in ("date,symbol,cash,shares\n", "date,symbol,cash,shares\n2022-01-04,A,1,0\n"):
        file.write_text(text)
        seen.append(tasks_of(asked)[1].reads[str(file)])
    assert seen[0] != seen[1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"indices": {"moon": 0.1}}, "indices names moon, of which .* has no weights: .* 000300"),
        ({"indices": {"000300": 0.1, "csi300": 0.1}}, "would both be called RCTv1/csi300"),
        ({"indices": {"relaxations": 0.1}}, "relaxations of RCTv1 and a table of all portfolios"),
        ({"risk": RiskSettings(min_days=400)}, r"min_days is 400, but .* has 150 dates: lower it"),
        ({"signals": SignalSettings(start="2030")}, r"enhanced\.signals\.start 2030 is after the"),
        ({"signals": SignalSettings(universe="moon")}, "universe is moon, of which .* no members"),
    ],
)
def test_what_a_panel_has_not_is_refused_before_anything_runs(
    panel: Panel, change: dict[str, Any], told: str
) -> None:
    source = SourceSettings(panel=str(panel.path))
    fits = replace(BOTH, signals=SignalSettings(universe="000300", start=str(panel.dates[80])))
    assert len(tasks_of(study(source=source, enhanced=fits))) == 2
    with pytest.raises(UserError, match=told):
        tasks_of(study(source=source, enhanced=replace(BOTH, **change)))


def test_a_table_without_weights_is_refused_before_anything_runs(tmp_path: Path) -> None:
    file = tmp_path / "members.csv"
    asked = study(source=SourceSettings(daily="bars", tables=SideTables(index_members=str(file))))
    assert len(tasks_of(asked)) == 2, "the ingest says that it is not there"
    rows = "2024-01-02,000300,A,0.5\n2024-01-02,000905,A,"
    file.write_text(f"date,index,symbol,weight\n{rows}0.5\n")
    assert len(tasks_of(asked)) == 2
    file.write_text(f"date,index,symbol,weight\n{rows}\n")
    told = "indices names 000905, of which the table .* has no weights: it has weights of 000300;"
    with pytest.raises(UserError, match=told):
        tasks_of(asked)
    file.write_text("date,index,symbol\n2024-01-02,000300,A\n2024-01-02,000905,A\n")
    with pytest.raises(UserError, match=r"names 000300, .* it has weights of no index; ingest"):
        tasks_of(asked)


def test_what_a_market_will_not_have_is_refused_before_anything_runs(tmp_path: Path) -> None:
    market = tmp_path / "market.yaml"
    market.write_text("market: {stocks: 60, days: 900}\n")
    source = SourceSettings(market=str(market))
    assert len(tasks_of(study(source=source))) == 2
    with pytest.raises(UserError, match=r"names moon, of which the market .* 000300, 000905"):
        tasks_of(study(source=source, enhanced=EnhancedGrid({"moon": 0.1})))
    market.write_text("market: {stocks: 60, days: 50}\n")
    with pytest.raises(UserError, match=r"min_days is 60, but the market .* has 50 dates"):
        tasks_of(study(source=source))
    refuse_short(BOTH, Extent(np.empty(0, dtype="datetime64[D]"), 0, 0, {}, ""))


def test_the_steps_run_what_the_tasks_say_and_replace_what_was_there(
    panel: Panel, tmp_path: Path
) -> None:
    asked = EnhancedGrid({"000905": 0.05}, floors=[None], deltas=[0.2], risk=SIMPLE)
    settings = study(
        out=str(tmp_path / "study"),
        units=FIVE[:1],
        groups={},
        source=SourceSettings(panel=str(panel.path)),
        evaluation=EvaluationSettings(weightings=[], paper=True),
        enhanced=asked,
    )
    risk, enhanced = tasks_of(settings)
    (score,) = enhanced.arguments["scores"]
    Path(score).parent.mkdir(parents=True)
    shutil.copyfile(score_file(panel, drawn(panel), tmp_path / "gru.parquet"), score)
    for _ in range(2):
        risk_step(**risk.arguments)
        assert Path(str(risk.writes)).is_file()
        enhanced_step(**enhanced.arguments)
    about = json.loads(Path(str(enhanced.writes)).read_text())
    assert about["settings"] == json.loads(json.dumps(asdict(asked)))
    assert about["scores"][0]["name"] == "gru"
    assert (tmp_path / "study/enhanced/tables/paper_fig20_csi500.csv").is_file()
    assert (tmp_path / "study/enhanced/gru/csi500_d0.20/decisions.parquet").is_file()


class Scripted:
    """Workers on which the named tasks fail."""

    def __init__(self, *bad: str) -> None:
        self.bad = bad
        self.started: list[str] = []
        self.now: list[Task] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        pass

    @property
    def running(self) -> int:
        return len(self.now)

    def room(self, task: Task) -> bool:  # noqa: ARG002
        return not self.now

    def start(self, task: Task, folder: Path, identity: Identity) -> None:  # noqa: ARG002
        self.started.append(task.name)
        self.now.append(task)

    def wait(self) -> Iterator[tuple[Task, Ended]]:
        task = self.now.pop()
        yield task, Ended(1.0, "no memory" if task.name in self.bad else None)


def test_a_model_or_portfolios_that_fail_do_not_lose_the_report(
    tree: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "study.yaml"
    portfolios = {"names": [5], "delta": [0.2]}
    asked = {"portfolios": portfolios, "enhanced": {"indices": {"000300": 0.04}}}
    file.write_text(yaml.safe_dump(tree | asked))
    tasks = lay_out(parse([str(file)])[0])
    names = [task.name for task in tasks]
    assert names.index("risk") < min(k for k, name in enumerate(names) if name.startswith("fit/"))
    keys = identify(tasks, tmp_path)

    def started(*bad: str) -> list[str]:
        workers = Scripted(*bad)
        list(run_on(workers, tasks, keys, tmp_path, 0))
        return workers.started

    assert set(started()) == set(names)
    assert started()[-1] == "report"
    for bad, without in (("risk", {"enhanced"}), ("enhanced", set()), ("portfolios", set())):
        ran = started(bad)
        assert set(names) - set(ran) == without
        assert ran[-1] == "report"
    assert "report" not in started("evaluate")
