"""`construct` and `backtest` of an enhanced index: files, benchmark, provenance, no future."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.artefacts.dated_table import read_metadata
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.backtest import backtest
from alpha_lightning.backtest.construct import construct
from alpha_lightning.backtest.policies import DEFAULT_POLICY, Wanted, chosen
from alpha_lightning.backtest.settings import BenchmarkSettings, SignalSettings
from alpha_lightning.cli import main
from alpha_lightning.panel.signal_dates import signal_rows
from alpha_lightning.panel.store import Panel
from alpha_lightning.portfolio.enhanced_policy import EnhancedPolicy
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.portfolio.top_n import TopN
from alpha_lightning.risk.build import build_risk_model
from tests.backtest.policies_market import SIMPLE, after, drawn, ingested, score_file, vendor

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / "configs" / "portfolio" / "csi300_enhanced.yaml")
TABLES = ("nav", "trades", "holdings", "decisions", "active_exposures")
SMALL = IndexEnhanced("000300", tracking_error=0.05, floor=0.7, turnover=0.1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("enhanced")


@pytest.fixture(scope="module")
def tables(place: Path) -> dict[str, pl.DataFrame]:
    return vendor(place / "vendor")


@pytest.fixture(scope="module")
def panel(tables: dict[str, pl.DataFrame], place: Path) -> Panel:
    return ingested(tables, place / "whole")


@pytest.fixture(scope="module")
def risk(panel: Panel, place: Path) -> str:
    return str(build_risk_model(panel, place / "risk", SIMPLE))


@pytest.fixture(scope="module")
def score(panel: Panel, place: Path) -> str:
    return score_file(panel, drawn(panel), place / "score.parquet")


def test_the_backtest_of_the_weights_is_that_of_the_policy(
    panel: Panel, risk: str, score: str, tmp_path: Path
) -> None:
    where, given = str(panel.path), dict[str, Any](enhanced=SMALL, risk=risk)
    file = construct(where, score, str(tmp_path / "w.parquet"), **given)
    one = backtest(where, str(tmp_path / "one"), scores=score, **given)
    other = backtest(where, str(tmp_path / "other"), weights=str(file))
    for table in TABLES:
        assert (one / f"{table}.parquet").read_bytes() == (other / f"{table}.parquet").read_bytes()
    mine, theirs = (json.loads((path / "summary.json").read_text()) for path in (one, other))
    for name in ("enhanced", "warnings", "risk", "benchmark", "name"):
        assert mine[name] == theirs[name], name
    assert mine["name"] == "Enhanced 000300 (70 % constituents) of alpha"
    assert mine["benchmark"] == "000300"
    assert mine["risk"]["file"] == risk
    about = read_metadata(file)
    assert (about["policy"]["floor"], about["against"]) == (0.7, "000300")


def test_what_is_written_beside_the_result(
    panel: Panel, risk: str, score: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    backtest(str(panel.path), str(out), scores=score, enhanced=SMALL, risk=risk)
    decided = pl.read_parquet(out / "decisions.parquet")
    assert set(decided["status"]) <= {"solved", "relaxed", "held"}
    solved = decided.filter(pl.col("status") == "solved")
    assert solved.height >= 10
    assert solved["ex_ante_te"].max() <= 0.05 + 1e-7  # type: ignore[operator]
    assert solved["constituents"].min() >= 0.7 - 1e-7  # type: ignore[operator]
    assert decided["violation"].max() <= 1e-7  # type: ignore[operator]
    exposures = pl.read_parquet(out / "active_exposures.parquet")
    factors = exposures.filter(pl.col("date") == exposures["date"][0])["factor"].to_list()
    assert factors[0] == "size"
    assert factors[-1] == "market"
    market = exposures.filter(pl.col("factor") == "market")
    np.testing.assert_allclose(market["portfolio"], 1, atol=1e-6)
    told = json.loads((out / "summary.json").read_text())
    own = told["enhanced"]
    assert own["signals"] == decided.height
    assert own["solved_dates"] == solved.height
    assert own["ex_post_te"] == told["results"]["relative"]["volatility"]
    targets = decided.filter(pl.col("ex_ante_te").is_not_nan())
    assert own["ex_ante_te"] == pytest.approx(targets["ex_ante_te"].mean())
    assert told["settings"]["policy"]["tracking_error"] == 0.05
    assert any("trend" not in text for text in told["warnings"])


def test_the_weights_keep_the_limit_on_turnover(
    panel: Panel, risk: str, score: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    backtest(str(panel.path), str(out), scores=score, enhanced=SMALL, risk=risk)
    decided = pl.read_parquet(out / "decisions.parquet")
    assert decided["turnover"][0] == pytest.approx(0.5)
    later = decided["turnover"][1:] - decided["slack_turnover"][1:]
    assert later.max() <= 0.1 + 1e-7  # type: ignore[operator]
    nav = pl.read_parquet(out / "nav.parquet")
    trades = nav.filter(pl.col("turnover").is_not_nan())["turnover"][1:]
    # What is traded a day later at other prices is near what was decided.
    assert trades.max() <= decided["turnover"][1:].max() + 0.03  # type: ignore[operator]


def test_a_model_is_estimated_for_the_run_when_none_is_named(
    panel: Panel, risk: str, score: str, tmp_path: Path
) -> None:
    where = str(panel.path)
    models: list[dict[str, Any]] = [{"risk": risk}, {"estimate": SIMPLE}]
    files = [
        construct(where, score, str(tmp_path / f"w{k}.parquet"), enhanced=SMALL, **given)
        for k, given in enumerate(models)
    ]
    assert pl.read_parquet(files[0]).equals(pl.read_parquet(files[1]))
    own, made = (read_metadata(file)["risk"] for file in files)
    assert (own["file"], made["file"]) == (risk, None)
    assert own["settings"] == made["settings"]


def test_nothing_after_a_signal_changes_its_decision(
    tables: dict[str, pl.DataFrame], panel: Panel, risk: str, score: str, tmp_path: Path
) -> None:
    # A signal date: what is looked at a day too late shows.
    row = int(signal_rows(panel.dates)[22])
    date = panel.dates[row].item()
    noise = pl.Series(np.exp(np.random.default_rng(1).normal(0, 0.1, tables["daily"].height)))
    prices = ("open", "high", "low", "close", "vwap", "amount", "total_cap", "float_cap")
    found = [name for name in prices if name in tables["daily"].columns]
    daily = tables["daily"].with_columns(after(date, lambda column: column * noise, *found))
    members = tables["index_members"].with_columns(
        after(date, lambda weight: weight.shuffle(seed=1).over("date", "index"), "weight")
    )
    other = ingested(tables | {"daily": daily, "index_members": members}, tmp_path / "other")
    values = drawn(panel, 1)
    values[: row + 1] = drawn(panel)[: row + 1]
    parts = []
    for own, given in ((panel, drawn(panel)), (other, values)):
        file = score_file(own, given, tmp_path / f"{own.path.parent.name}.parquet")
        out = str(tmp_path / f"w{own.path.parent.name}.parquet")
        written = construct(str(own.path), file, out, enhanced=SMALL, estimate=SIMPLE)
        parts.append((pl.read_parquet(written), read_metadata(written)["decisions"]))
    (first, told), (second, changed) = parts
    until = pl.col("date").dt.date() <= date
    assert first.filter(until).height > 100
    assert first.filter(until).equals(second.filter(until))
    assert not first.equals(second)
    early = [day for day in told if day <= str(date)]
    assert len(early) >= 5
    for day in early:
        assert told[day] == changed[day]


def test_the_index_rebuilt_stands_in_for_a_level_that_is_not_there(
    tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    levels = tables["index_levels"].filter(pl.col("index") != "000300")
    own = ingested(tables | {"index_levels": levels}, tmp_path / "own")
    file = score_file(own, drawn(own), tmp_path / "score.parquet")
    model = str(build_risk_model(own, tmp_path / "risk", SIMPLE))
    given: dict[str, Any] = {"scores": file, "enhanced": SMALL, "risk": model}
    out = backtest(str(own.path), str(tmp_path / "out"), **given)
    told = json.loads((out / "summary.json").read_text())
    assert told["benchmark"] == "000300 with dividends"
    assert any("no level of 000300: the benchmark is rebuilt" in text for text in told["warnings"])
    asked = BenchmarkSettings("000905")
    out = backtest(str(own.path), str(tmp_path / "asked"), benchmark=asked, **given)
    assert json.loads((out / "summary.json").read_text())["benchmark"] == "000905"


def test_dividends_in_the_benchmark_when_asked_for(
    panel: Panel, risk: str, score: str, tmp_path: Path
) -> None:
    total = BenchmarkSettings(total_return=True)
    out = str(tmp_path / "out")
    given: dict[str, Any] = {"scores": score, "enhanced": SMALL, "risk": risk}
    folder = backtest(str(panel.path), out, benchmark=total, **given)
    told = json.loads((folder / "summary.json").read_text())
    assert told["benchmark"] == "000300 with dividends"
    assert told["settings"]["benchmark"] == {"index": "000300", "total_return": True}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--enhanced.turnover=-0.1"], "enhanced.turnover is -0.1: it must be 0 or more"),
        (["--enhanced.tracking-error=-1"], "enhanced.tracking_error is -1.0: it must be 0"),
        (["--enhanced.floor", "1.5"], "enhanced.floor is 1.5: it must lie between 0 and 1"),
        (["--enhanced.index", "moon"], "no weights of index 'moon'; it has weights of 0"),
        (["--enhanced.index="], "--risk is for an enhanced index"),
        (["--policy.names", "10"], "policy and enhanced are both given"),
        (["--risk", "nowhere"], "nowhere"),
        (["--enhanced.min-coverage", "1"], "scores for"),
        (["--signals.start", "2030"], "--signals.start 2030 is after the last date"),
    ],
)
@pytest.mark.parametrize("command", ["construct", "backtest"])
def test_a_mistake_is_one_line(
    command: str,
    options: list[str],
    told: str,
    panel: Panel,
    risk: str,
    score: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "folder" / "out.parquet"
    given = ["--config", CONFIG, "--panel", str(panel.path), "--scores", score, "--risk", risk]
    assert main([command, *given, *options, "--out", str(out)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert told in err
    assert err.count("\n") == 1
    assert not out.parent.exists()


def test_the_commands_need_no_further_options(
    panel: Panel, score: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estimate = ["--estimate.kind", "simple", "--estimate.min_days", "30"]
    given = ["--config", CONFIG, "--panel", str(panel.path), *estimate]
    weights, folder = str(tmp_path / "w.parquet"), str(tmp_path / "out")
    assert main(["construct", *given, "--scores", score, "--out", weights]) == 0
    out = capsys.readouterr().out
    assert "Enhanced 000300 of alpha" in out
    assert main(["backtest", *given, "--weights", weights, "--out", folder]) == 0
    assert "held against       000300" in capsys.readouterr().out


def test_signals_before_the_risk_model_begins(panel: Panel, risk: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(len(panel.dates), len(panel.symbols)))
    file = score_file(panel, values, tmp_path / "early.parquet")
    where, given = str(panel.path), dict[str, Any](enhanced=SMALL, risk=risk)
    out = backtest(where, str(tmp_path / "out"), scores=file, **given)
    told = json.loads((out / "summary.json").read_text())
    assert told["enhanced"]["held_dates"] >= 5
    assert any("led to no trade" in text and "no risk model" in text for text in told["warnings"])
    early = SignalSettings(end=str(panel.dates[20]))
    with pytest.raises(UserError, match=r"no portfolio on any of \d+ signal dates \(no risk model"):
        construct(where, file, str(tmp_path / "w.parquet"), signals=early, **given)
    with pytest.raises(UserError, match="no signal led to a trade: no risk model yet"):
        backtest(where, str(tmp_path / "none"), scores=file, signals=early, **given)


def test_another_panels_model_is_refused(panel: Panel, panel_path: Path, risk: str) -> None:
    wanted = Wanted(enhanced=SMALL, risk=risk)
    strange = Panel.open(panel_path)
    with pytest.raises(UserError, match="was not estimated on"), chosen(wanted, strange, "alpha"):
        pass


def test_which_policy_it_is(panel: Panel, risk: str) -> None:
    with chosen(Wanted(TopN(7)), panel, "alpha") as top:
        assert (top.policy, top.name, top.index) == (TopN(7), "TOP-7 of alpha", "")
    with chosen(Wanted(enhanced=SMALL, risk=risk), panel, "alpha") as index:
        assert isinstance(index.policy, EnhancedPolicy)
        assert index.told["tracking_error"] == 0.05
    with pytest.raises(UserError, match="policy and enhanced are both given"):
        Wanted(replace(DEFAULT_POLICY, delta=0.3), SMALL)
