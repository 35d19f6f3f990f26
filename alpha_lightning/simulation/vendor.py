"""Vendor tables of a simulated market, written day by day."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from alpha_lightning.simulation.day_files import write_minutes, write_trades
from alpha_lightning.simulation.fundamentals import FIELDS, Fundamentals, Publication
from alpha_lightning.simulation.indices import INDICES, Index
from alpha_lightning.simulation.market import Market, MarketDay
from alpha_lightning.simulation.orders import draw_trades
from alpha_lightning.simulation.settings import IntradaySettings
from alpha_lightning.simulation.signals import ORACLE
from alpha_lightning.simulation.streams import Purpose, stream

_DATE, _TEXT, _NUMBER = pa.date32(), pa.string(), pa.float64()
SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "daily": {"date": _DATE, "symbol": _TEXT}
    | dict.fromkeys(("open", "high", "low", "close"), _NUMBER)
    | {"volume": pa.int64(), "amount": _NUMBER, "adj_factor": _NUMBER}
    | {"limit_up": _NUMBER, "limit_down": _NUMBER, "suspended": pa.bool_(), "st": pa.bool_()}
    | {"list_date": _DATE, "delist_date": _DATE, "total_cap": _NUMBER, "float_cap": _NUMBER},
    "index_members": {"date": _DATE, "index": _TEXT, "symbol": _TEXT, "weight": _NUMBER},
    "index_levels": {"date": _DATE, "index": _TEXT, "close": _NUMBER},
    "industries": {"date": _DATE, "symbol": _TEXT, "industry": _TEXT},
    "fundamentals": {"date": _DATE, "symbol": _TEXT} | dict.fromkeys(FIELDS, _NUMBER),
    "oracle": {"date": _DATE, "symbol": _TEXT} | dict.fromkeys(ORACLE, _NUMBER),
}
"""Columns of each table and their Arrow types; file names are these names with ``.parquet``."""


def tables_of(settings: IntradaySettings) -> list[str]:
    """Files, and folders of one file a day, that a market is written to."""
    folders = {"minute": settings.minute, "trades": settings.trades}
    return [f"{name}.parquet" for name in SCHEMAS] + [name for name in folders if folders[name]]


_ROWS_PER_GROUP = 1 << 17
Columns = Mapping[str, Any]


class Table:
    """A Parquet file that grows by a few rows at a time.

    Args:
        writer: of the open file.
        texts: the distinct values of each text column, whose rows are given as indices into them.
    """

    def __init__(self, writer: Any, texts: Mapping[str, Sequence[str]]) -> None:
        self._writer = writer
        self._texts = {name: pa.array(values, pa.string()) for name, values in texts.items()}
        self._waiting: list[Columns] = []
        self._rows = 0

    def append(self, date: np.datetime64, columns: Columns) -> None:
        """Add rows of one date; ``columns`` are all the others, in the schema's order."""
        rows = len(next(iter(columns.values())))
        self._waiting.append({"date": np.full(rows, date), **columns})
        self._rows += rows
        if self._rows >= _ROWS_PER_GROUP:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting as one row group."""
        if self._rows == 0:
            return
        schema = self._writer.schema
        arrays = [self._array(field.name, field.type) for field in schema]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
        self._waiting, self._rows = [], 0

    def _array(self, name: str, kind: Any) -> Any:
        values = np.concatenate([columns[name] for columns in self._waiting])
        if name in self._texts:
            return pa.DictionaryArray.from_arrays(values, self._texts[name]).cast(kind)
        # What is not there, such as the limit of a new listing, is null.
        return pa.array(values, kind, from_pandas=True)


@contextmanager
def _open_table(path: Path, texts: Mapping[str, Sequence[str]]) -> Iterator[Table]:
    schema = pa.schema(list(SCHEMAS[path.stem].items()))
    used = {name: values for name, values in texts.items() if name in schema.names}
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        table = Table(writer, used)
        yield table
        table.flush()


def write_tables(market: Market, folder: Path) -> None:
    """Simulate a market and write its tables into an existing folder.

    Memory does not grow with the number of days.
    """
    texts = {
        "symbol": market.stocks.symbols.tolist(),
        "index": [rule.code for rule in INDICES],
        "industry": [f"I{k:02d}" for k in range(1, market.settings.industries + 1)],
    }
    indices = [Index(rule) for rule in INDICES]
    fundamentals = Fundamentals(market.stocks, market.seed, market.dates[0])
    industry = np.full(len(market.stocks.symbols), -1)
    with ExitStack() as stack:
        tables = {
            name: stack.enter_context(_open_table(folder / f"{name}.parquet", texts))
            for name in SCHEMAS
        }
        write_day_files = _open_day_files(market, folder)
        for day in tqdm(market, desc="simulate", unit="day", disable=None):
            _append_daily(tables, market, day)
            _append_indices(tables, indices, day)
            for news in fundamentals.step(day.date, day.status.listed):
                _append_report(tables["fundamentals"], news)
            changed = np.flatnonzero(day.status.listed & (day.industry != industry))
            industry[changed] = day.industry[changed]
            moves = {"symbol": changed, "industry": industry[changed]}
            tables["industries"].append(day.date, moves)
            write_day_files(day)


def _open_day_files(market: Market, folder: Path) -> Callable[[MarketDay], None]:
    settings, session = market.settings.intraday, market.session
    symbols = pa.array(market.stocks.symbols.tolist())
    for name in tables_of(settings)[len(SCHEMAS) :]:
        (folder / name).mkdir()

    def write(day: MarketDay) -> None:
        name = f"{day.date}.parquet"
        if settings.minute:
            write_minutes(folder / "minute" / name, day, session, symbols)
        if settings.trades:
            generator = stream(market.seed, Purpose.ORDERS, day.number)
            trades = draw_trades(generator, day.prints, session)
            write_trades(folder / "trades" / name, day, trades, symbols)

    return write


def _append_report(table: Table, news: Publication) -> None:
    stocks = np.flatnonzero(news.stocks)
    fields = {name: values[stocks] for name, values in news.report.items()}
    table.append(news.date, {"symbol": stocks, **fields})


def _append_daily(tables: Mapping[str, Table], market: Market, day: MarketDay) -> None:
    shown = np.flatnonzero(day.status.shown)
    bars = day.bars
    columns = {
        "symbol": shown,
        **{name: getattr(bars, name)[shown] for name in ("open", "high", "low", "close")},
        "volume": bars.volume[shown].astype(np.int64),
        "amount": bars.amount[shown],
        "adj_factor": day.adj_factor[shown],
        "limit_up": day.limits.up[shown],
        "limit_down": day.limits.down[shown],
        "suspended": ~day.status.traded[shown],
        "st": day.special[shown],
        "list_date": market.stocks.list_date[shown],
        "delist_date": day.status.delist_date[shown],
        "total_cap": day.total_cap[shown],
        "float_cap": day.float_cap[shown],
    }
    tables["daily"].append(day.date, columns)
    oracle = {name: day.expected[name][shown] for name in ORACLE}
    tables["oracle"].append(day.date, {"symbol": shown, **oracle})


def _append_indices(tables: Mapping[str, Table], indices: Sequence[Index], day: MarketDay) -> None:
    for number, index in enumerate(indices):
        today = index.step(day)
        members = np.flatnonzero(today.weights)
        columns = {
            "index": np.full(len(members), number),
            "symbol": members,
            "weight": today.weights[members],
        }
        tables["index_members"].append(day.date, columns)
        level = {"index": np.array([number]), "close": np.array([today.level])}
        tables["index_levels"].append(day.date, level)
