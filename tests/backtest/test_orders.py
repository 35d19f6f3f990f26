from typing import Any

import numpy as np
import pytest

from alpha_lightning.backtest.account import Account
from alpha_lightning.backtest.attempts import Traded
from alpha_lightning.backtest.ledger import Reason
from alpha_lightning.backtest.orders import whole_lots
from alpha_lightning.backtest.settings import CostSettings
from tests.backtest.orders_market import flat_market, limited, target, trade_day


def cash(amount: float, stocks: int) -> Account:
    return Account.of_cash(amount, stocks)


def holding(shares: list[float], price: list[float], money: float = 0.0) -> Account:
    return Account(money, np.array(shares, dtype=float), np.array(price, dtype=float))


def rows(done: Traded) -> list[tuple[int, float, float, str]]:
    return [
        (int(c), round(float(w), 9), round(float(s), 9), Reason(r).words)
        for part in done.attempts
        for c, w, s, r in zip(part.column, part.wanted, part.shares, part.reason, strict=True)
    ]


def test_cash_becomes_the_target_weights() -> None:
    market, account = flat_market([10, 20, 40]), cash(1000, 3)
    done = trade_day(market, account, target({2: 0.4, 0: 0.6})).trade()
    assert rows(done) == [(2, 10, 10, ""), (0, 60, 60, "")]
    assert (account.cash, account.held.tolist()) == (0, [0, 2])
    assert (done.turnover, done.cost, done.gain, done.short) == (0.5, 0, 0, 0)


def test_what_is_not_named_is_sold_and_the_rest_brought_to_its_weight() -> None:
    market, account = flat_market([10, 20, 40]), holding([60, 10, 5], [10, 20, 40], 0)
    done = trade_day(market, account, target({0: 0.5, 2: 0.5})).trade()
    # 1000 in all: 600, 200 and 200 become 500, 0 and 500.
    assert rows(done) == [(0, -10, -10, ""), (1, -10, -10, ""), (2, 7.5, 7.5, "")]
    np.testing.assert_allclose(account.shares, [50, 0, 12.5])
    assert done.turnover == pytest.approx(0.3)


def test_what_is_kept_is_not_touched() -> None:
    account = holding([60, 20, 0], [10, 20, 0])
    done = trade_day(flat_market([10, 20, 5]), account, target({0: 0.1, 2: 0.4}, keep=[0])).trade()
    assert rows(done) == [(1, -20, -20, ""), (2, 80, 80, "")]
    assert account.shares.tolist() == [60, 0, 80]


def test_purchases_share_the_cash_that_costs_leave() -> None:
    market, account = flat_market([10, 10]), cash(1000, 2)
    done = trade_day(market, account, target({0: 0.5, 1: 0.5}), CostSettings(buy=0.25)).trade()
    assert rows(done) == [(0, 50, 40, "cash"), (1, 50, 40, "cash")]
    assert (account.cash, done.cost) == (0, 200)


def test_what_only_costs_take_is_no_lack_of_cash() -> None:
    account = cash(1000, 2)
    costs = CostSettings(buy=0.01)
    done = trade_day(flat_market([10, 10]), account, target({0: 0.5, 1: 0.5}), costs).trade()
    assert [(column, reason) for column, _, _, reason in rows(done)] == [(0, ""), (1, "")]
    assert account.shares == pytest.approx([50 / 1.01] * 2)
    assert account.cash == pytest.approx(0, abs=1e-9)


def test_the_smallest_fee_is_kept_out_of_the_cash_that_is_spent() -> None:
    market, account = flat_market([10, 10]), cash(1000, 2)
    costs = CostSettings(buy=0.01, minimum=30)
    done = trade_day(market, account, target({0: 0.5, 1: 0.5}), costs).trade()
    scale = (1000 - 60) / (1000 * 1.01)
    assert rows(done)[0][2] == pytest.approx(50 * scale)
    assert done.cost == 60
    assert 0 <= account.cash < 1000 * 0.01


def test_a_stock_at_its_lower_limit_stays_and_takes_a_place() -> None:
    market, account = limited([10, 10, 10, 10], down=[1]), holding([50, 50, 0, 0], [10, 10, 0, 0])
    done = trade_day(market, account, target({2: 0.5, 3: 0.5}, max_names=2)).trade()
    assert rows(done) == [
        (0, -50, -50, ""),
        (1, -50, 0, "limit down"),
        (3, 50, 0, "no slot"),
        (2, 50, 50, ""),
    ]
    assert account.held.tolist() == [1, 2]
    assert done.short == 0


def test_the_next_name_takes_the_place_of_one_at_its_upper_limit() -> None:
    market = limited([10, 10, 10, 10, 10], up=[0, 2])
    done = trade_day(market, cash(1000, 5), target({0: 0.6, 1: 0.4}, reserves=[2, 3, 4])).trade()
    assert rows(done) == [
        (0, 60, 0, "limit up"),
        (2, 60, 0, "limit up"),
        (1, 40, 40, ""),
        (3, 60, 60, ""),
    ]
    assert done.short == 0


def test_what_nobody_replaces_is_counted() -> None:
    market = limited([10, 10, 10], up=[0, 2])
    done = trade_day(market, cash(900, 3), target({0: 0.5, 1: 0.5}, reserves=[2])).trade()
    assert done.short == 1
    # So is what the policy could not name.
    done = trade_day(flat_market([10, 10]), cash(900, 2), target({0: 0.2}, max_names=5)).trade()
    assert done.short == 4


@pytest.mark.parametrize(("field", "words"), [("traded", "suspended"), ("listed", "not listed")])
def test_a_stock_that_cannot_be_bought_says_why(field: str, words: str) -> None:
    market = flat_market([10, 10])
    getattr(market, field)[1, 1] = False
    if field == "listed":
        market.traded[1, 1] = False
    done = trade_day(market, cash(1000, 2), target({0: 0.5, 1: 0.5})).trade()
    blocked = rows(done)[0]
    assert (blocked[0], blocked[2], blocked[3]) == (1, 0, words)
    assert np.isnan(blocked[1])


def test_a_suspended_holding_counts_at_its_last_price() -> None:
    market, account = flat_market([10, 10]), holding([50, 50], [7, 10])
    market.traded[1, 0] = False
    day = trade_day(market, account, target({1: 1.0}))
    done = day.trade()
    # 50 at 7 and 50 at 10: a whole of 850 of which 500 are there and nothing can be added.
    assert rows(done) == [(0, -50, 0, "suspended"), (1, 35, 0, "cash")]
    assert account.shares.tolist() == [50, 50]


def test_no_more_than_a_share_of_the_volume_is_traded() -> None:
    market, account = flat_market([10, 10]), holding([100, 0], [10, 0], 0)
    market.volume[1] = [200, 300]
    done = trade_day(market, account, target({1: 1.0}), participation=0.1).trade()
    assert rows(done) == [(0, -100, -20, "participation"), (1, 100, 20, "participation")]
    np.testing.assert_allclose(account.shares, [80, 20])
    assert account.cash == pytest.approx(0)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        # Whole lots of a position that stays, a whole position of any size, less than a lot.
        ({0: 1375, 1: 300}, [(0, -112.5, -100, "")]),
        ({0: 2500}, [(1, -30, -30, "")]),
        ({0: 2250, 1: 300}, [(0, -25, 0, "lot")]),
        ({0: 2400, 1: 350}, [(0, -10, 0, "lot"), (1, 5, 0, "cash")]),
    ],
)
def test_trades_in_lots(wanted: dict[int, float], expected: list[Any]) -> None:
    market, account = flat_market([10, 10]), holding([250, 30], [10, 10])
    weights = {column: value / 2800 for column, value in wanted.items()}
    done = trade_day(market, account, target(weights), lot=100).trade()
    assert rows(done) == expected


def test_a_rounding_error_is_no_lost_lot() -> None:
    assert whole_lots(np.array([300 - 1e-8, 299.0, 0.0]), 100).tolist() == [300, 200, 0]


def test_differences_of_a_rounding_error_are_no_trades() -> None:
    account = holding([50, 50], [10, 10])
    done = trade_day(flat_market([10, 10]), account, target({0: 0.5 + 1e-12, 1: 0.5})).trade()
    assert rows(done) == []
    assert done.turnover == 0


def test_an_empty_target_sells_everything() -> None:
    account = holding([50, 50], [10, 10])
    done = trade_day(flat_market([10, 10]), account, target({})).trade()
    assert (account.cash, account.held.tolist(), done.turnover) == (1000, [], 0.5)


def test_a_sale_that_costs_more_than_it_brings_in_is_not_done() -> None:
    account = holding([0.4, 60, 50], [10, 10, 10], 1)
    done = trade_day(
        flat_market([10, 10, 10]),
        account,
        target({1: 594.9 / 1105, 2: 0.46}),
        CostSettings(buy=0.0, sell=0.0, minimum=5),
    ).trade()
    # An exit worth 4 and an excess of 5.1 at a fee of 5.
    assert rows(done)[:2] == [(0, -0.4, 0, "cost"), (1, -0.51, -0.51, "")]
    assert account.cash >= 0
    account = holding([100], [10])
    done = trade_day(flat_market([10]), account, target({}), CostSettings(sell=1.0)).trade()
    assert rows(done) == [(0, -100, -100, "")]
    assert account.value == 0


def test_entries_of_which_nothing_is_bought_are_short() -> None:
    account, market = cash(1500, 3), flat_market([10, 20, 40])
    wanted = target({0: 0.7, 1: 0.2, 2: 0.1}, max_names=3)
    done = trade_day(market, account, wanted, lot=100).trade()
    assert rows(done) == [(0, 105, 100, ""), (1, 15, 0, "lot"), (2, 3.75, 0, "lot")]
    assert done.short == 2
    broke = holding([10, 0, 0], [10, 0, 0])
    kept = target({0: 0.5, 1: 0.5}, keep=[0], max_names=2)
    done = trade_day(market, broke, kept).trade()
    assert rows(done) == [(1, 2.5, 0, "cash")]
    assert done.short == 1
