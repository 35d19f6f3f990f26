"""A portfolio of two years and four days, small enough for a pocket calculator."""

from typing import Any

import numpy as np

from alpha_lightning.backtest.benchmark import Benchmark
from alpha_lightning.backtest.ledger import Holdings, Ledger, Reason, Trades
from alpha_lightning.backtest.market import Market

DATES = np.array(
    ["2020-12-29", "2020-12-30", "2020-12-31", "2021-01-04", "2021-01-05", "2021-01-06"],
    dtype="datetime64[D]",
)
SYMBOLS = np.array(["A", "B", "C"])
RETURNS = [-0.01, 0.1, -0.1, 0.1]
"""After costs, on rows 1 to 4."""
AGAINST = [0.0, 0.05, -0.05, 0.05]


def small_market(dates: Any = DATES, symbols: Any = SYMBOLS, **changes: Any) -> Market:
    """Every price 10, everything trades."""
    shape = (len(dates), len(symbols))
    flat = np.full(shape, 10.0)
    fields: dict[str, Any] = {
        "dates": dates,
        "symbols": symbols,
        "prices": dict.fromkeys(("open", "high", "low", "close"), flat),
        "volume": np.full(shape, 1e6),
        "factor": np.ones(shape),
        "traded": np.ones(shape, dtype=np.bool_),
        "listed": np.ones(shape, dtype=np.bool_),
    }
    return Market(**(fields | changes))


def trades(*rows: tuple[Any, ...]) -> Trades:
    """From (row, signal, column, wanted, shares, price, fee, duty, impact, reason)."""
    kinds = (*[np.intp] * 3, *[np.float64] * 6, np.int8)
    columns = zip(*rows, strict=True) if rows else [()] * 10
    return Trades(*(np.array(c, dtype=k) for c, k in zip(columns, kinds, strict=True)))


TRIED = trades(
    (1, 0, 0, 5.0, 5.0, 10.0, 0.5, 0.0, 0.25, Reason.DONE),
    (1, 0, 1, 4.0, 0.0, 10.0, 0.0, 0.0, 0.0, Reason.LIMIT_UP),
    (1, 0, 2, 4.0, 1.0, 10.0, 0.25, 0.0, 0.0, Reason.PARTICIPATION),
    (3, 2, 2, -1.0, -1.0, 10.0, 0.125, 0.125, 0.25, Reason.DONE),
    (3, 2, 0, -5.0, 0.0, np.nan, 0.0, 0.0, 0.0, Reason.SUSPENDED),
    (3, 2, 1, np.nan, 0.0, np.nan, 0.0, 0.0, 0.0, Reason.NO_SLOT),
    (4, -1, 0, -5.0, -5.0, 5.0, 0.0, 0.0, 0.0, Reason.DELISTED),
)


def small_ledger(**changes: Any) -> Ledger:
    """Worth 100 before, then 99, 108.9, 98.01 and 107.811."""
    value = 100 * np.cumprod(1 + np.array(RETURNS))
    cost, dividends = np.array([1.0, 0, 0.5, 0]), np.array([0.0, 1, 0, 0])
    invested = np.array([60.0, 60, 50, 0])
    row, column = np.array([1, 1, 2, 2, 3]), np.array([0, 2, 0, 2, 0])
    fields: dict[str, Any] = {
        "capital": 100.0,
        "rows": np.arange(1, 5),
        "value": value,
        "cash": value - invested,
        "gain": np.diff(value, prepend=100.0) + cost - dividends,
        "dividends": dividends,
        "cost": cost,
        "turnover": np.array([0.5, np.nan, 0.2, np.nan]),
        "names": np.array([2, 2, 1, 0]),
        "short": np.array([1, 0, 2, 0]),
        "holdings": Holdings(row, column, np.array([5.0, 1, 5, 1, 5]), np.full(5, 10.0)),
        "trades": TRIED,
        "held": ((4, "no scores"),),
    }
    return Ledger(**(fields | changes))


def small_benchmark(**changes: Any) -> Benchmark:
    fields: dict[str, Any] = {
        "name": "flat",
        "rows": np.arange(1, 5),
        "returns": np.array(AGAINST),
    }
    return Benchmark(**(fields | changes))
