"""A market of one price a day for tests of single trades."""

from typing import Any

import numpy as np

from alpha_lightning.backtest.account import Account
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.orders import TradeDay
from alpha_lightning.backtest.price_limits import LimitColumns
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings
from alpha_lightning.backtest.trade_costs import TradeCosts
from alpha_lightning.portfolio.policy import Target

FREE = CostSettings(buy=0.0, sell=0.0)


def flat_market(price: Any, days: int = 3, **changes: Any) -> Market:
    """``days`` equal days at ``price`` ``(N,)``; changes are fields of the market, by day."""
    prices = np.tile(np.asarray(price, dtype=np.float64), (days, 1))
    on = np.ones(prices.shape, dtype=bool)
    dates = np.datetime64("2024-01-01") + np.arange(days)
    fields: dict[str, Any] = {
        "dates": dates,
        "symbols": np.array([f"S{k}" for k in range(prices.shape[1])]),
        "prices": {name: prices.copy() for name in ("open", "high", "low", "close")},
        "volume": np.full(prices.shape, 1e4),
        "factor": np.ones(prices.shape),
        "traded": on,
        "listed": on.copy(),
    }
    return Market(**(fields | changes))


def limited(price: Any, up: Any = (), down: Any = (), days: int = 3) -> Market:
    """As `flat_market`, the stocks ``up`` locked at their upper limit, ``down`` at the lower."""
    market = flat_market(price, days)
    highest, lowest = market.prices["close"] * 1.1, market.prices["close"] * 0.9
    highest[:, list(up)] /= 1.1
    lowest[:, list(down)] /= 0.9
    return flat_market(price, days, limits=LimitColumns(highest, lowest))


def target(weights: dict[int, float], **changes: Any) -> Target:
    columns = np.array(list(weights), dtype=np.intp)
    given = {"keep": (), "reserves": ()} | changes
    keep = np.isin(columns, list(given.pop("keep")))
    reserves = np.array(list(given.pop("reserves")), dtype=np.intp)
    return Target(columns, np.array(list(weights.values())), keep, reserves, **given)


def trade_day(
    market: Market,
    account: Account,
    wanted: Target,
    costs: CostSettings = FREE,
    row: int = 1,
    **execution: Any,
) -> TradeDay:
    rules = ExecutionSettings(price="close", **execution)
    return TradeDay(market, row, account, wanted, rules, TradeCosts(costs, market))
