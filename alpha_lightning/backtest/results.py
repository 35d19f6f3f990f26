"""What a ledger and its benchmark come to: returns, risk, turnover, costs and what to be told."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.benchmark import Benchmark
from alpha_lightning.backtest.book import PENDING
from alpha_lightning.backtest.holdings_profile import Profile
from alpha_lightning.backtest.ledger import Floats, Ledger
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.remarks import remarks
from alpha_lightning.backtest.settings import Conventions, ExecutionSettings
from alpha_lightning.backtest.summary import (
    annualised_return,
    annualised_volatility,
    by_year,
    falls,
    max_drawdown,
    ratio,
    total_return,
)
from alpha_lightning.backtest.trading_record import TradingRecord, trading_record

NAN = float("nan")


@dataclass(frozen=True)
class YearStatistics:
    """A calendar year, or the part of it that was traded.

    Args:
        total_return: not annualised, unless the convention asks for it.
        volatility: annualised; NaN for a single day.
        max_drawdown: from a peak of the same year, its start included, or by the convention from
            the highest ever; 0 or negative.
    """

    total_return: float
    volatility: float
    max_drawdown: float


@dataclass(frozen=True)
class Statistics:
    """Of a series of daily returns, as fractions.

    Args:
        annual_return: compounded.
        total_return: of the whole time.
        volatility: annualised; NaN for a single day.
        max_drawdown: of the whole time; 0 or negative.
        sharpe: mean daily return over its deviation, annualised, nothing deducted.
        years: by calendar year.
    """

    annual_return: float
    total_return: float
    volatility: float
    max_drawdown: float
    sharpe: float
    years: dict[int, YearStatistics]


@dataclass(frozen=True)
class Results:
    """One portfolio against its benchmark; rates are fractions, of a year where they say so.

    Args:
        absolute: of the portfolio, after costs.
        benchmark: of the benchmark.
        relative: of the daily relative returns; its volatility is the tracking error.
        information_ratio: by the convention; NaN without a tracking error.
        gross_annual_return: of the portfolio with each day's costs given back.
        gross_relative_annual_return: likewise, relative.
        avgto: mean one-way turnover of a trade, the first one left out unless the convention
            counts it; NaN without one.
        rebalances: trades that it is the mean of.
        cost_a_year: all costs over the value of the day before, times the days of a year.
        impact_a_year: that part of it which is market impact.
        dividends_a_year: received in cash, likewise.
        mean_names: stocks held, over the days.
        cash_share: of the value, over the days.
        residual: largest gap in the accounts, as a fraction of value.
        trading: what was blocked, short, held and stale.
        profile: size, liquidity, coverage; None when not asked for.
        warnings: sentences that a reader must be told before the numbers.
    """

    absolute: Statistics
    benchmark: Statistics
    relative: Statistics
    information_ratio: float
    gross_annual_return: float
    gross_relative_annual_return: float
    avgto: float
    rebalances: int
    cost_a_year: float
    impact_a_year: float
    dividends_a_year: float
    mean_names: float
    cash_share: float
    residual: float
    trading: TradingRecord
    profile: Profile | None
    warnings: tuple[str, ...]


def measure(
    ledger: Ledger,
    market: Market,
    benchmark: Benchmark,
    *,
    execution: ExecutionSettings | None = None,
    conventions: Conventions | None = None,
    profile: Profile | None = None,
) -> Results:
    """Count a portfolio's results.

    Args:
        ledger: of the portfolio.
        market: on which it was run.
        benchmark: on the ledger's rows.
        execution: for what the warnings say of delistings and limits.
        conventions: how to count; the paper's by default.
        profile: of the holdings, passed on.

    Raises:
        UserError: no signal led to a trade.
        ValueError: the benchmark has other rows than the ledger.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), tables of portfolios.
    """
    execution, rule = execution or ExecutionSettings(), conventions or Conventions()
    check_traded(ledger)
    if not np.array_equal(ledger.rows, benchmark.rows):
        msg = f"benchmark of {len(benchmark.rows)} rows for a ledger of {len(ledger.rows)} others"
        raise ValueError(msg)
    dates, returns = market.dates[ledger.rows], ledger.returns
    relative = relative_returns(returns, benchmark.returns, rule)
    gross = returns + ledger.cost / _before(ledger)
    gross_relative = relative_returns(gross, benchmark.returns, rule)
    record = trading_record(ledger, market)
    own = describe(dates, relative, rule)
    mean = float(relative.mean()) * rule.year
    excess = own.annual_return if rule.information_ratio == "annualised" else mean
    trades = ledger.turnover[~np.isnan(ledger.turnover)][0 if rule.first_trade else 1 :]
    impact = np.zeros(len(ledger.rows))
    np.add.at(impact, np.searchsorted(ledger.rows, ledger.trades.row), ledger.trades.impact)
    return Results(
        absolute=describe(dates, returns, rule),
        benchmark=describe(dates, benchmark.returns, rule),
        relative=own,
        information_ratio=ratio(excess, own.volatility),
        gross_annual_return=float(annualised_return(gross, rule.year)),
        gross_relative_annual_return=float(annualised_return(gross_relative, rule.year)),
        avgto=float(trades.mean()) if len(trades) else NAN,
        rebalances=len(trades),
        cost_a_year=_a_year(ledger.cost, ledger, rule),
        impact_a_year=_a_year(impact, ledger, rule),
        dividends_a_year=_a_year(ledger.dividends, ledger, rule),
        mean_names=float(ledger.names.mean()),
        cash_share=float((ledger.cash / ledger.value).mean()),
        residual=float(ledger.residual.max()),
        trading=record,
        profile=profile,
        warnings=(*remarks(record, ledger, market, execution), *benchmark.warnings),
    )


def check_traded(ledger: Ledger) -> None:
    """Refuse a ledger without a day.

    Raises:
        UserError: no signal led to a trade; the first reason is told.
    """
    if not len(ledger.rows):
        # What was decided and never traded was due after the end.
        why = next((reason for _, reason in ledger.held if reason != PENDING), "")
        told = f"{why} (first of {len(ledger.held)}); look at the scores or weights and the dates"
        late = "the first would come after the last date: end later, or lower execution.delay"
        msg = f"no signal led to a trade: {told if why else late}"
        raise UserError(msg)


def relative_returns(returns: Floats, benchmark: Floats, rule: Conventions) -> Floats:
    """Daily returns ``(D,)`` of a portfolio relative to its benchmark's, by the convention."""
    if rule.relative == "ratio":
        return np.asarray((1 + returns) / (1 + benchmark) - 1)
    return np.asarray(returns - benchmark)


def describe(dates: NDArray[Any], returns: Floats, rule: Conventions) -> Statistics:
    """Statistics of daily returns.

    Args:
        dates: ``(D,)`` datetime64[D], ascending.
        returns: ``(D,)`` without NaN.
        rule: how to count.
    """
    volatility = float(annualised_volatility(returns, rule.year))
    carried = by_year(dates, falls(returns))
    return Statistics(
        annual_return=float(annualised_return(returns, rule.year)),
        total_return=float(total_return(returns)),
        volatility=volatility,
        max_drawdown=float(max_drawdown(returns)),
        sharpe=ratio(float(returns.mean()) * rule.year, volatility),
        years={
            year: _of_year(part, carried[year], rule)
            for year, part in by_year(dates, returns).items()
        },
    )


def _of_year(returns: Floats, carried: Floats, rule: Conventions) -> YearStatistics:
    whole = annualised_return(returns, rule.year) if rule.annualise_years else total_return(returns)
    deepest = carried.min() if rule.yearly_drawdown == "carries" else max_drawdown(returns)
    return YearStatistics(
        float(whole), float(annualised_volatility(returns, rule.year)), float(deepest)
    )


def _before(ledger: Ledger) -> Floats:
    return np.asarray(np.r_[ledger.capital, ledger.value[:-1]])


def _a_year(amounts: Floats, ledger: Ledger, rule: Conventions) -> float:
    return float((amounts / _before(ledger)).mean()) * rule.year
