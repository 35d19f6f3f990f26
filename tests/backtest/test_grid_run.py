"""Portfolios that share a market."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest import grid_run
from alpha_lightning.backtest.benchmark import Span, equal_weighted
from alpha_lightning.backtest.grid_run import Grid
from alpha_lightning.backtest.grid_settings import CurveSettings, GridSettings
from alpha_lightning.backtest.run import run_backtests
from alpha_lightning.backtest.settings import BenchmarkSettings, ExecutionSettings
from alpha_lightning.panel.store import Panel
from tests.backtest.grid_scores import random_score

CURVES = CurveSettings(cost=[0, 1], capital=[], delay=[1, 3])
GRID = GridSettings(names=[4], delta=[0.2, 0.5], curves=CURVES)


@pytest.fixture
def grid(panel_path: Path, tmp_path: Path) -> Grid:
    score = random_score(Panel.open(panel_path), tmp_path / "alpha.parquet", 3)
    return Grid.open(str(panel_path), [score], GRID)


def test_one_pass_runs_every_portfolio_once(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    run = run_backtests

    def counted(*args: Any) -> Any:
        seen.append(args)
        return run(*args)

    monkeypatch.setattr(grid_run, "run_backtests", counted)
    found = dict(grid.run(tmp_path))
    assert len(seen) == 1
    settings = seen[0][3]
    # Two limits; without cost; three days later. All costs, and one day later, are of the grid.
    assert [one.execution.delay for one in settings] == [1, 1, 1, 3]
    assert len(found) == 4
    values = {id(one.scores) for one in settings}
    assert values == {id(grid.inputs.scores[0].values)}


def test_portfolios_are_held_against_a_benchmark_of_their_own_days(
    grid: Grid, tmp_path: Path
) -> None:
    found = dict(grid.run(tmp_path))
    assert {key[2] for key in grid.benchmarks} == {1, 3}
    starts = {key[2]: key[0] for key in grid.benchmarks}
    assert starts[3] == starts[1] + 2
    inputs = grid.inputs
    for (first, last, delay, _), benchmark in grid.benchmarks.items():
        span = Span(inputs.signals, inputs.universe, first, last)
        own = equal_weighted(grid.market, span, ExecutionSettings(delay=delay))
        np.testing.assert_array_equal(benchmark.returns, own.returns)
        if delay == 3:
            next_day = equal_weighted(grid.market, span, ExecutionSettings(delay=1))
            assert (benchmark.returns != next_day.returns).any()
    main = [found[point.key] for point in grid.points]
    assert len({one.benchmark.annual_return for one in main}) == 1
    assert all(one.profile is not None for one in main)
    late = next(one for one in grid.curves if one.varied == {"delay": 3})
    assert found[late.point.key].profile is None


def test_values_of_the_shown_limit_are_kept(grid: Grid, tmp_path: Path) -> None:
    dict(grid.run(tmp_path))
    assert len(grid.values) == 1
    table = grid.values[0]
    assert table.columns[:4].tolist() == ["date", "score", "names", "delta"]
    assert set(table["delta"]) == {0.2}


def test_a_benchmark_that_is_not_there_is_refused(panel_path: Path, tmp_path: Path) -> None:
    score = random_score(Panel.open(panel_path), tmp_path / "alpha.parquet", 3)
    wrong = replace(GRID, benchmark=BenchmarkSettings("nowhere"))
    with pytest.raises(UserError, match="nowhere"):
        dict(Grid.open(str(panel_path), [score], wrong).run(tmp_path))
