from typing import Any

import numpy as np
import pytest

from alpha_lightning.backtest.price_limits import LimitColumns
from alpha_lightning.backtest.remarks import remarks
from alpha_lightning.backtest.settings import ExecutionSettings
from alpha_lightning.backtest.trading_record import Stale, TradingRecord
from tests.backtest.results_ledgers import TRIED, small_ledger, small_market

TWAP = {"price": "twap"}


def told(warnings: tuple[str, ...] = (), **changes: Any) -> list[str]:
    names = ("blocked_buys", "blocked_sells", "partial_buys", "partial_sells")
    fields: dict[str, Any] = {name: {} for name in names}
    fields |= dict.fromkeys(("delisted", "short", "short_days", "longest_suspension"), 0)
    fields |= {"buys": 100, "sells": 100, "filled_share": 1.0, "held": (), "stale": ()}
    execution = ExecutionSettings(**changes.pop("execution", {}))
    market = small_market(warnings=warnings, **changes.pop("market", {}))
    record = TradingRecord(**(fields | changes))
    return list(remarks(record, small_ledger(), market, execution))


def test_nothing_is_said_of_nothing() -> None:
    assert told() == []


def test_the_markets_own_come_first() -> None:
    notes = ("Trades are done at the close.", "Price limits are those of the boards' rules.")
    assert told(notes, short=1, short_days=1)[:2] == list(notes)


def test_limits_that_are_off() -> None:
    assert told(execution={"limit": "off"}) == ["Price limits are not honoured."]


def test_held_signals_are_counted_by_their_reason() -> None:
    held = (
        ("2021-01-08", "scores for 3 of 40 stocks"),
        ("2021-01-15", "no scores"),
        ("2021-01-22", "scores for 11 of 1,400 stocks"),
    )
    assert told(held=held) == [
        "2 signals led to no trade, the holdings were kept: scores for 3 of 40 stocks"
        " (first 2021-01-08).",
        "1 signal led to no trade, the holdings were kept: no scores (2021-01-15).",
    ]


@pytest.mark.parametrize(("count", "said"), [(5, False), (6, True)])
def test_blocked_purchases_above_one_in_twenty(count: int, *, said: bool) -> None:
    blocked = {"suspended": 2, "limit up": count - 2}
    expected = f"{count} of 100 purchases were blocked: suspended 2, limit up {count - 2}."
    assert told(blocked_buys=blocked) == ([expected] if said else [])


@pytest.mark.parametrize(("count", "said"), [(10, False), (11, True)])
def test_trades_in_part_above_one_in_twenty(count: int, *, said: bool) -> None:
    expected = f"{count} of 200 trades were done only in part: participation {count - 2}, cash 2."
    found = told(
        partial_buys={"cash": 2, "participation": 3},
        partial_sells={"participation": count - 5},
    )
    assert found == ([expected] if said else [])


def test_trades_at_the_close_for_lack_of_a_price() -> None:
    flat = small_market().prices["close"]
    holes = np.where(np.arange(flat.shape[1]) == 0, np.nan, flat)
    market = {"prices": {**small_market().prices, "twap": holes, "open": holes}}
    done = int((TRIED.shares[TRIED.signal >= 0] != 0).sum())
    lacking = int((TRIED.shares[(TRIED.column == 0) & (TRIED.signal >= 0)] != 0).sum())
    assert 0 < lacking < done
    for price, name in (("twap", "TWAP"), ("open", "open")):
        (text,) = told(market=market, execution={"price": price})
        assert text.startswith(f"{lacking} of ")
        assert text.endswith(
            f"trades were done at the close: on their days the stock has no {name}."
        )
    assert told(market=market, execution={"price": "close"}) == []
    assert told(market={"prices": {**market["prices"], "twap": flat}}, execution=TWAP) == []


def test_trades_without_a_limit_in_the_columns() -> None:
    limit = small_market().prices["close"] * 1.1
    none = np.full_like(limit, np.nan)
    tried = int((TRIED.signal >= 0).sum())
    buys = int(((TRIED.signal >= 0) & (TRIED.wanted > 0)).sum())
    words = "trades were tried without a price limit: the panel's columns have none"
    (text,) = told(market={"limits": LimitColumns(none, none)})
    assert text.startswith(f"{tried} of {tried} {words}")
    (text,) = told(market={"limits": LimitColumns(none, limit)})
    assert text.startswith(f"{buys} of {tried} {words}")
    assert told(market={"limits": LimitColumns(limit, limit)}) == []
    off = told(market={"limits": LimitColumns(none, none)}, execution={"limit": "off"})
    assert off == ["Price limits are not honoured."]


def test_short_falls() -> None:
    assert told(short=1, short_days=1) == [
        "On 1 trade day 1 stock in all found no substitute: the portfolio held fewer names and"
        " more cash than wanted."
    ]
    assert told(short=12, short_days=4)[0].startswith("On 4 trade days 12 stocks in all")


def test_stale_holdings_are_named_up_to_five() -> None:
    stale = tuple(Stale(f"S{k}", "2021-01-06", "2021-03-01", 60 - k) for k in range(7))
    (text,) = told(stale=stale, longest_suspension=60)
    assert text == (
        "Held without a price for more than 20 days, at the last one: S0 since 2021-01-06, S1"
        " since 2021-01-06, S2 since 2021-01-06, S3 since 2021-01-06, S4 since 2021-01-06 and 2"
        " more; the longest for 60 days."
    )
    (text,) = told(stale=stale[:1], longest_suspension=60)
    assert "S0 since 2021-01-06; the longest" in text


def test_delistings_and_what_they_paid() -> None:
    assert told(delisted=1) == ["1 holding was delisted and paid out at 1 times the last price."]
    (text,) = told(delisted=3, execution={"delist_value": 0.25})
    assert text == "3 holdings were delisted and paid out at 0.25 times the last price."
