from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.price_limits import LimitColumns
from alpha_lightning.backtest.settings import ExecutionSettings

COLUMNS = np.array([3, 0, 1])


def random_market(days: int = 40, stocks: int = 6, seed: int = 0, **given: Any) -> Market:
    generator = np.random.default_rng(seed)
    shape = (days, stocks)
    traded = generator.random(shape) > 0.25
    close = 10 * np.exp(np.cumsum(generator.normal(0, 0.03, shape), axis=0))
    factor = np.cumprod(np.where(generator.random(shape) < 0.05, 1.5, 1.0), axis=0)
    noise = {name: np.exp(generator.normal(0, 0.01, shape)) for name in ("open", "vwap")}
    prices = {"close": close / factor} | {n: close / factor * x for n, x in noise.items()}
    prices["high"] = np.maximum.reduce(list(prices.values()))
    prices["low"] = np.minimum.reduce([prices[n] for n in ("open", "close", "vwap")])
    about: dict[str, Any] = {
        "dates": np.arange(days).astype("datetime64[D]"),
        "symbols": np.array([f"S{k}" for k in range(stocks)]),
        "prices": {name: np.where(traded, price, np.nan) for name, price in prices.items()},
        "volume": np.where(traded, generator.integers(1, 1000, shape) * 100.0, 0.0),
        "factor": factor,
        "traded": traded,
        "listed": np.ones(shape, dtype=np.bool_),
    }
    return Market(**(about | given))


def test_trades_are_done_at_the_price_of_the_day() -> None:
    market = random_market()
    for row in range(40):
        for which in ("vwap", "open", "close"):
            found = market.trade_price(row, COLUMNS, which)
            assert_array_equal(found, market.prices[which][row, COLUMNS])
            assert_array_equal(np.isnan(found), ~market.traded[row, COLUMNS])


def test_a_missing_price_is_the_close_and_a_missing_trade_nothing() -> None:
    market = random_market(traded=np.ones((40, 6), dtype=np.bool_))
    prices = {name: np.full((40, 6), 7.0) for name in market.prices}
    prices["vwap"][5, 0] = np.nan
    prices["close"][5] = 8.0
    market.traded[5, 3] = False
    assert_array_equal(
        replace(market, prices=prices).trade_price(5, COLUMNS, "vwap"), [np.nan, 8, 7]
    )


def test_a_vwap_with_gaps_is_not_used_at_all() -> None:
    market = random_market(at_close=frozenset(("vwap",)))
    close = market.prices["close"][9, COLUMNS]
    assert_array_equal(market.trade_price(9, COLUMNS, "vwap"), close)
    assert_array_equal(market.trade_price(9, COLUMNS, "open"), market.prices["open"][9, COLUMNS])
    bare = {name: price for name, price in market.prices.items() if name != "vwap"}
    assert_array_equal(replace(market, prices=bare).trade_price(9, COLUMNS, "vwap"), close)


def test_a_twap_is_raw_or_adjusted_or_not_to_be_had() -> None:
    market = random_market(traded=np.ones((40, 6), dtype=np.bool_))
    with pytest.raises(UserError, match="no data set mschars, which has it: run `characterise`"):
        market.trade_price(9, COLUMNS, "twap")
    twap = np.full((40, 6), 12.0, dtype=np.float32)
    market = replace(market, prices={**market.prices, "twap": twap})
    assert_array_equal(market.trade_price(39, COLUMNS, "twap"), [12.0] * 3)
    market = replace(market, adjusted=frozenset(("twap",)))
    factor = market.factor[:, COLUMNS]
    assert factor[39].max() > 1
    assert_allclose(market.trade_price(39, COLUMNS, "twap"), 12 / factor[39])
    assert_allclose(market.history("twap", 39, 2), 12 / market.factor[-2:])


@pytest.mark.parametrize(
    ("rule", "up", "down"),
    [
        # Columns 3, 0, 1: locked at the limit; opens there and comes off; closes there.
        ("locked", [True, False, False], [True, False, False]),
        ("open", [True, True, False], [True, True, False]),
        ("close", [True, False, True], [True, False, True]),
        ("off", [False] * 3, [False] * 3),
    ],
)
def test_the_rules_of_price_limits(rule: Any, up: list[bool], down: list[bool]) -> None:
    limit = np.full((1, 4), 11.0)
    bars = {  # stocks 0, 1, 2, 3
        "open": [11.0, 10.0, 10.0, 11.0],
        "close": [10.0, 11.0, 10.0, 11.0],
    }
    day = {name: np.array([values]) for name, values in bars.items()}
    day |= {"low": np.array([[10.0, 10, 10, 11]]), "high": np.array([[11.0, 11, 11, 11]])}
    market = random_market(1, 4, prices=day, limits=LimitColumns(limit, limit * 0.5))
    assert market.at_limit_up(0, COLUMNS, rule).tolist() == up
    assert not market.at_limit_down(0, COLUMNS, rule).any()
    mirrored = {name: 21 - price for name, price in day.items()}
    mirrored |= {"low": 21 - day["high"], "high": 21 - day["low"]}
    market = random_market(1, 4, prices=mirrored, limits=LimitColumns(limit * 2, limit - 1))
    assert market.at_limit_down(0, COLUMNS, rule).tolist() == down
    assert not market.at_limit_up(0, COLUMNS, rule).any()


def test_half_a_tick_is_at_the_limit_and_no_limit_is_never_reached() -> None:
    price = np.array([[10.994, 10.996, 11.0, 11.0]])
    day = dict.fromkeys(("open", "high", "low", "close"), price)
    up = np.array([[11.0, 11.0, np.nan, 11.0]])
    market = random_market(1, 4, prices=day, limits=LimitColumns(up, up))
    every = np.arange(4)
    assert market.at_limit_up(0, every, "locked").tolist() == [False, True, False, True]
    down = np.array([[10.99, 10.99, np.nan, 10.99]])
    market = replace(market, limits=LimitColumns(up, down))
    assert market.at_limit_down(0, every, "locked").tolist() == [True, False, False, False]
    free = replace(market, limits=None)
    assert not free.at_limit_up(0, every, "locked").any()
    assert not free.at_limit_down(0, every, "locked").any()


def test_actions_are_of_the_held_stocks_and_cost_nothing_without_an_event() -> None:
    market = random_market(2, 3, factor=np.array([[1.0, 1, 1], [1, 1.1, 1]]))
    execution = ExecutionSettings()
    assert market.actions(1, np.array([0, 2]), np.array([5.0, 6.0]), execution) is None
    found = market.actions(1, np.array([2, 1]), np.array([5.0, 6.0]), execution)
    assert found is not None
    assert_allclose(found.growth, [1.0, 1.1])


def plain_volatility(market: Market, row: int, column: int) -> float:
    returns = []
    for day in range(max(row - 20, 0) + 1, row):
        if market.traded[day, column] and market.traded[day - 1, column]:
            now, before = (
                market.prices["close"][d, column] * market.factor[d, column] for d in (day, day - 1)
            )
            returns.append(now / before - 1)
    return float(np.std(returns)) if len(returns) >= 5 else 0.03


def plain_amount(market: Market, row: int, column: int) -> float:
    def of(day: int) -> float:
        known = np.nan if market.amount is None else market.amount[day, column]
        turnover = market.prices["close"][day, column] * market.volume[day, column]
        return float(turnover if np.isnan(known) else known)

    days = [day for day in range(max(row - 20, 0), row) if market.traded[day, column]]
    if days:
        return float(np.mean([of(day) for day in days]))
    return of(row) if market.traded[row, column] else 0.0


@given(seed=st.integers(0, 1000), row=st.integers(0, 39), kind=st.integers(0, 2))
def test_usual_volatility_and_amount(seed: int, row: int, kind: int) -> None:
    market = random_market(seed=seed)
    if kind:
        amount = np.random.default_rng(seed).random((40, 6)) * 1e6
        amount[::3, ::2] = np.nan if kind == 2 else 1.0
        market = replace(market, amount=np.where(market.traded, amount, 0.0))
    every = np.arange(6)[::-1]
    wanted = [plain_volatility(market, row, column) for column in every]
    assert_allclose(market.volatility(row, every), wanted, rtol=1e-9)
    wanted = [plain_amount(market, row, column) for column in every]
    assert_allclose(market.usual_amount(row, every), wanted, rtol=1e-12)


def test_usual_numbers_do_not_know_the_day_itself() -> None:
    market = random_market(traded=np.ones((40, 6), dtype=np.bool_), seed=3)
    later = {name: price.copy() for name, price in market.prices.items()}
    for price in later.values():
        price[25:] *= 2
    volume = market.volume.copy()
    volume[25:] *= 9
    other = replace(market, prices=later, volume=volume)
    assert_array_equal(market.volatility(25, COLUMNS), other.volatility(25, COLUMNS))
    assert_array_equal(market.usual_amount(25, COLUMNS), other.usual_amount(25, COLUMNS))


def test_history_ends_at_the_row_and_is_a_copy() -> None:
    market = random_market(others={"float_cap": np.arange(240.0).reshape(40, 6)})
    found = market.history("close", 4, 3)
    assert_array_equal(found, market.prices["close"][2:5])
    found[:] = 0
    assert np.nanmin(market.prices["close"]) > 0
    assert market.history("float_cap", 1, 9).shape == (2, 6)
    assert_array_equal(market.history("adj_factor", 9, 1), market.factor[9:10])
    assert market.history("traded", 9, 1).dtype == np.bool_
    with pytest.raises(UserError, match="no field 'amount'; it has adj_factor, close"):
        market.history("amount", 4, 3)
    assert_array_equal(
        replace(market, amount=market.volume).history("amount", 0, 1)[0], market.volume[0]
    )
