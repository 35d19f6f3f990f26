"""Facts of target weights and of backtests."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.backtest.backtest import backtest
from alpha_lightning.backtest.construct import construct
from alpha_lightning.backtest.enhanced_grid import run_enhanced
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid
from alpha_lightning.backtest.grid import run_portfolios
from alpha_lightning.backtest.grid_settings import GridSettings
from alpha_lightning.backtest.settings import SignalSettings
from alpha_lightning.panel.store import Panel
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.portfolio.policy import Target
from alpha_lightning.portfolio.top_n import TopN
from alpha_lightning.portfolio.weights_file import write_weights
from alpha_lightning.risk.build import build_risk_model
from alpha_lightning.study.portfolio_facts import (
    of_backtest,
    of_enhanced,
    of_portfolios,
    of_weights,
)
from tests.backtest.policies_market import SIMPLE, drawn, ingested, score_file, vendor

TEN = TopN(names=10, reserves=5)


@pytest.fixture
def score(panel_path: Path, write_score: Callable[..., str]) -> str:
    panel = Panel.open(panel_path)
    drawn = np.random.default_rng(0).normal(size=(len(panel.dates), len(panel.symbols)))
    drawn[:200] = drawn[260:275] = drawn[320:] = np.nan
    return write_score(panel, drawn)


def test_of_weights(panel_path: Path, score: str, tmp_path: Path) -> None:
    file = construct(str(panel_path), score, str(tmp_path / "w.parquet"), policy=TEN)
    facts = dict(of_weights(file))
    assert facts["name"] == "TOP-10 of alpha"
    assert facts["stocks a date"] == "10 to 10, 10.0 on average"
    assert facts["sum of weights"] == "1 to 1"
    assert facts["reserves"].endswith(" a date")
    assert facts["no trade"].startswith("on 3 signals, first on ")
    assert facts["no trade"].endswith(": no scores")
    assert "names=10" in facts["policy"]
    assert score in facts["score"]
    assert facts["panel"] == Panel.open(panel_path).fingerprint


def test_of_weights_of_another_make(panel_path: Path, tmp_path: Path) -> None:
    panel = Panel.open(panel_path)
    keep = np.array([True, False])
    target = Target(np.array([1, 2]), np.array([0.5, 0.25]), keep, np.empty(0, np.intp))
    file = write_weights(tmp_path / "w.parquet", panel.dates, panel.symbols, [(4, target)], {})
    facts = dict(of_weights(file))
    assert facts["name"] == "w"
    assert facts["sum of weights"] == "0.75 to 0.75"
    assert facts["left as they are"] == "1 of 2 stock-dates"
    assert facts["held until"] == facts["policy"] == facts["panel"] == "not said"
    assert facts["no trade"] == "on 0 signals"
    with pytest.raises(UserError, match="does not exist"):
        dict(of_weights(tmp_path / "nowhere.parquet"))


def test_of_backtest(panel_path: Path, score: str, tmp_path: Path) -> None:
    signals = SignalSettings(end="2020-02-28")
    out = str(tmp_path / "out")
    folder = backtest(str(panel_path), out, scores=score, policy=TEN, signals=signals)
    told = list(of_backtest(folder))
    facts = dict(told)
    # What must be known before the numbers.
    assert told[0][0] == "warnings"
    assert facts["held against"] == "equal-weighted universe"
    assert facts["portfolio"].count("%") == facts["relative"].count("%") == 3
    assert facts["holdings"].endswith("cash on average")
    assert "-0.00%" not in str(told)
    assert facts["no trade"].endswith(": no scores")
    assert "end=2020-02-28" in facts["signals"]
    assert "not said" not in facts.values()
    with pytest.raises(ArtefactError, match="is not a backtest"):
        dict(of_backtest(tmp_path))


def test_of_portfolios(panel_path: Path, score: str, tmp_path: Path) -> None:
    settings = GridSettings(names=[10], delta=[0.2], signals=SignalSettings(end="2020-02-28"))
    folder = run_portfolios(str(panel_path), [score], str(tmp_path / "out"), settings=settings)
    told = list(of_portfolios(folder))
    facts = dict(told)
    assert told[0][0] == "warnings"
    assert facts["held against"] == "equal-weighted universe"
    assert (facts["names"], facts["delta"]) == ("10", "0.2")
    assert facts["dates"].endswith(" signals")
    assert score in facts["score"]
    assert "portfolio_summary" in facts["tables"]
    for broken in ("{", "[]", "{}"):
        (folder / "portfolios.json").write_text(broken)
        with pytest.raises(ArtefactError, match=r"is damaged .*run the portfolios again"):
            dict(of_portfolios(folder))


def test_of_the_portfolio_of_an_enhanced_index(tmp_path: Path) -> None:
    panel = ingested(vendor(tmp_path / "vendor"), tmp_path / "own")
    score = score_file(panel, drawn(panel), tmp_path / "alpha.parquet")
    risk = str(build_risk_model(panel, tmp_path / "risk", SIMPLE))
    enhanced = IndexEnhanced("000300")
    where = str(panel.path), score
    file = construct(*where, str(tmp_path / "w.parquet"), enhanced=enhanced, risk=risk)
    folder = backtest(where[0], str(tmp_path / "out"), scores=score, enhanced=enhanced, risk=risk)
    for facts in (dict(of_weights(file)), dict(of_backtest(folder))):
        assert facts["risk model"] == f"simple, {risk}"
    facts = dict(of_backtest(folder))
    assert re.fullmatch(r"\d\.\d\d% ex ante, \d+\.\d\d% ex post", facts["tracking error"])
    assert re.fullmatch(r"\d+ solved, \d+ relaxed, \d+ failed, \d+ held", facts["decisions"])
    estimated = backtest(
        where[0], str(tmp_path / "own risk"), scores=score, enhanced=enhanced, estimate=SIMPLE
    )
    assert dict(of_backtest(estimated))["risk model"] == "simple, estimated for the run"


def test_of_enhanced(tmp_path: Path) -> None:
    panel = ingested(vendor(tmp_path / "vendor"), tmp_path / "own")
    file = score_file(panel, drawn(panel), tmp_path / "alpha.parquet")
    risk = str(build_risk_model(panel, tmp_path / "risk", SIMPLE))
    asked = EnhancedGrid({"000300": 0.04}, floors=[0.8], deltas=[0.1, 0.2], total_return=True)
    out = str(tmp_path / "out")
    folder = run_enhanced(str(panel.path), risk, [file], out, asked)
    told = list(of_enhanced(folder))
    facts = dict(told)
    assert told[0][0] == "warnings"
    assert facts["index"] == "000300, tracking error 4.00%, against 000300 with dividends"
    assert (facts["floors"], facts["deltas"]) == ("0.8", "0.1, 0.2")
    assert facts["dates"].endswith(" signals")
    assert "style=0.5" in facts["policy"]
    assert (facts["risk model"], facts["panel"]) == (risk, panel.fingerprint)
    assert file in facts["score"]
    assert "front_page" in facts["tables"]
    for broken in ("{", "[]", "{}", '{"settings": []}'):
        (folder / "enhanced.json").write_text(broken)
        with pytest.raises(ArtefactError, match=r"is damaged .*run the index-enhanced portf"):
            dict(of_enhanced(folder))
