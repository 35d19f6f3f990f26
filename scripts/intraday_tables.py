"""Random minute and trade tables of Shanghai, a file a day, for bench_characterise.py."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

FIRST = dt.date(2024, 1, 1)
MINUTES = np.concatenate([np.arange(571, 691), np.arange(781, 901)])
"""Ends of Shanghai's 240 minutes, in minutes since midnight."""
MICROSECONDS = 1_000_000


def write_tables(room: Path, days: int, stocks: int, trades: int) -> None:
    """Folders ``minute`` and ``trades`` of so many weekdays from 2024 on."""
    for name in ("minute", "trades"):
        (room / name).mkdir()
    dates = (FIRST + dt.timedelta(k) for k in range(2 * days + 7))
    for day in [date for date in dates if date.weekday() < 5][:days]:
        write_minutes(room / "minute", day, stocks)
        write_trades(room / "trades", day, stocks, trades)


def write_minutes(folder: Path, day: dt.date, stocks: int) -> None:
    """A day of one-minute bars, less those without a trade, and an auction."""
    rng = np.random.default_rng(day.toordinal())
    shape = (stocks, 1 + len(MINUTES))
    steps = 1e-3 * rng.standard_t(4, shape)
    close = np.round(1000 * rng.uniform(1, 5, (stocks, 1)) * np.exp(steps.cumsum(axis=1))) / 100
    opening = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    spread = rng.integers(0, 4, (2, *shape)) / 100
    spread[:, :, 0] = 0  # an auction has one price
    volume = 100 * rng.integers(1, 500, shape)
    traded = rng.random(shape) < rng.uniform(0.9, 1.0, (stocks, 1))
    traded[:, 0] = True
    clock = np.append(9 * 60 + 25, MINUTES) * 60 * MICROSECONDS
    columns = {
        "open": opening,
        "high": np.maximum(opening, close) + spread[0],
        "low": np.minimum(opening, close) - spread[1],
        "close": close,
        "volume": volume,
        "amount": volume * (opening + close) / 2,
    }
    stock, place = np.nonzero(traded)
    _write(folder, day, stock, clock[place], {k: v[traded] for k, v in columns.items()})


def write_trades(folder: Path, day: dt.date, stocks: int, trades: int) -> None:
    """A day of so many trades, some of one order, and two auctions, sorted by symbol and time."""
    rng = np.random.default_rng(day.toordinal())
    stock = np.sort(np.concatenate([rng.integers(0, stocks, trades), *[np.arange(stocks)] * 2]))
    seconds = rng.uniform(0, 14_100, len(stock))
    ends = np.flatnonzero(np.diff(stock, append=-1))
    starts = np.append(0, ends[:-1] + 1)
    seconds[starts], seconds[ends] = -300, 14_400
    seconds = seconds[np.lexsort((seconds, stock))]
    clock = (34_200 + seconds + np.where(seconds > 7_200, 5_400, 0)) * MICROSECONDS
    # An order begins where a new one does; its prints share its side.
    order = np.cumsum((rng.random(len(stock)) < 0.7) | (np.diff(stock, prepend=-1) != 0))
    buys = rng.random(order[-1] + 1)[order] < 0.5
    steps = 3e-4 * rng.normal(size=len(stock)).cumsum()
    price = np.round(1500 * np.exp(steps - steps[starts][stock]) * (1 + stock % 7)) / 100
    aggressor, passive = 10 * order, 10 * order - rng.integers(1, 10, len(order))
    auction = np.isin(np.arange(len(stock)), np.concatenate([starts, ends]))
    columns = {
        "price": price,
        "volume": 100 * rng.integers(1, 100, len(stock)),
        "side": np.where(auction, "N", np.where(buys, "B", "S")),
        "buy_order": np.where(buys, aggressor, passive),
        "sell_order": np.where(buys, passive, aggressor),
    }
    _write(folder, day, stock, clock.astype(np.int64), columns)


def _write(
    folder: Path,
    day: dt.date,
    stock: NDArray[np.int64],
    clock: NDArray[np.int64],
    columns: dict[str, NDArray[np.generic]],
) -> None:
    names = pl.Series([symbol(k) for k in range(int(stock.max()) + 1)])
    midnight = (day - dt.date(1970, 1, 1)).days * 86_400 * MICROSECONDS
    table = pl.DataFrame(
        {
            "time": pl.Series(clock + midnight).cast(pl.Datetime("us")),
            "symbol": names[stock],
            **columns,
        }
    )
    table.write_parquet(folder / f"{day}.parquet")


def symbol(k: int) -> str:
    """Of stock number k."""
    return f"{600000 + k}.SH"
