"""Settings that contradict themselves, or each other."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid
from alpha_lightning.backtest.grid_settings import GridSettings
from alpha_lightning.backtest.settings import BenchmarkSettings, ExecutionSettings
from alpha_lightning.panel.ingest import SideTables
from alpha_lightning.study.command import parse
from alpha_lightning.study.settings import (
    EvaluationSettings,
    SourceSettings,
    StudySettings,
    TrackingSettings,
    training_seed,
)
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings


def settings(**changes: Any) -> StudySettings:
    given: dict[str, Any] = {
        "name": "mine",
        "units": ["units/gru.yaml"],
        "vintages": [2024],
        "source": SourceSettings(panel="panel"),
    }
    return StudySettings(**given | changes)


def against(index: str, *, whole: bool = False) -> GridSettings:
    return GridSettings(names=[9], benchmark=BenchmarkSettings(index, whole))


def test_defaults_make_a_study() -> None:
    assert settings().folder == Path("runs/mine")
    assert settings(out="elsewhere").folder == Path("elsewhere")
    assert settings(universe="000300", fit={"data": {"sample": {"gap": 2}}}).sample == {
        "gap": 2,
        "universe": "000300",
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"units": []}, "units is []: name at least one"),
        ({"vintages": [2024, 2024]}, "vintages is [2024, 2024]"),
        ({"seeds": []}, "seeds is []"),
        ({"datasets": ["rawbar", "rawbar"]}, "datasets"),
        ({"evaluation": EvaluationSettings(baselines=["reversal"] * 2)}, "evaluation.baselines"),
        ({"source": SourceSettings()}, "source names nothing"),
        ({"source": SourceSettings(panel="a", daily="b")}, "['panel', 'daily']"),
        ({"threads": 0}, "threads is 0"),
        ({"units": ["a/gru.yaml", "b/gru.yaml"]}, "two units would be called gru"),
        ({"units": ["v1.yaml"]}, "a score of the study is called v1: give v1.yaml another"),
        ({"units": ["summary.yaml"]}, "a score of the study is called summary"),
        ({"groups": {"A": ["gru", "no"]}}, "group A names no, which is no unit of the study: it"),
        ({"groups": {"A": ["gru"]}}, "group A is ['gru']: name two units"),
        ({"groups": {"../A": ["gru", "lstm"]}}, "files cannot be named after group '../A'"),
        ({"groups": {"A/B": ["gru", "lstm"]}}, "files cannot be named after group 'A/B'"),
        ({"groups": {".A": ["gru", "lstm"]}}, "files cannot be named after group '.A'"),
        ({"seeds": [0, -1]}, "seed -1 is out of range: give 0 to 2147483647"),
        ({"seeds": [2**31]}, "seed 2147483648 is out of range"),
        ({"weighting": LightGBMSettings(threads=-1)}, "weighting.threads is -1"),
        ({"weighting": LightGBMSettings(extra={"max_dept": 3})}, "weighting.extra has max_dept"),
        ({"schemes": ["in_sample", "oos_lagged"]}, "name oos_lagged first"),
        ({"schemes": []}, "schemes is []"),
        ({"integration": ["v1", "v1"]}, "integration is ['v1', 'v1']"),
        ({"fit": {"data": {"rule": {"scheme": "in_sample"}}}}, "use schemes instead"),
        ({"fit": {"weighting": {}}}, "fit has no weighting: it may hold trainer, model, data"),
        ({"fit": {"trainer": 3}}, "fit.trainer is 3: it should be a mapping"),
        ({"fit": {"data": None}}, "fit.data is None"),
        ({"fit": {"data": {"sample": [1]}}}, "fit.data.sample is [1]"),
        ({"fit": {"data": {"vintage": 2020}}}, "fit.data.vintage is the study's own to say"),
        ({"fit": {"data": {"panel": "x"}}}, "use source instead"),
        ({"fit": {"data": {"sample": {"universe": "x"}}}}, "use universe instead"),
        ({"fit": {"trainer": {"logger": True}}}, "use out and tracking instead"),
        ({"tracking": TrackingSettings("offline", "")}, "tracking.project is empty"),
        ({"fit": {"trainer": {"devices": 2}}}, "use --jobs instead"),
        ({"source": SourceSettings(panel="a", minute="b")}, "source.minute has no use beside a"),
        ({"source": SourceSettings(market="a", trades="b")}, "source.trades has no use beside"),
        (
            {"source": SourceSettings(daily="a"), "datasets": ["mschars"]},
            "mschars cannot be made: give source.exchange (a YAML of its hours) and source.minute",
        ),
        (
            {"source": SourceSettings(daily="a", trades="b"), "datasets": ["l2chars"]},
            "l2chars cannot be made: give source.exchange (a YAML of its hours)",
        ),
        (
            {"source": SourceSettings(qlib="a", exchange="b"), "datasets": ["rawbar", "l2chars"]},
            "l2chars cannot be made: give source.minute (minute bars)",
        ),
        (
            {"portfolios": GridSettings(names=[9], scores=["gru", "v9"])},
            "portfolios.scores names v9, which is no score of the study: it has gru, reversal",
        ),
        (
            {"portfolios": GridSettings(names=[9], execution=ExecutionSettings(price="twap"))},
            "portfolios.execution.price is twap, which the data set mschars holds",
        ),
        (
            {"portfolios": against("000300"), "source": SourceSettings(daily="a")},
            "benchmark.index is 000300, for which the panel needs source.tables.index_levels",
        ),
        (
            {
                "portfolios": against("000300", whole=True),
                "source": SourceSettings(daily="a", tables=SideTables(index_levels="b")),
            },
            "for which the panel needs source.tables.index_members",
        ),
        ({"portfolios": against("universe", whole=True)}, "total_return is for an index"),
        (
            {"enhanced": EnhancedGrid({"000300": 0.04}, scores=["gru", "v9"])},
            "enhanced.scores names v9, which is no score of the study: it has gru, reversal",
        ),
        (
            {"enhanced": EnhancedGrid({"x": 0.1}, execution=ExecutionSettings(price="twap"))},
            "enhanced.execution.price is twap, which the data set mschars holds",
        ),
        (
            {"enhanced": EnhancedGrid({"000300": 0.04}), "source": SourceSettings(daily="a")},
            "enhanced.indices names 000300, whose weights the panel needs: name source.tables.i",
        ),
        (
            {"enhanced": EnhancedGrid({"000300": 0.04}), "source": SourceSettings(qlib="a")},
            "enhanced.indices names 000300, whose weights the panel needs",
        ),
    ],
)
def test_contradictions_are_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as refused:
        settings(**changes)
    assert words in str(refused.value)
    assert "study mine" in str(refused.value)


@pytest.mark.parametrize("group", ["", "a b", "RNN-2.1", "\u7ec4+"])
def test_groups_may_be_called_what_files_may(group: str) -> None:
    units = ["gru.yaml", "lstm.yaml"]
    assert settings(units=units, groups={group: ["gru", "lstm"]}).members


def test_data_sets_of_minutes_and_trades_are_made_unless_the_panel_is_ready() -> None:
    three = ["l2chars", "mschars", "rawbar"]
    assert settings(datasets=three).characterised == ()
    market = SourceSettings(market="a", exchange="b")
    assert settings(datasets=three, source=market).characterised == ("mschars", "l2chars")
    assert settings(source=SourceSettings(market="a")).characterised == ()
    # Trades need no minutes, minutes stand in for trades.
    bars = SourceSettings(daily="a", exchange="b")
    for source in (replace(bars, trades="c"), replace(bars, minute="c")):
        assert settings(datasets=["l2chars"], source=source).characterised == ("l2chars",)


def test_a_benchmark_is_asked_of_the_tables_that_hold_it() -> None:
    levels = SourceSettings(daily="a", tables=SideTables(index_levels="b"))
    assert settings(portfolios=against("000300"), source=levels).held_scores == ("gru",)
    # What a ready panel or a simulated market has is seen there.
    market = SourceSettings(market="a")
    assert settings(portfolios=against("000300"), source=market).held_scores == ("gru",)
    # Without portfolios none of it matters.
    idle = GridSettings(scores=["no"], benchmark=BenchmarkSettings("000300"))
    assert settings(portfolios=idle, source=SourceSettings(daily="a")).held_scores == ()


def test_enhanced_portfolios_are_of_the_scores_of_the_others_unless_they_name_their_own() -> None:
    asked = EnhancedGrid({"000300": 0.04})
    assert settings(enhanced=asked).enhanced_scores == ("gru",)
    named = GridSettings(names=[9], scores=["summary"])
    assert settings(enhanced=asked, portfolios=named).enhanced_scores == ("summary",)
    own = replace(asked, scores=["reversal"])
    assert settings(enhanced=own, portfolios=named).enhanced_scores == ("reversal",)
    # Without an index none of it matters.
    idle = EnhancedGrid(scores=["no"])
    assert settings(enhanced=idle, source=SourceSettings(daily="a")).enhanced_scores == ()


def test_baselines_may_be_none() -> None:
    assert settings(evaluation=EvaluationSettings(baselines=[])).evaluation.baselines == []


def test_seeds_of_training_are_fixed_for_ever_and_differ() -> None:
    assert training_seed("gru", "rawbar", 2024, 0) == 1290747224
    seeds = {
        training_seed(unit, "rawbar", year, run)
        for unit in ("gru", "lstm")
        for year in range(2017, 2027)
        for run in range(10)
    }
    assert len(seeds) == 200
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(
    ("written", "mode"),
    [("off", None), ("'off'", None), ("offline", "offline"), ("online", "online")],
)
def test_wandb_is_off_however_yaml_reads_it(tmp_path: Path, written: str, mode: str | None) -> None:
    file = tmp_path / "study.yaml"
    text = "name: mine\nunits: [gru.yaml]\nvintages: [2022]\nsource: {panel: a}\n"
    file.write_text(f"{text}tracking:\n  wandb: {written}\n")
    assert parse([str(file)])[0].tracking.mode == mode
