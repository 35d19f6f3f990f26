import numpy as np

from alpha_lightning.backtest.account import Account


def test_an_account_of_cash_holds_nothing() -> None:
    account = Account.of_cash(100.0, 3)
    assert (account.value, account.held.tolist()) == (100.0, [])


def test_value_is_cash_and_what_is_held_at_its_mark() -> None:
    account = Account(1.0, np.array([0.0, 2.0, 3.0]), np.array([np.nan, 5.0, 7.0]))
    assert account.held.tolist() == [1, 2]
    assert account.value == 1 + 10 + 21
    account.shares[1] = 0
    account.recount()
    assert account.held.tolist() == [2]
    account.shares[0] = 1.0
    account.recount(np.array([0, 1]))
    assert account.held.tolist() == [0, 2]
