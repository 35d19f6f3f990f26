"""The portfolios of a grid on one market: run side by side, measured and written one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.benchmark import Benchmark, Span, benchmark_returns
from alpha_lightning.backtest.corporate_events import read_events
from alpha_lightning.backtest.grid_points import (
    CurvePoint,
    GridPoint,
    curve_points,
    every_point,
    grid_points,
)
from alpha_lightning.backtest.grid_settings import GridSettings
from alpha_lightning.backtest.holdings_profile import holdings_profile, universe_ranks
from alpha_lightning.backtest.inputs import Inputs, open_inputs
from alpha_lightning.backtest.ledger import Ledger
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.result_folder import nav_columns, write_result
from alpha_lightning.backtest.results import Results, check_traded, measure
from alpha_lightning.backtest.run import Setting, run_backtests
from alpha_lightning.backtest.settings import ExecutionSettings
from alpha_lightning.weighting.score_grid import ScoreGrid

Table = Any
"""A pandas DataFrame."""


@dataclass
class Grid:
    """Portfolios that share a market, its signals and their scores.

    Args:
        inputs: signals, universe, scores.
        market: prices.
        settings: what is run.
        scores: names of the scores.
        values: daily values of the shown portfolios, one table each, once they have run.
        benchmarks: that were needed, by first and last row, delay and price.
    """

    inputs: Inputs
    market: Market
    settings: GridSettings
    scores: tuple[str, ...]
    values: list[Table] = field(default_factory=list)
    benchmarks: dict[tuple[Any, ...], Benchmark] = field(default_factory=dict)

    @classmethod
    def open(cls, panel: str, scores: Sequence[str], settings: GridSettings) -> "Grid":
        """Open what the portfolios read.

        Raises:
            UserError: scores of the same name, or inputs that do not fit together.
        """
        names = tuple(Path(path).stem for path in scores)
        if len(set(names)) < len(names):
            msg = f"scores {', '.join(names)}: two files have the same name, rename one"
            raise UserError(msg)
        inputs = open_inputs(panel, scores, settings.signals)
        events = read_events(settings.actions, inputs.panel) if settings.actions else None
        limits = settings.execution.limits
        market = Market.of_panel(inputs.panel, inputs.first, inputs.last, limits, events)
        return cls(inputs, market, settings, names)

    @cached_property
    def points(self) -> list[GridPoint]:
        """Portfolios of the grid."""
        return grid_points(self.settings, self.scores)

    @cached_property
    def curves(self) -> list[CurvePoint]:
        """Portfolios of the curves."""
        return curve_points(self.settings, self.scores)

    def run(self, folder: Path) -> Iterator[tuple[str, Results]]:
        """Run everything, write each portfolio of the grid; results by `GridPoint.key`.

        A portfolio of a curve that never trades, with a delay beyond the last day, has none.
        """
        every = every_point(self.settings, self.scores)
        own = {point.key for point in self.points}
        settings = [self._setting(point) for point in every.values()]
        inputs = self.inputs
        outcomes = run_backtests(
            self.market, inputs.signals, inputs.universe, settings, inputs.last
        )
        outcomes.reverse()
        ranks = universe_ranks(inputs.panel, self.market, inputs.signals, inputs.universe)
        for key, point in every.items():
            # Dropped one by one: together they are the most memory of a grid.
            ledger = outcomes.pop().ledger
            if key in own:
                check_traded(ledger)
                scores = np.asarray(self.grid_of(point.score).values, dtype=np.float64)
                profile = holdings_profile(ledger, ranks, scores)
                results = self._measured(point, ledger)
                results = replace(results, profile=profile)
                self._write(folder, point, ledger, results)
                yield key, results
            elif len(ledger.rows):
                yield key, self._measured(point, ledger)

    def _setting(self, point: GridPoint) -> Setting:
        policy = self.settings.replacement.policy(point.names, point.delta)
        scores = self.grid_of(point.score).values
        return Setting(point.folder, policy, scores, point.execution, point.costs)

    def grid_of(self, score: str) -> ScoreGrid:
        """A score on the signal dates."""
        return self.inputs.scores[self.scores.index(score)]

    def _measured(self, point: GridPoint, ledger: Ledger) -> Results:
        benchmark = self._benchmark(ledger, point.execution)
        conventions = self.settings.conventions
        return measure(
            ledger, self.market, benchmark, execution=point.execution, conventions=conventions
        )

    def _benchmark(self, ledger: Ledger, execution: ExecutionSettings) -> Benchmark:
        first, last = int(ledger.rows[0]), int(ledger.rows[-1])
        key = (first, last, execution.delay, execution.price)
        if key not in self.benchmarks:
            inputs = self.inputs
            span = Span(inputs.signals, inputs.universe, first, last)
            made = benchmark_returns(
                inputs.panel, self.market, self.settings.benchmark, span, execution
            )
            self.benchmarks[key] = made
        return self.benchmarks[key]

    def _write(self, folder: Path, point: GridPoint, ledger: Ledger, results: Results) -> None:
        inputs, rule = self.inputs, self.settings.conventions
        benchmark = self._benchmark(ledger, point.execution)
        about = {
            "name": f"TOP-{point.names} of {point.score}, delta {point.delta:g}",
            "settings": self._told(point),
            "panel_fingerprint": inputs.panel.fingerprint,
            "scores_fingerprint": self.grid_of(point.score).fingerprint,
        }
        place = folder / point.folder
        write_result(place, ledger, self.market, benchmark, results, about, conventions=rule)
        if point.delta == self.settings.shown:
            daily = nav_columns(ledger, self.market.dates, benchmark, rule)
            names = ("date", "nav", "benchmark_nav", "relative_nav")
            table = pd.DataFrame({name: daily[name] for name in names})
            for position, (name, value) in enumerate(point.columns.items(), start=1):
                table.insert(position, name, value)
            self.values.append(table)

    def _told(self, point: GridPoint) -> dict[str, Any]:
        whole = asdict(self.settings)
        kept = ("signals", "benchmark", "actions")
        policy = asdict(self.settings.replacement.policy(point.names, point.delta))
        return {
            "policy": policy,
            "execution": asdict(point.execution),
            "costs": asdict(point.costs),
            **{name: whole[name] for name in kept},
        }
