"""Minute bars and trades of a day, a Parquet file each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alpha_lightning.simulation.arrays import Floats, Numbers
from alpha_lightning.simulation.market import MarketDay
from alpha_lightning.simulation.orders import Trades
from alpha_lightning.simulation.session import OPENING, Session

_MINUTE = 60 * 1_000_000
_SIDES = ("S", "N", "B")
# Times and order numbers grow by little, so that their differences are small.
_DELTA = ("time", "buy_order", "sell_order")


def write_minutes(path: Path, day: MarketDay, session: Session, symbols: Any) -> None:
    """Write the minute bars: time (bar end), symbol, open, high, low, close, volume, amount.

    The opening auction is a bar of its own, stamped 09:25; bars without a print are left out.

    Args:
        path: of the new file.
        day: to write.
        session: when bars end.
        symbols: Arrow array of the names.
    """
    bars, prints = day.minutes, day.prints

    def joined(opening: Floats, rest: Floats) -> Floats:
        return np.concatenate([opening[:, None], rest], axis=1)

    lots = joined(prints.lots[:, 0], bars.lots)
    stock, bar = np.nonzero(lots > 0)
    ends = np.concatenate([[OPENING], session.starts + session.bar_minutes]) * _MINUTE
    opening, prices = prints.cents[:, 0], (bars.open, bars.high, bars.low, bars.close)
    columns = {"time": _stamps(day.date, ends[bar]), "symbol": _named(stock, symbols)}
    for name, price in zip(("open", "high", "low", "close"), prices, strict=True):
        columns[name] = joined(opening, price)[stock, bar] / 100
    columns["volume"] = 100 * lots[stock, bar].astype(np.int64)
    columns["amount"] = joined(prints.amounts[:, 0], bars.amount)[stock, bar]
    _write(path, columns)


def write_trades(path: Path, day: MarketDay, trades: Trades, symbols: Any) -> None:
    """Write the trades: time, symbol, price, volume, side (B, S, N), buy_order, sell_order.

    Args:
        path: of the new file.
        day: to write.
        trades: its prints, by symbol and time.
        symbols: Arrow array of the names.
    """
    cell = trades.stock, trades.slot
    columns = {
        "time": _stamps(day.date, trades.clock),
        "symbol": _named(trades.stock, symbols),
        "price": day.prints.cents[cell] / 100,
        "volume": 100 * day.prints.lots[cell].astype(np.int64),
        "side": _named(day.prints.sides[cell] + 1, pa.array(_SIDES)),
        "buy_order": trades.buy_order,
        "sell_order": trades.sell_order,
    }
    _write(path, columns)


def _stamps(date: np.datetime64, clock: Numbers) -> Any:
    return pa.array(date.astype("datetime64[us]") + clock.astype("timedelta64[us]"))


def _named(index: Numbers, names: Any) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), names)


def _write(path: Path, columns: Mapping[str, Any]) -> None:
    table = pa.table(columns)
    delta = [name for name in _DELTA if name in columns]
    pq.write_table(
        table,
        path,
        compression="zstd",
        use_dictionary=[name for name in columns if name not in delta],
        column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
        # Readers see plain text; the dictionary is the file's own business.
        store_schema=False,
    )
