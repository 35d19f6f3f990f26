"""The command `construct`: a score becomes target weights."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.decisions import decision_remarks
from alpha_lightning.backtest.inputs import open_inputs, open_market
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.policies import (
    DEFAULT_ENHANCED,
    DEFAULT_POLICY,
    DEFAULT_RISK,
    Choice,
    Wanted,
    chosen,
)
from alpha_lightning.backtest.remarks import remarks
from alpha_lightning.backtest.result_folder import SUMMARY
from alpha_lightning.backtest.run import Outcome, Setting, run_backtests
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings, SignalSettings
from alpha_lightning.backtest.trading_record import trading_record
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.portfolio.policy import Target
from alpha_lightning.portfolio.top_n import TopN
from alpha_lightning.portfolio.weights_file import write_weights
from alpha_lightning.risk.settings import RiskSettings

DEFAULT_SIGNALS = SignalSettings()
DEFAULT_EXECUTION = ExecutionSettings()
DEFAULT_COSTS = CostSettings()


def construct(
    panel: str,
    scores: str,
    out: str,
    *,
    policy: TopN = DEFAULT_POLICY,
    enhanced: IndexEnhanced = DEFAULT_ENHANCED,
    risk: str | None = None,
    estimate: RiskSettings = DEFAULT_RISK,
    signals: SignalSettings = DEFAULT_SIGNALS,
    execution: ExecutionSettings = DEFAULT_EXECUTION,
    costs: CostSettings = DEFAULT_COSTS,
    actions: str | None = None,
    name: str = "",
) -> Path:
    """Decide on every signal date which stocks to hold, and in which weights.

    What is wanted depends on what is held, and that on what could be traded: the portfolio is run
    through the market. `backtest` of the written weights is the backtest of the policy.

    Args:
        panel: folder of the panel that the score was made from.
        scores: score file.
        out: file of target weights to write (Parquet).
        policy: which stocks, and how many of them one signal may replace.
        enhanced: limits against an index, in place of a policy, once it names one.
        risk: folder of the risk model of an enhanced index; one is estimated for the run, and
            forgotten, when not given.
        estimate: how it is then estimated.
        signals: on which dates.
        execution: how the weights are traded.
        costs: what a trade costs.
        actions: table of dividends and bonus shares (date, symbol, cash, shares); without it the
            change of the adjustment factor is booked.
        name: of the portfolio; that of the policy and the score when empty.

    Returns:
        The written file.

    Raises:
        UserError: score, panel and period do not fit together, no date has enough scores, or the
            adjustment factor of a held stock jumps without a corporate action.
    """
    _refuse_places(out, scores)
    wanted = Wanted(policy, enhanced, risk, estimate)
    inputs = open_inputs(panel, [scores], signals)
    market = open_market(inputs, execution, actions)
    score = inputs.scores[0]
    with chosen(wanted, inputs.panel, score.name) as choice:
        told = name or choice.name
        setting = Setting(told, choice.policy, score.values, execution, costs)
        (outcome,) = run_backtests(market, inputs.signals, inputs.universe, [setting], inputs.last)
    _refuse_nothing(scores, choice, outcome)
    about = {
        "name": told,
        "policy": choice.told,
        "against": choice.index,
        "scores": {"name": score.name, "file": scores, "fingerprint": score.fingerprint},
        **choice.origin,
        "signals": asdict(signals),
        "execution": asdict(execution),
        "costs": asdict(costs),
        "actions": actions,
        "panel_fingerprint": inputs.panel.fingerprint,
        "universe": signals.universe,
        "last_date": str(market.dates[inputs.last]),
        "warnings": [*choice.warnings, *_warnings(outcome, market, execution)],
    }
    return write_weights(out, market.dates, market.symbols, outcome.decisions, about)


def _refuse_places(out: str, scores: str) -> None:
    if Path(out).suffix != ".parquet":
        msg = f"{out} would be a Parquet file: let its name end in .parquet"
        raise UserError(msg)
    if (Path(out).parent / SUMMARY).is_file():
        msg = f"{Path(out).parent} is the folder of a backtest: write the weights to another one"
        raise UserError(msg)
    if Path(out).resolve() == Path(scores).resolve():
        msg = f"{out} is the score itself and would be lost: write the weights to another file"
        raise UserError(msg)


def _refuse_nothing(scores: str, choice: Choice, outcome: Outcome) -> None:
    if any(isinstance(answer, Target) for _, answer in outcome.decisions):
        return
    held = outcome.ledger.held
    remedy = "look at the score, or lower policy.min_coverage"
    if choice.index:
        remedy = f"look at the score, the weights of {choice.index}, the risk model and the limits"
    msg = (
        f"{scores} leads to no portfolio on any of {len(held)} signal dates ({held[0][1]}):"
        f" {remedy}"
    )
    raise UserError(msg)


def _warnings(outcome: Outcome, market: Market, execution: ExecutionSettings) -> Iterable[str]:
    ledger = outcome.ledger
    yield from decision_remarks(outcome.decisions, market.dates)
    if not len(ledger.rows):
        # The only signal is the last day's, to be traded tomorrow.
        yield from market.warnings
        return
    yield from remarks(trading_record(ledger, market), ledger, market, execution)
