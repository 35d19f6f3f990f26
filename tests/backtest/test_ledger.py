from typing import Any

import numpy as np

from alpha_lightning.backtest.ledger import Holdings, Ledger, Reason, Trades

NONE = np.empty(0)
NOWHERE = np.empty(0, dtype=np.intp)
TRADES = Trades(
    *(NOWHERE, NOWHERE, NOWHERE, NONE, NONE, NONE, NONE, NONE, NONE),
    np.empty(0, dtype=np.int8),
)


def ledger(**changes: Any) -> Ledger:
    # 100 of cash: bought 4 at 10 for a fee of 1, then the price rose to 12.5 and 2 was paid.
    days: dict[str, Any] = {
        "value": np.array([99.0, 111.0]),
        "cash": np.array([59.0, 61.0]),
        "gain": np.array([0.0, 10.0]),
        "dividends": np.array([0.0, 2.0]),
        "cost": np.array([1.0, 0.0]),
        "turnover": np.array([0.2, np.nan]),
    }
    held = Holdings(
        np.array([5, 6]), np.array([3, 3]), np.array([4.0, 4.0]), np.array([10.0, 12.5])
    )
    counts = {"names": np.array([1, 1]), "short": np.array([0, 0])}
    days |= {"capital": 100.0, "rows": np.array([5, 6]), "holdings": held, "trades": TRADES}
    return Ledger(**(days | counts | changes))


def test_returns_begin_at_the_capital() -> None:
    np.testing.assert_allclose(ledger().returns, [-0.01, 111 / 99 - 1], rtol=1e-15)


def test_accounts_that_agree_leave_nothing() -> None:
    np.testing.assert_array_equal(ledger().residual, [0.0, 0.0])


def test_accounts_that_differ_are_seen() -> None:
    # Where booked changes differ, and where cash and holdings do.
    wrong = ledger(gain=np.array([0.0, 9.0])).residual
    np.testing.assert_allclose(wrong, [0.0, 1 / 111])
    wrong = ledger(cash=np.array([58.0, 61.0])).residual
    np.testing.assert_allclose(wrong, [1 / 99, 0.0])


def test_reasons_in_words() -> None:
    assert Reason.DONE.words == ""
    assert Reason.LIMIT_UP.words == "limit up"
