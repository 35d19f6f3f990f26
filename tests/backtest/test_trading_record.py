import math
from dataclasses import replace

import numpy as np

from alpha_lightning.backtest.ledger import Holdings, Ledger
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.trading_record import Stale, is_buy, trading_record
from tests.backtest.results_ledgers import TRIED, small_ledger, small_market, trades


def test_trades_are_counted_by_side_and_reason() -> None:
    found = trading_record(small_ledger(), small_market())
    assert (found.buys, found.sells, found.delisted) == (4, 2, 1)
    assert found.blocked_buys == {"limit up": 1, "no slot": 1}
    assert found.blocked_sells == {"suspended": 1}
    assert (found.partial_buys, found.partial_sells) == ({"participation": 1}, {})
    # 5 of 5, 0 of 4, 1 of 4 and 1 of 1, all at 10; the rest has no price.
    assert found.filled_share == 7 / 14
    assert (found.short, found.short_days) == (3, 2)
    assert found.held == (("2021-01-05", "no scores"),)


def test_a_purchase_of_unknown_size_is_a_purchase() -> None:
    assert is_buy(TRIED).tolist() == [True, True, True, False, False, True, False]


def test_nothing_tried_is_nothing_filled() -> None:
    found = trading_record(small_ledger(trades=trades()), small_market())
    assert (found.buys, found.sells, found.blocked_buys, found.partial_sells) == (0, 0, {}, {})
    assert math.isnan(found.filled_share)


def long_suspension() -> tuple[Ledger, Market]:
    # A is held on all 40 days and suspended on days 5 to 27 and 30 to 31; B without a price from
    # day 18 on, held up to day 38; C trades, or is not held.
    days = np.arange("2021-01-01", "2021-02-10", dtype="datetime64[D]")
    traded = np.ones((40, 3), dtype=np.bool_)
    traded[5:28, 0] = traded[30:32, 0] = traded[18:, 1] = traded[3, 2] = False
    held = [(day, stock) for day in range(40) for stock in (0, 1, 2)]
    held = [(day, k) for day, k in held if k == 0 or (k == 1 and day < 39) or (k == 2 and day > 3)]
    row, column = np.array(held).T
    ones = np.ones(len(held))
    ledger = replace(small_ledger(), holdings=Holdings(row, column, ones, ones))
    return ledger, small_market(days, traded=traded)


def test_holdings_without_a_price_for_long_are_named() -> None:
    found = trading_record(*long_suspension())
    assert found.longest_suspension == 23
    assert found.stale == (
        Stale("A", "2021-01-06", "2021-01-28", 23),
        Stale("B", "2021-01-19", "2021-02-08", 21),
    )


def test_spells_of_two_stocks_one_after_the_other_are_two() -> None:
    ledger, market = long_suspension()
    traded = np.ones_like(market.traded)
    traded[0:15, 0] = traded[15:30, 1] = False
    found = trading_record(ledger, replace(market, traded=traded))
    assert (found.stale, found.longest_suspension) == ((), 15)


def test_twenty_days_are_not_yet_long() -> None:
    ledger, market = long_suspension()
    traded = market.traded.copy()
    traded[25:28, 0] = traded[18, 1] = True
    found = trading_record(ledger, replace(market, traded=traded))
    assert (found.stale, found.longest_suspension) == ((), 20)


def test_holdings_that_trade_are_not_stale() -> None:
    assert trading_record(small_ledger(), small_market()).longest_suspension == 0
    empty = np.empty(0, dtype=np.intp)
    nothing = Holdings(empty, empty, np.empty(0), np.empty(0))
    assert trading_record(small_ledger(holdings=nothing), small_market()).stale == ()
