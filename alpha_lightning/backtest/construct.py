"""The command `construct`: a score becomes target weights."""

from dataclasses import asdict
from pathlib import Path

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.inputs import open_inputs, open_market
from alpha_lightning.backtest.ledger import Ledger
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.remarks import remarks
from alpha_lightning.backtest.result_folder import SUMMARY
from alpha_lightning.backtest.run import Setting, run_backtests
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings, SignalSettings
from alpha_lightning.backtest.trading_record import trading_record
from alpha_lightning.portfolio.policy import Target
from alpha_lightning.portfolio.top_n import TopN
from alpha_lightning.portfolio.weights_file import write_weights

DEFAULT_POLICY = TopN()
DEFAULT_SIGNALS = SignalSettings()
DEFAULT_EXECUTION = ExecutionSettings()
DEFAULT_COSTS = CostSettings()


def construct(
    panel: str,
    scores: str,
    out: str,
    *,
    policy: TopN = DEFAULT_POLICY,
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
    if Path(out).suffix != ".parquet":
        msg = f"{out} would be a Parquet file: let its name end in .parquet"
        raise UserError(msg)
    if (Path(out).parent / SUMMARY).is_file():
        msg = f"{Path(out).parent} is the folder of a backtest: write the weights to another one"
        raise UserError(msg)
    if Path(out).resolve() == Path(scores).resolve():
        msg = f"{out} is the score itself and would be lost: write the weights to another file"
        raise UserError(msg)
    inputs = open_inputs(panel, [scores], signals)
    market = open_market(inputs, execution, actions)
    score = inputs.scores[0]
    told = name or f"TOP-{policy.names} of {score.name}"
    setting = Setting(told, policy, score.values, execution, costs)
    (outcome,) = run_backtests(market, inputs.signals, inputs.universe, [setting], inputs.last)
    if not any(isinstance(answer, Target) for _, answer in outcome.decisions):
        held = outcome.ledger.held
        msg = (
            f"{scores} leads to no portfolio on any of {len(held)} signal dates ({held[0][1]}):"
            " look at the score, or lower policy.min_coverage"
        )
        raise UserError(msg)
    about = {
        "name": told,
        "policy": asdict(policy),
        "scores": {"name": score.name, "file": scores, "fingerprint": score.fingerprint},
        "signals": asdict(signals),
        "execution": asdict(execution),
        "costs": asdict(costs),
        "actions": actions,
        "panel_fingerprint": inputs.panel.fingerprint,
        "universe": signals.universe,
        "last_date": str(market.dates[inputs.last]),
        "warnings": _warnings(outcome.ledger, market, execution),
    }
    return write_weights(out, market.dates, market.symbols, outcome.decisions, about)


def _warnings(ledger: Ledger, market: Market, execution: ExecutionSettings) -> list[str]:
    if not len(ledger.rows):
        return list(market.warnings)  # the only signal is the last day's, to be traded tomorrow
    return list(remarks(trading_record(ledger, market), ledger, market, execution))
