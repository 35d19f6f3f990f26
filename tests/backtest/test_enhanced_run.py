"""Index-enhanced portfolios that share a market."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest import enhanced_run
from alpha_lightning.backtest.benchmark import Span, price_index, total_return_index
from alpha_lightning.backtest.enhanced_run import EnhancedRun, SharedRisk
from alpha_lightning.backtest.run import run_backtests
from alpha_lightning.backtest.settings import ExecutionSettings
from tests.backtest.enhanced_grid_market import GRID, inputs_of

ONE = replace(GRID, floors=[0.8], deltas=[0.2])


def opened(made: Path, settings: Any = ONE, **changes: Any) -> EnhancedRun:
    given = inputs_of(made) | changes
    return EnhancedRun.open(given["panel"], given["risk"], given["scores"], settings)


def test_one_pass_runs_every_portfolio_once(
    enhanced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def counted(*args: Any) -> Any:
        seen.append(args)
        return run_backtests(*args)

    monkeypatch.setattr(enhanced_run, "run_backtests", counted)
    run = opened(enhanced)
    found = list(run.run(tmp_path))
    assert len(seen) == 1
    settings = seen[0][3]
    policies = [one.policy.settings for one in settings]
    limits = [(own.index, own.tracking_error, own.floor, own.turnover) for own in policies]
    assert limits == 2 * [("000300", 0.04, 0.8, 0.2), ("000905", 0.06, 0.8, 0.2)]
    assert all(own.style == 0.3 for own in policies)
    for one, score in zip(settings, (0, 0, 1, 1), strict=True):
        assert one.scores is run.inputs.scores[score].values
    assert [one.point.folder for one in found] == [one.name for one in settings]
    for one in found:
        assert len(one.decided) == len(one.facts) == len(run.inputs.signals)
        assert len(one.rows) == len(one.relative)
        assert one.relative.std(ddof=1) * 243**0.5 == pytest.approx(one.results.relative.volatility)
    # Weights are those of the portfolio's own index.
    assert policies[0] != policies[1]
    first, second = (one.policy.weights for one in settings[:2])
    assert not np.array_equal(first[60], second[60])


def test_an_index_without_a_level_is_rebuilt(enhanced: Path, tmp_path: Path) -> None:
    for settings, names in (
        (ONE, ("000300", "000905 with dividends")),
        (replace(ONE, total_return=True), ("000300 with dividends", "000905 with dividends")),
    ):
        run = opened(enhanced, settings)
        found = list(run.run(tmp_path / names[0]))
        assert {key[0]: own.name for key, own in run.benchmarks.items()} == dict(
            zip(settings.indices, names, strict=True)
        )
        for (index, first, last), own in run.benchmarks.items():
            span = Span(run.inputs.signals, run.inputs.universe, first, last)
            panel, whole = run.inputs.panel, "dividends" in own.name
            again = (
                total_return_index(panel, run.market, index, span)
                if whole
                else price_index(panel, index, span)
            )
            np.testing.assert_array_equal(own.returns, again.returns)
        told = ["no level of 000905" in " ".join(one.results.warnings) for one in found]
        assert told == ([False, True] * 2 if settings is ONE else [False] * 4)


def test_values_of_the_shown_limit_are_kept(enhanced: Path, tmp_path: Path) -> None:
    run = opened(enhanced, replace(ONE, deltas=[0.5, 0.2]))
    list(run.run(tmp_path))
    assert len(run.values) == 4
    for values in run.values:
        assert set(values["delta"]) == {0.2}
        assert values.columns[:5].tolist() == ["date", "score", "index", "floor", "delta"]


def test_risk_is_read_once_a_date(enhanced: Path) -> None:
    class Counted:
        def __init__(self) -> None:
            self.rows: list[int] = []

        def at(self, row: int) -> None:
            self.rows.append(row)

    model: Any = Counted()
    shared = SharedRisk(model)
    for row in (5, np.int64(5), 6, 5):
        assert shared.at(int(row)) is None
    assert model.rows == [5, 6]
    own = SharedRisk(opened(enhanced).risk).at(100)
    assert own is not None
    assert own.factors[-1] == "market"


def test_what_does_not_fit_together_is_refused(enhanced: Path, tmp_path: Path) -> None:
    scores = inputs_of(enhanced)["scores"]
    with pytest.raises(UserError, match="scores a, a: two files have the same name"):
        opened(enhanced, scores=[scores[0], scores[0]])
    with pytest.raises(UserError, match="no weights of index 'moon'"):
        opened(enhanced, replace(ONE, indices={"moon": 0.1}))
    with pytest.raises(UserError, match="CSI300 of a and 000300 of a would both be called a/csi"):
        opened(enhanced, replace(ONE, indices={"000300": 0.1, "CSI300": 0.1}))
    strange = shutil.copytree(inputs_of(enhanced)["risk"], tmp_path / "risk")
    file = strange / "risk.json"
    own = opened(enhanced).inputs.panel.fingerprint
    file.write_text(file.read_text().replace(own, "0123456789abcdef"))
    with pytest.raises(UserError, match=r"risk model .* was not estimated on"):
        opened(enhanced, risk=str(strange))
    with pytest.raises(UserError, match="nowhere"):
        opened(enhanced, risk=str(tmp_path / "nowhere"))
    never = replace(ONE, execution=ExecutionSettings(delay=5000))
    with pytest.raises(UserError, match=r"a/csi300_80_d0\.20: no signal led to a trade"):
        list(opened(enhanced, never).run(tmp_path))
