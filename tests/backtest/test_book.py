from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.book import PENDING, Book, Setting
from alpha_lightning.backtest.ledger import Reason
from alpha_lightning.backtest.settings import ExecutionSettings, LimitRule
from alpha_lightning.portfolio.fixed_weights import FixedWeights
from alpha_lightning.portfolio.policy import Hold, Observation, Target
from tests.backtest.orders_market import FREE, flat_market, limited, target

EVERYBODY = np.ones(2, dtype=bool)
NOBODY = np.full(2, np.nan)


class Spy:
    def __init__(self, answer: Target | Hold) -> None:
        self.answer, self.seen = answer, list[Observation]()

    def decide(self, seen: Observation) -> Target | Hold:
        self.seen.append(seen)
        return self.answer


def test_days_before_the_first_trade_are_not_kept() -> None:
    market = flat_market([10, 20], days=6)
    rules = ExecutionSettings("close", delay=2, capital=100)
    book = Book(market, Setting("a", Spy(target({0: 0.5, 1: 0.5})), None, rules, FREE))
    for row in range(6):
        book.step(row)
        if row == 1:
            book.decide(row, NOBODY, EVERYBODY)
    ledger = book.close().ledger
    assert ledger.rows.tolist() == [3, 4, 5]
    assert ledger.trades.row.tolist() == [3, 3]
    assert ledger.trades.signal.tolist() == [1, 1]
    assert ledger.value.tolist() == [100, 100, 100]
    assert np.isnan(ledger.turnover[1:]).all()
    assert ledger.names.tolist() == [2, 2, 2]


def test_nothing_decided_leaves_an_empty_ledger_that_says_why() -> None:
    book = Book(flat_market([10, 20]), Setting("a", Spy(Hold("no scores"))))
    for row in range(3):
        book.step(row)
        book.decide(row, NOBODY, EVERYBODY)
    outcome = book.close()
    assert len(outcome.ledger.rows) == 0
    assert outcome.ledger.held == ((0, "no scores"), (1, "no scores"), (2, "no scores"))
    assert len(outcome.ledger.residual) == len(outcome.ledger.trades.row) == 0


@pytest.mark.parametrize(
    ("rule", "up", "down"),
    [
        ("locked", [True, False, False, False], [False, True, False, False]),
        ("close", [True, False, True, False], [False, True, False, False]),
        ("off", [False] * 4, [False] * 4),
    ],
)
def test_a_policy_is_told_who_is_at_a_limit(
    rule: LimitRule, up: list[bool], down: list[bool]
) -> None:
    market = limited([10, 20, 30, 40], up=[0, 2, 3], down=[1])
    market.prices["low"][:, 2] = 29
    market.traded[:, 3] = False
    spy = Spy(Hold("no scores"))
    book = Book(market, Setting("a", spy, None, ExecutionSettings(limit=rule)))
    book.step(1)
    book.decide(1, np.full(4, np.nan), np.ones(4, dtype=bool))
    told = spy.seen[0].at_limits()
    assert [flags.tolist() for flags in told] == [up, down]


def test_who_is_at_a_limit_is_asked_of_the_signal_date_alone() -> None:
    market = limited([10, 20], up=[0])
    market.prices["close"][2:], market.prices["low"][2:] = 99, 99
    spy = Spy(Hold("no scores"))
    book = Book(market, Setting("a", spy))
    book.step(1)
    book.decide(1, NOBODY, EVERYBODY)
    assert spy.seen[0].at_limits()[0].tolist() == [True, False]


def test_a_delisted_holding_is_paid_out() -> None:
    market = flat_market([10, 20], days=4)
    market.listed[2:, 1] = market.traded[2:, 1] = False
    rules = ExecutionSettings("close", capital=100, delist_value=0.25)
    book = Book(market, Setting("a", Spy(target({0: 0.5, 1: 0.5})), None, rules, FREE))
    book.step(0)
    book.decide(0, NOBODY, EVERYBODY)
    for row in (1, 2, 3):
        book.step(row)
    ledger = book.close().ledger
    assert ledger.value.tolist() == [100, 62.5, 62.5]
    assert ledger.cash.tolist() == [0, 12.5, 12.5]
    assert ledger.gain.tolist() == [0, -37.5, 0]
    assert ledger.trades.reason.tolist() == [0, 0, Reason.DELISTED]
    assert (ledger.trades.signal[-1], ledger.trades.price[-1]) == (-1, 5)
    np.testing.assert_array_equal(ledger.residual, 0)


def test_a_split_adds_shares_at_the_same_worth_and_a_dividend_cash() -> None:
    market = flat_market([10, 20], days=4)
    market.factor[2:, 0] = 2.0
    market.factor[2:, 1] = 1.25
    for prices in market.prices.values():
        prices[2:] = [5.5, 16]
    rules = ExecutionSettings(
        "close", corporate_actions="cash", split_from=1.5, dividend_tax=0.5, capital=100
    )
    book = Book(market, Setting("a", Spy(target({0: 0.5, 1: 0.5})), None, rules, FREE))
    book.step(0)
    book.decide(0, NOBODY, EVERYBODY)
    for row in (1, 2, 3):
        book.step(row)
    ledger = book.close().ledger
    # 5 shares of 10 become 10 of 5.5; 2.5 shares of 20 pay 4 each, half of it to the tax.
    assert ledger.dividends.tolist() == [0, 5, 0]
    assert ledger.gain.tolist() == pytest.approx([0, 5 - 10, 0])
    assert ledger.value.tolist() == [100, 100, 100]
    assert ledger.holdings.shares[-2:].tolist() == [10, 2.5]
    np.testing.assert_allclose(ledger.residual, 0, atol=1e-15)


def test_what_a_policy_sees_is_its_own_copy_of_the_day() -> None:
    market = flat_market([10, 20], days=3)
    spy = Spy(target({0: 1.0}))
    book = Book(market, Setting("a", spy, None, ExecutionSettings("close", capital=100), FREE))
    for row in range(3):
        book.step(row)
        book.decide(row, np.array([1.0, 2.0]), EVERYBODY)
    first, second, _ = spy.seen
    assert (first.value, first.shares.tolist(), second.shares.tolist()) == (100, [0, 0], [10, 0])
    assert second.weights.tolist() == [1, 0]
    assert second.date == market.dates[1]
    np.testing.assert_array_equal(second.history("close", 9), market.prices["close"][:2])
    for mine in (second.shares, second.traded, second.universe, second.history("close", 1)):
        mine[:] = 0
        assert not np.shares_memory(mine, market.traded)
    assert EVERYBODY.all()
    assert market.traded.all()
    assert market.prices["close"].all()


def test_decisions_are_kept_in_order() -> None:
    answer = target({0: 1.0})
    dates = flat_market([10, 20]).dates
    policy = FixedWeights({dates[1]: answer})
    book = Book(flat_market([10, 20]), Setting("a", policy))
    for row in range(3):
        book.step(row)
        book.decide(row, NOBODY, EVERYBODY)
    kinds = [(row, type(decision).__name__) for row, decision in book.close().decisions]
    assert kinds == [(0, "Hold"), (1, "Target"), (2, "Hold")]


def test_a_portfolio_that_has_lost_everything_goes_on_with_nothing() -> None:
    market = flat_market([10, 20], days=5)
    market.listed[2:, 0] = market.traded[2:, 0] = False
    rules = ExecutionSettings("close", capital=100, delist_value=0.0)
    spy = Spy(target({0: 1.0}))
    book = Book(market, Setting("a", spy, None, rules, FREE))
    for row in range(5):
        book.step(row)
        book.decide(row, NOBODY, EVERYBODY)
    ledger = book.close().ledger
    assert ledger.value.tolist() == [100, 0, 0, 0]
    assert spy.seen[-1].weights.tolist() == [0, 0]
    assert ledger.turnover[1:].tolist() == [0, 0, 0]


def test_a_signal_before_the_trade_of_the_one_before_is_passed_over() -> None:
    spy = Spy(target({0: 1.0}))
    rules = ExecutionSettings("close", delay=2, capital=100)
    book = Book(flat_market([10, 20], days=6), Setting("a", spy, None, rules, FREE))
    for row in range(6):
        book.step(row)
        book.decide(row, NOBODY, EVERYBODY)
    ledger = book.close().ledger
    # Signals of rows 0, 2 and 4 are traded on rows 2, 4 and 6, the last one after the end.
    assert len(spy.seen) == 3
    assert ledger.held == ((1, PENDING), (3, PENDING), (5, PENDING))
    assert np.flatnonzero(np.isfinite(ledger.turnover)).tolist() == [0, 2]


def test_symbols_cannot_be_changed_by_a_policy() -> None:
    spy = Spy(Hold("no"))
    book = Book(flat_market([10, 20]), Setting("a", spy))
    book.decide(0, NOBODY, EVERYBODY)
    with pytest.raises(ValueError, match="read-only"):
        spy.seen[0].symbols[0] = "X"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (target({0: 0.7, 1: 0.5}), "mine: the policy's answer of 2024-01-01: weights sum to 1.2"),
        (None, "mine: the policy's answer of 2024-01-01: neither a Target nor a Hold"),
    ],
)
def test_an_answer_that_cannot_be_traded_is_refused(answer: Any, told: str) -> None:
    book = Book(flat_market([10, 20]), Setting("mine", Spy(answer)))
    with pytest.raises(UserError, match=told):
        book.decide(0, NOBODY, EVERYBODY)
