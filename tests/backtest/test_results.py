import math
from typing import Any

import empyrical
import numpy as np
import pandas as pd
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.book import PENDING
from alpha_lightning.backtest.holdings_profile import Profile
from alpha_lightning.backtest.results import describe, measure, relative_returns
from alpha_lightning.backtest.settings import Conventions
from tests.backtest.results_ledgers import (
    AGAINST,
    RETURNS,
    small_benchmark,
    small_ledger,
    small_market,
)

DIFFERENCE = [-0.01, 0.05, -0.05, 0.05]


def results(rule: Conventions | None = None, **changes: Any) -> Any:
    return measure(small_ledger(**changes), small_market(), small_benchmark(), conventions=rule)


def test_a_portfolio_by_hand() -> None:
    found = results()
    absolute = found.absolute
    assert absolute.total_return == pytest.approx(0.07811)
    assert absolute.annual_return == pytest.approx(1.07811 ** (243 / 4) - 1)
    assert absolute.max_drawdown == pytest.approx(-0.1)
    mean = 0.09 / 4
    squares = sum((r - mean) ** 2 for r in RETURNS)
    volatility = math.sqrt(squares / 3 * 243)
    assert absolute.volatility == pytest.approx(volatility)
    assert absolute.sharpe == pytest.approx(mean * 243 / volatility)
    assert found.benchmark.total_return == pytest.approx(1.05 * 0.95 * 1.05 - 1)


def test_years_restart_and_are_not_annualised() -> None:
    years = results().absolute.years
    assert list(years) == [2020, 2021]
    assert years[2020].total_return == pytest.approx(0.99 * 1.1 - 1)
    assert years[2020].max_drawdown == pytest.approx(-0.01)
    assert years[2021].total_return == pytest.approx(0.9 * 1.1 - 1)
    assert years[2021].max_drawdown == pytest.approx(-0.1)
    assert years[2021].volatility == pytest.approx(math.sqrt(2 * 0.1**2 * 243))


def test_relative_returns_are_daily_differences_unless_told() -> None:
    own = results().relative
    assert own.total_return == pytest.approx(0.99 * 1.05 * 0.95 * 1.05 - 1)
    assert own.max_drawdown == pytest.approx(-0.05)
    other = results(Conventions(relative="ratio")).relative
    ratios = [0.99, 1.1 / 1.05, 0.9 / 0.95, 1.1 / 1.05]
    assert other.total_return == pytest.approx(math.prod(ratios) - 1)
    assert other.max_drawdown == pytest.approx(0.9 / 0.95 - 1)
    assert other.years[2021].total_return == pytest.approx(ratios[2] * ratios[3] - 1)
    flat = relative_returns(np.array(AGAINST), np.array(AGAINST), Conventions(relative="ratio"))
    assert flat.tolist() == [0, 0, 0, 0]


def test_a_year_has_as_many_days_as_told() -> None:
    short, own = results(Conventions(year=4)), results()
    assert short.absolute.annual_return == pytest.approx(0.07811)
    assert short.absolute.volatility == pytest.approx(own.absolute.volatility * math.sqrt(4 / 243))
    assert short.absolute.sharpe == pytest.approx(own.absolute.sharpe * math.sqrt(4 / 243))
    assert short.absolute.years[2021].volatility == pytest.approx(math.sqrt(2 * 0.1**2 * 4))
    assert short.cost_a_year == pytest.approx(own.cost_a_year * 4 / 243)
    assert short.relative.volatility == pytest.approx(own.relative.volatility * math.sqrt(4 / 243))
    total = 0.99 * 1.05 * 0.95 * 1.05 - 1
    assert short.relative.annual_return == pytest.approx(total)


def test_the_first_purchase_is_no_turnover_unless_told() -> None:
    assert (results().avgto, results().rebalances) == (pytest.approx(0.2), 1)
    counted = results(Conventions(first_trade=True))
    assert (counted.avgto, counted.rebalances) == (pytest.approx(0.35), 2)
    assert math.isnan(results(turnover=np.array([0.5, np.nan, np.nan, np.nan])).avgto)


def test_information_ratio_by_both_conventions() -> None:
    own = results()
    error = math.sqrt(sum((r - 0.01) ** 2 for r in DIFFERENCE) / 3 * 243)
    assert own.relative.volatility == pytest.approx(error)
    assert own.information_ratio == pytest.approx(own.relative.annual_return / error)
    mean = results(Conventions(information_ratio="mean"))
    assert mean.information_ratio == pytest.approx(0.01 * 243 / error)
    alike = measure(small_ledger(), small_market(), small_benchmark(returns=np.array(RETURNS)))
    assert alike.relative.total_return == pytest.approx(0, abs=1e-12)
    assert math.isnan(alike.information_ratio)


def test_costs_are_of_the_value_before() -> None:
    found = results()
    assert found.cost_a_year == pytest.approx((1 / 100 + 0.5 / 108.9) / 4 * 243)
    assert found.impact_a_year == pytest.approx((0.25 / 100 + 0.25 / 108.9) / 4 * 243)
    assert found.dividends_a_year == pytest.approx(1 / 99 / 4 * 243)
    gross = [-0.01 + 0.01, 0.1, -0.1 + 0.5 / 108.9, 0.1]
    grown = math.prod(1 + r for r in gross)
    assert found.gross_annual_return == pytest.approx(grown ** (243 / 4) - 1)
    above = math.prod(1 + r - b for r, b in zip(gross, AGAINST, strict=True))
    assert found.gross_relative_annual_return == pytest.approx(above ** (243 / 4) - 1)


def test_holdings_and_accounts() -> None:
    found = results()
    assert found.mean_names == 1.25
    value = 100 * np.cumprod(1 + np.array(RETURNS))
    assert found.cash_share == pytest.approx(np.mean(1 - np.array([60, 60, 50, 0]) / value))
    assert found.residual < 1e-12
    assert results(gain=np.zeros(4)).residual > 0.01
    assert found.trading.blocked_buys == {"limit up": 1, "no slot": 1}


def test_warnings_and_a_profile_are_passed_on() -> None:
    profile = Profile(0.4, 0.6, 0.9)
    found = measure(
        small_ledger(),
        small_market(warnings=("Prices are odd.",)),
        small_benchmark(warnings=("A price index.",)),
        profile=profile,
    )
    assert found.profile is profile
    assert (found.warnings[0], found.warnings[-1]) == ("Prices are odd.", "A price index.")
    assert len(found.warnings) > 2


def test_a_ledger_without_a_trade_is_refused() -> None:
    days = ("value", "cash", "gain", "dividends", "cost", "turnover", "names")
    nothing: dict[str, Any] = dict.fromkeys(days, np.empty(0))
    with pytest.raises(UserError, match=r"no signal led to a trade: no scores \(first of 1\); "):
        results(rows=np.empty(0, dtype=np.intp), **nothing)
    for held in ((), ((0, PENDING), (1, PENDING))):
        with pytest.raises(UserError, match=r"the first would come after the last date"):
            results(rows=np.empty(0, dtype=np.intp), held=held, **nothing)


def test_a_benchmark_of_other_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="benchmark of 4 rows"):
        measure(small_ledger(), small_market(), small_benchmark(rows=np.arange(2, 6)))


@pytest.mark.parametrize("year", [243, 252])
def test_statistics_agree_with_empyrical(year: int) -> None:
    generator = np.random.default_rng(4)
    days = np.arange("2019-01-01", "2022-05-01", dtype="datetime64[D]")
    dates = days[np.is_busday(days)]
    returns = generator.normal(0.0005, 0.015, len(dates))
    own = describe(dates, returns, Conventions(year=year))
    series = pd.Series(returns, index=pd.DatetimeIndex(dates))
    theirs = empyrical.annual_return(series, annualization=year)
    assert own.annual_return == pytest.approx(theirs, rel=1e-10)
    theirs = empyrical.annual_volatility(series, annualization=year)
    assert own.volatility == pytest.approx(theirs, rel=1e-10)
    assert own.max_drawdown == pytest.approx(empyrical.max_drawdown(series), rel=1e-10)
    assert own.total_return == pytest.approx(empyrical.cum_returns_final(series), rel=1e-10)
    theirs = empyrical.sharpe_ratio(series, annualization=year)
    assert own.sharpe == pytest.approx(theirs, rel=1e-10)
    yearly = empyrical.aggregate_returns(series, "yearly")
    for number, part in own.years.items():
        assert part.total_return == pytest.approx(yearly[number], rel=1e-10)
        alone = series[series.index.year == number]
        assert part.max_drawdown == pytest.approx(empyrical.max_drawdown(alone), rel=1e-10)


def test_relative_statistics_agree_with_empyrical() -> None:
    generator = np.random.default_rng(5)
    days = np.arange("2021-01-04", "2021-09-01", dtype="datetime64[D]")
    own, other = (pd.Series(generator.normal(0.0005, 0.01, len(days)), index=days) for _ in "ab")
    excess = relative_returns(own.to_numpy(), other.to_numpy(), Conventions())
    mean, error = excess.mean(), excess.std(ddof=1)
    theirs = empyrical.excess_sharpe(own, other)
    assert describe(days, excess, Conventions(year=1)).sharpe == pytest.approx(theirs, rel=1e-10)
    assert mean / error == pytest.approx(theirs, rel=1e-10)


def test_a_year_that_begins_below_its_peak_by_both_conventions() -> None:
    dates = np.array(["2023-12-28", "2023-12-29", "2024-01-02", "2024-01-03"], dtype="M8[D]")
    returns = np.array([0.25, -0.2, -0.5, 0.6])
    # Values 1.25, 1, 0.5, 0.8: half of its own beginning, three fifths below the highest ever.
    restarts = describe(dates, returns, Conventions()).years
    carries = describe(dates, returns, Conventions(yearly_drawdown="carries")).years
    assert [restarts[year].max_drawdown for year in (2023, 2024)] == pytest.approx([-0.2, -0.5])
    assert [carries[year].max_drawdown for year in (2023, 2024)] == pytest.approx([-0.2, -0.6])


def test_years_annualised_by_convention() -> None:
    dates = np.array(["2024-01-02", "2024-01-03"], dtype="M8[D]")
    rule = Conventions(year=4, annualise_years=True)
    found = describe(dates, np.array([0.1, 0.1]), rule).years[2024]
    assert found.total_return == pytest.approx(1.1**4 - 1)
