"""Index-enhanced portfolios on one market: run side by side, measured and written one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.benchmark import (
    Benchmark,
    Span,
    benchmark_returns,
    settings_against,
)
from alpha_lightning.backtest.book import Outcome, Setting
from alpha_lightning.backtest.decisions import decision_remarks
from alpha_lightning.backtest.enhanced_points import (
    EnhancedPoint,
    enhanced_points,
    refuse_same_files,
)
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid
from alpha_lightning.backtest.enhanced_tables import Enhanced
from alpha_lightning.backtest.inputs import Inputs, open_inputs, open_market
from alpha_lightning.backtest.ledger import Ledger
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.result_folder import nav_columns, write_result
from alpha_lightning.backtest.results import Results, check_traded, measure, relative_returns
from alpha_lightning.backtest.run import run_backtests
from alpha_lightning.backtest.settings import BenchmarkSettings
from alpha_lightning.panel.side_arrays import index_weights
from alpha_lightning.portfolio.enhanced_policy import EnhancedPolicy
from alpha_lightning.portfolio.policy import Hold, Target
from alpha_lightning.risk.factor_risk import FactorRisk
from alpha_lightning.risk.model import RiskModel
from alpha_lightning.weighting.score_grid import ScoreGrid

Table = Any
"""A pandas DataFrame."""
_REMEMBERED = 40
"""Dates whose risk is kept: portfolios take turns after a month."""


class SharedRisk:
    """The risk of a date, read once for all portfolios that ask for it in turn.

    Args:
        model: on disk.
    """

    def __init__(self, model: RiskModel) -> None:
        self._at = lru_cache(maxsize=_REMEMBERED)(model.at)

    def at(self, row: int) -> FactorRisk | None:
        """Risk as known at the close of a panel row; None before there is one."""
        return self._at(int(row))


@dataclass
class EnhancedRun:
    """Portfolios that share a market, a risk model, signals and scores.

    Args:
        inputs: signals, universe, scores.
        market: prices.
        risk: model of the panel.
        settings: what is run.
        scores: names of the scores.
        values: daily values of the shown portfolios, one table each, once they have run.
        benchmarks: that were needed, by index, first and last row.
    """

    inputs: Inputs
    market: Market
    risk: RiskModel
    settings: EnhancedGrid
    scores: tuple[str, ...]
    values: list[Table] = field(default_factory=list)
    benchmarks: dict[tuple[Any, ...], Benchmark] = field(default_factory=dict)

    @classmethod
    def open(
        cls, panel: str, risk: str, scores: Sequence[str], settings: EnhancedGrid
    ) -> "EnhancedRun":
        """Open what the portfolios read.

        Raises:
            UserError: scores of the same name, an index without weights, another panel's risk
                model, or inputs that do not fit together.
        """
        names = tuple(Path(path).stem for path in scores)
        if len(set(names)) < len(names):
            msg = f"scores {', '.join(names)}: two files have the same name, rename one"
            raise UserError(msg)
        refuse_same_files(settings, names)
        inputs = open_inputs(panel, scores, settings.signals)
        for index in settings.indices:
            index_weights(inputs.panel, index)
        model = RiskModel.open(risk)
        model.refuse_strangers(inputs.panel)
        market = open_market(inputs, settings.execution, settings.actions)
        return cls(inputs, market, model, settings, names)

    @property
    def points(self) -> list[EnhancedPoint]:
        """Portfolios in the order of the tables."""
        return enhanced_points(self.settings, self.scores)

    def run(self, folder: Path) -> Iterator[Enhanced]:
        """Run everything and write each portfolio."""
        inputs = self.inputs
        risk = SharedRisk(self.risk)
        weights = {name: index_weights(inputs.panel, name) for name in self.settings.indices}
        settings = []
        for point in self.points:
            limits = point.policy(self.settings.policy)
            policy = EnhancedPolicy(limits, risk, weights[point.index], inputs.panel.dates)
            execution, costs = self.settings.execution, self.settings.costs
            scores = self.grid_of(point.score).values
            settings.append(Setting(point.folder, policy, scores, execution, costs))
        outcomes = run_backtests(
            self.market, inputs.signals, inputs.universe, settings, inputs.last
        )
        outcomes.reverse()
        for point in self.points:
            # Dropped one by one: together they are the most memory of a grid.
            yield self._told(folder, point, outcomes.pop())

    def grid_of(self, score: str) -> ScoreGrid:
        """A score on the signal dates."""
        return self.inputs.scores[self.scores.index(score)]

    def against(self, index: str) -> tuple[BenchmarkSettings, tuple[str, ...]]:
        """What portfolios of an index are held against, and sentences on it."""
        asked = BenchmarkSettings(total_return=self.settings.total_return)
        return settings_against(self.inputs.panel, index, asked)

    def _told(self, folder: Path, point: EnhancedPoint, outcome: Outcome) -> Enhanced:
        ledger = outcome.ledger
        try:
            check_traded(ledger)
        except UserError as error:
            msg = f"{point.folder}: {error}"
            raise UserError(msg) from error
        benchmark = self._benchmark(ledger, point.index)
        rule = self.settings.conventions
        results = measure(
            ledger,
            self.market,
            benchmark,
            execution=self.settings.execution,
            conventions=rule,
        )
        told = decision_remarks(outcome.decisions, self.market.dates)
        notes = self.against(point.index)[1]
        results = replace(results, warnings=(*told, *notes, *results.warnings))
        self._write(folder, point, outcome, benchmark, results)
        if point.delta == self.settings.shown:
            self._show(point, ledger, benchmark)
        return Enhanced(
            point,
            results,
            np.array([row for row, _ in outcome.decisions], dtype=np.intp),
            [_facts(decision) for _, decision in outcome.decisions],
            ledger.rows,
            relative_returns(ledger.returns, benchmark.returns, rule),
        )

    def _benchmark(self, ledger: Ledger, index: str) -> Benchmark:
        first, last = int(ledger.rows[0]), int(ledger.rows[-1])
        key = (index, first, last)
        if key not in self.benchmarks:
            inputs = self.inputs
            span = Span(inputs.signals, inputs.universe, first, last)
            self.benchmarks[key] = benchmark_returns(
                inputs.panel,
                self.market,
                self.against(index)[0],
                span,
                self.settings.execution,
            )
        return self.benchmarks[key]

    def _write(
        self,
        folder: Path,
        point: EnhancedPoint,
        outcome: Outcome,
        benchmark: Benchmark,
        results: Results,
    ) -> None:
        inputs, rule = self.inputs, self.settings.conventions
        policy = point.policy(self.settings.policy)
        score = self.grid_of(point.score)
        told = {name: asdict(part) for name, part in self._parts(point).items()}
        about = {
            "name": f"{policy.title(point.score)}, delta {point.delta:g}",
            "settings": {**told, "actions": self.settings.actions},
            "panel_fingerprint": inputs.panel.fingerprint,
            "scores_fingerprint": score.fingerprint,
            "risk": {name: self.risk.meta[name] for name in ("settings", "warnings")},
        }
        results = replace(results, warnings=(*self.risk.warnings, *results.warnings))
        write_result(
            folder / point.folder, outcome.ledger, self.market, benchmark, results, about,
            decisions=outcome.decisions, conventions=rule,
        )  # fmt: skip

    def _parts(self, point: EnhancedPoint) -> dict[str, Any]:
        settings = self.settings
        return {
            "policy": point.policy(settings.policy),
            "signals": settings.signals,
            "execution": settings.execution,
            "costs": settings.costs,
            "benchmark": self.against(point.index)[0],
        }

    def _show(self, point: EnhancedPoint, ledger: Ledger, benchmark: Benchmark) -> None:
        daily = nav_columns(ledger, self.market.dates, benchmark, self.settings.conventions)
        names = ("date", "nav", "benchmark_nav", "relative_nav")
        table = pd.DataFrame({name: daily[name] for name in names})
        for position, (name, value) in enumerate(point.columns.items(), start=1):
            table.insert(position, name, value)
        self.values.append(table)


def _facts(decision: Target | Hold) -> dict[str, Any]:
    held = {"status": "held", "reason": decision.reason} if isinstance(decision, Hold) else {}
    return held | dict(decision.facts)
