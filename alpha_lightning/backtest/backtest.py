"""The command `backtest`: target weights, or a policy and a score, become a result."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import fingerprint_file
from alpha_lightning.backtest.benchmark import (
    Benchmark,
    Span,
    benchmark_returns,
    settings_against,
)
from alpha_lightning.backtest.construct import DEFAULT_COSTS, DEFAULT_EXECUTION, DEFAULT_SIGNALS
from alpha_lightning.backtest.decisions import decision_remarks
from alpha_lightning.backtest.holdings_profile import holdings_profile, universe_ranks
from alpha_lightning.backtest.inputs import Inputs, open_inputs, open_market, open_weights
from alpha_lightning.backtest.ledger import Floats, Ledger
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.policies import (
    DEFAULT_ENHANCED,
    DEFAULT_POLICY,
    DEFAULT_RISK,
    Wanted,
    chosen,
)
from alpha_lightning.backtest.result_folder import SUMMARY, write_result
from alpha_lightning.backtest.results import Results, check_traded, measure
from alpha_lightning.backtest.run import Setting, run_backtests
from alpha_lightning.backtest.settings import (
    BenchmarkSettings,
    Conventions,
    CostSettings,
    ExecutionSettings,
    SignalSettings,
)
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.portfolio.policy import Policy
from alpha_lightning.portfolio.top_n import TopN
from alpha_lightning.risk.settings import RiskSettings

DEFAULT_BENCHMARK = BenchmarkSettings()
DEFAULT_CONVENTIONS = Conventions()


def backtest(
    panel: str,
    out: str,
    *,
    weights: str | None = None,
    scores: str | None = None,
    policy: TopN = DEFAULT_POLICY,
    enhanced: IndexEnhanced = DEFAULT_ENHANCED,
    risk: str | None = None,
    estimate: RiskSettings = DEFAULT_RISK,
    signals: SignalSettings = DEFAULT_SIGNALS,
    execution: ExecutionSettings = DEFAULT_EXECUTION,
    costs: CostSettings = DEFAULT_COSTS,
    benchmark: BenchmarkSettings = DEFAULT_BENCHMARK,
    conventions: Conventions = DEFAULT_CONVENTIONS,
    actions: str | None = None,
    partial: bool = False,
    overwrite: bool = False,
    name: str = "",
) -> Path:
    """Trade target weights, or what a policy makes of a score, and count what comes of it.

    Args:
        panel: folder of the panel.
        out: folder to write: nav.parquet, trades.parquet, holdings.parquet, summary.json; of an
            enhanced index also decisions.parquet and active_exposures.parquet.
        weights: target weights that `construct` wrote, or a file of your own (Parquet or CSV: date,
            symbol, weight); their dates are the signal dates, and the last ones are held until the
            date that the file names, or else ``signals.end``.
        scores: score file, in place of weights.
        policy: what becomes of a score; of no effect on weights.
        enhanced: limits against an index, in place of a policy, once it names one.
        risk: folder of the risk model of an enhanced index; one is estimated for the run, and
            forgotten, when not given.
        estimate: how it is then estimated.
        signals: period and universe, and of a score the calendar.
        execution: how weights are traded.
        costs: what a trade costs.
        benchmark: what the portfolio is held against; an enhanced index is held against the index
            where it says ``universe``.
        conventions: how results are counted.
        actions: table of dividends and bonus shares (date, symbol, cash, shares); without it the
            change of the adjustment factor is booked.
        partial: take weights that sum to less than 1; the rest is cash.
        overwrite: replace the folder if it is there.
        name: of the portfolio; that of its weights, or of its policy and score, when empty.

    Returns:
        The folder.

    Raises:
        UserError: the files and the period do not fit together, no signal leads to a trade, or the
            adjustment factor of a held stock jumps without a corporate action.
    """
    files, wanted = (panel, weights, scores), Wanted(policy, enhanced, risk, estimate)
    with (
        atomic_folder(out, overwrite=overwrite, marker=SUMMARY) as folder,
        _plan(files, wanted, signals, partial=partial) as plan,
    ):
        inputs = plan.inputs
        market = open_market(inputs, execution, actions)
        setting = Setting(name or plan.name, plan.policy, plan.scores, execution, costs)
        (outcome,) = run_backtests(market, inputs.signals, inputs.universe, [setting], inputs.last)
        check_traded(outcome.ledger)
        benchmark, notes = _benchmark(plan, benchmark)
        against = _against(inputs, market, outcome.ledger, benchmark, execution)
        results = _results(plan, market, outcome.ledger, against, execution, conventions)
        told = decision_remarks(outcome.decisions, market.dates)
        first = (*plan.differs(execution, costs, actions), *told, *plan.warnings, *notes)
        results = replace(results, warnings=(*first, *results.warnings))
        settings = {
            "policy": plan.told,
            "signals": asdict(inputs.settings),
            "execution": asdict(execution),
            "costs": asdict(costs),
            "benchmark": asdict(benchmark),
            "actions": actions,
        }
        about = {
            "name": setting.name,
            "settings": settings,
            "panel": panel,
            "panel_fingerprint": inputs.panel.fingerprint,
            **plan.origin,
        }
        write_result(
            folder, outcome.ledger, market, against, results, about,
            decisions=outcome.decisions, conventions=conventions, overwrite=True,
        )  # fmt: skip
    return Path(out)


@dataclass(frozen=True)
class _Plan:
    # What is run, and where it is from.
    name: str
    inputs: Inputs
    policy: Policy
    scores: Floats | None
    told: Any
    origin: dict[str, Any]
    made_with: Mapping[str, Any]
    index: str = ""
    warnings: tuple[str, ...] = ()

    def differs(
        self, execution: ExecutionSettings, costs: CostSettings, actions: str | None
    ) -> tuple[str, ...]:
        now = {"execution": asdict(execution), "costs": asdict(costs)}
        changed = [
            f"{group}.{key} {before.get(key)} (now {value})"
            for group, settings in now.items()
            if (before := self.made_with.get(group))
            for key, value in settings.items()
            if before.get(key) != value
        ]
        before = self.made_with.get("actions", actions)
        if before != actions:
            changed.append(f"actions {before} (now {actions})")
        if not changed:
            return ()
        text = f"The weights were made with {', '.join(changed)}: what they lead to is another"
        return (f"{text} portfolio than the policy's.",)


@contextmanager
def _plan(
    files: tuple[str, str | None, str | None],
    wanted: Wanted,
    signals: SignalSettings,
    *,
    partial: bool,
) -> Iterator[_Plan]:
    panel, weights, scores = files
    if (weights is None) == (scores is None):
        msg = "name either target weights (--weights) or a score (--scores) to trade"
        raise UserError(msg)
    if weights is not None:
        yield _of_weights(panel, weights, signals, partial=partial)
        return
    inputs = open_inputs(panel, [str(scores)], signals)
    score = inputs.scores[0]
    about = {"file": str(scores), "name": score.name, "fingerprint": score.fingerprint}
    values: Any = score.values
    with chosen(wanted, inputs.panel, score.name) as choice:
        origin = {"scores": about, **choice.origin}
        yield _Plan(
            choice.name, inputs, choice.policy, values, choice.told, origin, {},
            choice.index, choice.warnings,
        )  # fmt: skip


def _of_weights(panel: str, weights: str, signals: SignalSettings, *, partial: bool) -> _Plan:
    inputs, fixed, about = open_weights(panel, weights, signals, partial=partial)
    origin = {"weights": {"file": weights, "fingerprint": fingerprint_file(weights)}}
    name = str(about.get("name", Path(weights).stem))
    risk = about.get("risk")
    made = {} if risk is None else {"risk": risk}
    return _Plan(
        name, inputs, fixed, None, about.get("policy"), origin | made, about,
        str(about.get("against", "")), tuple(made.get("risk", {}).get("warnings", ())),
    )  # fmt: skip


def _benchmark(
    plan: _Plan, benchmark: BenchmarkSettings
) -> tuple[BenchmarkSettings, tuple[str, ...]]:
    if not plan.index:
        return benchmark, ()
    return settings_against(plan.inputs.panel, plan.index, benchmark)


def _against(
    inputs: Inputs,
    market: Market,
    ledger: Ledger,
    benchmark: BenchmarkSettings,
    execution: ExecutionSettings,
) -> Benchmark:
    span = Span(inputs.signals, inputs.universe, int(ledger.rows[0]), int(ledger.rows[-1]))
    return benchmark_returns(inputs.panel, market, benchmark, span, execution)


def _results(
    plan: _Plan,
    market: Market,
    ledger: Ledger,
    against: Benchmark,
    execution: ExecutionSettings,
    conventions: Conventions,
) -> Results:
    inputs = plan.inputs
    ranks = universe_ranks(inputs.panel, market, inputs.signals, np.asarray(inputs.universe))
    profile = holdings_profile(ledger, ranks, plan.scores)
    return measure(
        ledger, market, against, execution=execution, conventions=conventions, profile=profile
    )
