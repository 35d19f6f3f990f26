"""Vendor tables of a simulated market, written day by day."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from alpha_lightning.simulation.indices import INDICES, Index
from alpha_lightning.simulation.market import Market, MarketDay

_DATE, _TEXT, _NUMBER = pa.date32(), pa.string(), pa.float64()
SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "daily": {"date": _DATE, "symbol": _TEXT}
    | dict.fromkeys(("open", "high", "low", "close"), _NUMBER)
    | {"volume": pa.int64(), "amount": _NUMBER, "adj_factor": _NUMBER, "suspended": pa.bool_()}
    | {"list_date": _DATE, "delist_date": _DATE, "total_cap": _NUMBER, "float_cap": _NUMBER},
    "index_members": {"date": _DATE, "index": _TEXT, "symbol": _TEXT, "weight": _NUMBER},
    "index_levels": {"date": _DATE, "index": _TEXT, "close": _NUMBER},
    "industries": {"date": _DATE, "symbol": _TEXT, "industry": _TEXT},
    "oracle": {"date": _DATE, "symbol": _TEXT, "expected": _NUMBER},
}
"""Columns of each table and their Arrow types; file names are these names with ``.parquet``."""

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
        return pa.array(values, kind)


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
    industry = np.full(len(market.stocks.symbols), -1)
    with ExitStack() as stack:
        tables = {
            name: stack.enter_context(_open_table(folder / f"{name}.parquet", texts))
            for name in SCHEMAS
        }
        for day in tqdm(market, desc="simulate", unit="day", disable=None):
            _append_daily(tables, market, day)
            _append_indices(tables, indices, day)
            changed = np.flatnonzero(day.status.listed & (day.industry != industry))
            industry[changed] = day.industry[changed]
            moves = {"symbol": changed, "industry": industry[changed]}
            tables["industries"].append(day.date, moves)


def _append_daily(tables: Mapping[str, Table], market: Market, day: MarketDay) -> None:
    shown = np.flatnonzero(day.status.shown)
    bars = day.bars
    columns = {
        "symbol": shown,
        "open": bars.open[shown],
        "high": bars.high[shown],
        "low": bars.low[shown],
        "close": bars.close[shown],
        "volume": bars.volume[shown].astype(np.int64),
        "amount": bars.amount[shown],
        "adj_factor": day.adj_factor[shown],
        "suspended": ~day.status.traded[shown],
        "list_date": market.stocks.list_date[shown],
        "delist_date": day.status.delist_date[shown],
        "total_cap": day.total_cap[shown],
        "float_cap": day.float_cap[shown],
    }
    tables["daily"].append(day.date, columns)
    oracle = {"symbol": shown, "expected": day.expected[shown]}
    tables["oracle"].append(day.date, oracle)


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
