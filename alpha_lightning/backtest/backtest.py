"""The command `backtest`: target weights, or a policy and a score, become a result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import fingerprint_file
from alpha_lightning.backtest.benchmark import Benchmark, Span, benchmark_returns
from alpha_lightning.backtest.construct import (
    DEFAULT_COSTS,
    DEFAULT_EXECUTION,
    DEFAULT_POLICY,
    DEFAULT_SIGNALS,
)
from alpha_lightning.backtest.holdings_profile import holdings_profile, universe_ranks
from alpha_lightning.backtest.inputs import Inputs, open_inputs, open_market, open_weights
from alpha_lightning.backtest.ledger import Floats, Ledger
from alpha_lightning.backtest.market import Market
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
from alpha_lightning.portfolio.policy import Policy
from alpha_lightning.portfolio.top_n import TopN

DEFAULT_BENCHMARK = BenchmarkSettings()
DEFAULT_CONVENTIONS = Conventions()


def backtest(
    panel: str,
    out: str,
    *,
    weights: str | None = None,
    scores: str | None = None,
    policy: TopN = DEFAULT_POLICY,
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
        out: folder to write: nav.parquet, trades.parquet, holdings.parquet, summary.json.
        weights: target weights that `construct` wrote, or a file of your own (Parquet or CSV: date,
            symbol, weight); their dates are the signal dates, and the last ones are held until the
            date that the file names, or else ``signals.end``.
        scores: score file, in place of weights.
        policy: what becomes of a score; of no effect on weights.
        signals: period and universe, and of a score the calendar.
        execution: how weights are traded.
        costs: what a trade costs.
        benchmark: what the portfolio is held against.
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
    with atomic_folder(out, overwrite=overwrite, marker=SUMMARY) as folder:
        plan = _plan(panel, weights, scores, policy, signals, partial=partial)
        inputs = plan.inputs
        market = open_market(inputs, execution, actions)
        setting = Setting(name or plan.name, plan.policy, plan.scores, execution, costs)
        (outcome,) = run_backtests(market, inputs.signals, inputs.universe, [setting], inputs.last)
        check_traded(outcome.ledger)
        against = _against(inputs, market, outcome.ledger, benchmark, execution)
        results = _results(plan, market, outcome.ledger, against, execution, conventions)
        results = replace(
            results, warnings=(*plan.differs(execution, costs, actions), *results.warnings)
        )
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
            conventions=conventions, overwrite=True,
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


def _plan(
    panel: str,
    weights: str | None,
    scores: str | None,
    policy: TopN,
    signals: SignalSettings,
    *,
    partial: bool,
) -> _Plan:
    if (weights is None) == (scores is None):
        msg = "name either target weights (--weights) or a score (--scores) to trade"
        raise UserError(msg)
    if weights is not None:
        inputs, fixed, about = open_weights(panel, weights, signals, partial=partial)
        origin = {"weights": {"file": weights, "fingerprint": fingerprint_file(weights)}}
        name = str(about.get("name", Path(weights).stem))
        return _Plan(name, inputs, fixed, None, about.get("policy"), origin, about)
    inputs = open_inputs(panel, [str(scores)], signals)
    score = inputs.scores[0]
    origin = {"scores": {"file": str(scores), "name": score.name, "fingerprint": score.fingerprint}}
    name = f"TOP-{policy.names} of {score.name}"
    values: Any = score.values
    return _Plan(name, inputs, policy, values, asdict(policy), origin, {})


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
