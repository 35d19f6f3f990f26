"""What the ledger of a run must add up to, from its own tables and the market alone."""

import math
from collections import Counter
from functools import cache

import numpy as np
import pytest

from alpha_lightning.backtest.book import Setting
from alpha_lightning.backtest.ledger import Ledger, Reason
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings
from alpha_lightning.portfolio.top_n import Reweight, TopN
from tests.backtest.run_both import Case, random_case

EVENTS = frozenset(
    ("suspensions", "listings", "delistings", "limits", "splits", "dividends", "jumps")
)
COSTS = CostSettings(minimum=5.0, stamp_duty={"2020-09-01": 0.001}, impact=0.1)
ROUNDING = 1e-9
SEEDS = range(12)


@cache
def case_of(seed: int) -> Case:
    return random_case(np.random.default_rng(seed), 8, 40, EVENTS)


def execution_of(seed: int) -> ExecutionSettings:
    """Every other one in lots of what can be traded, dividends in cash or in shares."""
    return ExecutionSettings(
        lot=100 if seed % 2 else None,
        participation=0.2 if seed % 3 else None,
        corporate_actions="cash" if seed % 4 < 2 else "shares",
        dividend_tax=0.1,
        delist_value=0.5,
        factor_jumps="keep",
        capital=2e5,
    )


@cache
def ledger_of(seed: int, policy: TopN) -> tuple[Case, Ledger]:
    case = case_of(seed)
    setting = Setting("ledger", policy, case.scores, execution_of(seed), COSTS)
    (outcome,) = case.outcomes([setting])
    return case, outcome.ledger


@pytest.mark.parametrize("seed", SEEDS)
def test_both_accounts_agree_every_day(seed: int) -> None:
    _, ledger = ledger_of(seed, TopN(names=4, delta=0.5))
    assert len(ledger.rows) > 20
    assert ledger.residual.max() <= ROUNDING
    assert np.isfinite(ledger.value).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_cash_changes_by_dividends_and_by_what_trades_bring_and_cost(seed: int) -> None:
    _, ledger = ledger_of(seed, TopN(names=4, delta=0.5))
    trades, cash = ledger.trades, ledger.capital
    for k, row in enumerate(ledger.rows):
        done = (trades.row == row) & (trades.shares != 0)
        cash += ledger.dividends[k] - float(trades.shares[done] @ trades.price[done])
        paid = float((trades.fee + trades.duty + trades.impact)[trades.row == row].sum())
        cash -= paid
        assert ledger.cash[k] == pytest.approx(cash, abs=ROUNDING * ledger.value[k])
        assert ledger.cost[k] == pytest.approx(paid, abs=ROUNDING * ledger.value[k])
        assert ledger.cash[k] >= -ROUNDING * ledger.value[k]


@pytest.mark.parametrize("seed", SEEDS)
def test_holdings_follow_from_corporate_actions_and_trades(seed: int) -> None:
    case, ledger = ledger_of(seed, TopN(names=4, delta=0.5))
    execution, factor = execution_of(seed), case.arrays.factor
    shares: Counter[int] = Counter()
    trades, held = ledger.trades, ledger.holdings
    for row in ledger.rows.tolist():
        for j in shares:
            g = factor[row, j] / factor[row - 1, j]
            dividend = execution.corporate_actions == "cash" and 1 <= g < execution.split_from
            shares[j] *= 1 if dividend else g
        today = trades.row == row
        for j, x in zip(trades.column[today], trades.shares[today], strict=True):
            shares[int(j)] += x
        own = dict(zip(held.column[held.row == row], held.shares[held.row == row], strict=True))
        for j, n in shares.items():
            assert own.get(j, 0.0) == pytest.approx(n, rel=ROUNDING, abs=1e-6)
        assert set(own) <= set(shares)


@pytest.mark.parametrize("seed", SEEDS)
def test_marks_are_closes_or_the_last_ones(seed: int) -> None:
    case, ledger = ledger_of(seed, TopN(names=4, delta=0.5))
    held, traded = ledger.holdings, case.arrays.traded
    now = traded[held.row, held.column]
    assert (~now).any()
    closes = case.arrays.prices["close"][held.row, held.column]
    np.testing.assert_array_equal(held.price[now], closes[now])
    for row, column, price in zip(held.row[~now], held.column[~now], held.price[~now], strict=True):
        last = case.bars.last_row(int(row), int(column))
        growth = case.arrays.factor[row, column] / case.arrays.factor[last, column]
        close = case.arrays.prices["close"][last, column]
        assert price == pytest.approx(close / growth, rel=ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_traded_that_the_market_forbids(seed: int) -> None:
    case, ledger = ledger_of(seed, TopN(names=4, delta=0.5))
    execution, bars, trades = execution_of(seed), case.bars, ledger.trades
    made = np.flatnonzero((trades.shares != 0) & (trades.reason != Reason.DELISTED))
    for k in made.tolist():
        row, column, x = int(trades.row[k]), int(trades.column[k]), trades.shares[k]
        side = "up" if x > 0 else "down"
        assert bars.traded[row][column]
        assert bars.listed[row][column]
        assert not bars.at_limit(row, column, execution.limit, side)
        assert trades.price[k] == bars.trade_price(row, column, execution.price)
        assert abs(x) <= abs(trades.wanted[k]) * (1 + ROUNDING)
        if execution.participation is not None:
            most = execution.participation * bars.volume[row][column]
            assert abs(x) <= most * (1 + ROUNDING)
        if execution.lot is not None and (x > 0 or x > trades.wanted[k]):
            assert x % execution.lot == pytest.approx(0)


@pytest.mark.parametrize("reweight", ["always", "never", "band"])
@pytest.mark.parametrize("seed", SEEDS)
def test_never_more_names_than_n_and_every_lacking_one_is_told(
    seed: int, reweight: Reweight
) -> None:
    names = 4
    _, ledger = ledger_of(seed, TopN(names=names, delta=0.5, reweight=reweight, reserves=1))
    assert ledger.names.max() <= names
    for k in range(len(ledger.rows)):
        if math.isfinite(ledger.turnover[k]):
            assert names - ledger.names[k] <= ledger.short[k]


def test_every_reason_has_been_met() -> None:
    met: set[int] = set()
    for seed in SEEDS:
        for names in (2, 6):
            _, ledger = ledger_of(seed, TopN(names=names, delta=0.5))
            met |= set(ledger.trades.reason.tolist())
    assert {Reason(reason) for reason in met} >= set(Reason) - {Reason.NOT_LISTED, Reason.COST}
