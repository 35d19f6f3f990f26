"""One portfolio in vectorbt and in bt, the peers of bench_backtest.py.

Both are given what takes them least: target weights worked out beforehand, adjusted prices without
gaps, trading days alone to act on. What each leaves out is said where it runs.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Matrix = NDArray[Any]
Peer = Callable[["Given"], Matrix]
CAPITAL, BUY, SELL = 1e8, 0.001, 0.002
_TINY = 1e-9


@dataclass(frozen=True)
class Given:
    """What a peer is given, adjusted prices throughout.

    Args:
        dates: ``(T,)``.
        mark: ``(T, N)`` close, the last one while suspended, 1 before the listing.
        price: ``(T, N)`` of a trade; NaN where there is none.
        can_buy: ``(T, N)``.
        can_sell: ``(T, N)``.
        due: ``(T,)`` which of the targets is traded on the row, -1 for none.
        wanted: ``(S, n)`` stocks, best first; -1 behind the last.
        weights: ``(S, n)``.
        names: stocks that may be held.
        costs: rates of a purchase and of a sale.
    """

    dates: Matrix
    mark: Matrix
    price: Matrix
    can_buy: Matrix
    can_sell: Matrix
    due: Matrix
    wanted: Matrix
    weights: Matrix
    names: int
    costs: tuple[float, float] = (BUY, SELL)


def plan(
    cash: float,
    position: Matrix,
    day: tuple[Matrix, Matrix, Matrix, Matrix],
    target: tuple[Matrix, Matrix, int, float, float],
    found: tuple[Matrix, Matrix],
) -> int:
    """Orders of a day: sales first, then purchases scaled to the cash; our rules of trading.

    Written so that numba can compile it.

    Args:
        cash: before the trades.
        position: ``(N,)`` shares.
        day: marks, trade prices, who can be bought and sold, ``(N,)`` each.
        target: stocks and weights, names that may be held, rates of a purchase and a sale.
        found: ``(2 N,)`` columns and sizes, filled here.

    Returns:
        The number of orders.
    """
    mark, price, can_buy, can_sell = day
    wanted, weights, names, buy, sell = target
    columns, sizes = found
    wanted = wanted[wanted >= 0]
    total = cash + np.sum(position * np.where(np.isnan(price), mark, price))
    held: Any = np.sum(position > 0)
    worth = np.zeros(len(position))
    for k in range(len(wanted)):
        worth[wanted[k]] = weights[k] * total
    count = 0
    for j in range(len(position)):
        if position[j] > 0 and can_sell[j]:
            size = position[j] - worth[j] / price[j]
            if worth[j] == 0 or size * price[j] > _TINY * total:
                columns[count], sizes[count] = j, -size
                count += 1
                cash += size * price[j] * (1 - sell)
                held -= int(worth[j] == 0)
    first, need = count, 0.0
    for k in range(len(wanted)):
        j = wanted[k]
        if can_buy[j] and (position[j] > 0 or held < names):
            size = worth[j] / price[j] - position[j]
            if size * price[j] > _TINY * total:
                held += int(position[j] == 0)
                columns[count], sizes[count] = j, size
                count += 1
                need += size * price[j] * (1 + buy)
    sizes[first:count] *= min(1.0, cash / max(need, _TINY))
    return count


def vectorbt_way(given: Given) -> Matrix:
    """Value at every close by vectorbt, ``(T,)``."""
    return np.asarray(vectorbt_orders(given).value(), dtype=np.float64)


def vectorbt_orders(given: Given) -> Any:
    """Orders and cash by vectorbt's flexible order function, before anything is valued.

    The rules are `plan`, compiled by numba as vectorbt asks of its users; nothing is called on days
    without a trade. It leaves out raw prices with corporate actions, delistings, reasons of blocked
    trades, and has no minimum fee, impact, lots or participation.
    """
    vbt = importlib.import_module("vectorbt")
    segment, order = _callbacks()
    close = pd.DataFrame(given.mark, index=pd.DatetimeIndex(given.dates), copy=False)
    stocks = close.shape[1]
    room = np.empty(2 * stocks, dtype=np.int64), np.empty(2 * stocks)
    market = given.mark, given.price, given.can_buy, given.can_sell
    target = given.due, given.wanted, given.weights, given.names, *given.costs
    return vbt.Portfolio.from_order_func(
        close,
        order,
        *(given.price, given.costs, room),
        flexible=True,
        init_cash=CAPITAL,
        cash_sharing=True,
        group_by=True,
        segment_mask=(given.due >= 0)[:, None],
        pre_segment_func_nb=segment,
        pre_segment_args=(market, target, room),
        update_value=False,
        fill_pos_record=False,
        max_orders=int((given.due >= 0).sum()) * 4 * given.names + 1,
    )


_COMPILED: list[Any] = []


def _callbacks() -> Any:
    # Compiled once, as a user would who keeps the functions in a module of his own.
    if _COMPILED:
        return _COMPILED
    njit = importlib.import_module("numba").njit
    nb = importlib.import_module("vectorbt.portfolio.nb")
    order_nb, nothing_nb, plan_nb = nb.order_nb, nb.order_nothing_nb, njit(plan)

    def segment(c: Any, market: Any, target: Any, room: Any) -> Any:
        mark, price, can_buy, can_sell = market
        due, wanted, weights, names, buy, sell = target
        day = (mark[c.i - 1], price[c.i], can_buy[c.i], can_sell[c.i])
        goal = (wanted[due[c.i]], weights[due[c.i]], names, buy, sell)
        return (plan_nb(c.last_cash[c.group], c.last_position, day, goal, room),)

    def order(c: Any, count: Any, price: Any, costs: Any, room: Any) -> Any:
        if c.call_idx >= count:
            return -1, nothing_nb()
        column, size = room[0][c.call_idx], room[1][c.call_idx]
        fees = costs[0] if size > 0 else costs[1]
        return column, order_nb(size=size, price=price[c.i, column], fees=fees)

    _COMPILED.extend([njit(segment), njit(order)])
    return _COMPILED


def bt_way(given: Given) -> Matrix:
    """Value at every close by bt's weights and rebalancing, ``(T,)``.

    It trades at the close, whatever is suspended or at its limit, and leaves out the trade price of
    its own, slots, raw prices with corporate actions, delistings and reasons.
    """
    bt = importlib.import_module("bt")
    symbols = [f"S{k}" for k in range(given.mark.shape[1])]
    index = pd.DatetimeIndex(given.dates)
    days = np.flatnonzero(given.due >= 0)
    weights = np.full((len(days), len(symbols)), np.nan)
    for k, day in enumerate(days):
        wanted = given.wanted[given.due[day]]
        weights[k, wanted[wanted >= 0]] = given.weights[given.due[day]][wanted >= 0]
    target = pd.DataFrame(weights, index=index[days], columns=symbols)
    algos = [bt.algos.RunOnDate(*index[days]), bt.algos.WeighTarget(target), bt.algos.Rebalance()]
    buy, sell = given.costs
    run = bt.Backtest(
        bt.Strategy("weights", algos),
        pd.DataFrame(given.mark, index=index, columns=symbols, copy=False),
        initial_capital=CAPITAL,
        commissions=lambda size, price: abs(size) * price * (buy if size > 0 else sell),
        integer_positions=False,
        progress_bar=False,
    )
    run.run()
    # The first value is of a day that bt puts before the first.
    return np.asarray(run.strategy.values.loc[index], dtype=np.float64)
