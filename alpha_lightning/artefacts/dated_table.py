"""Parquet tables of (date, symbol, values) with provenance: factor matrices, scores, weights."""

import contextlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import ArtefactError

METADATA_KEY = b"alpha_lightning"
_ROWS_PER_GROUP = 1 << 16
Array = np.ndarray[Any, np.dtype[Any]]
Precision = Literal["float32", "float16"]


@dataclass(frozen=True)
class DatedTable:
    """Values by date and symbol, sorted by both.

    Args:
        dates: ``(rows,)`` datetime64[D].
        symbols: ``(rows,)`` strings.
        values: ``(rows, K)`` float32; NaN is missing.
        columns: ``K`` names.
        metadata: provenance, JSON-serialisable.
    """

    dates: Array
    symbols: Array
    values: Array
    columns: tuple[str, ...]
    metadata: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.dates)

    def sorted(self) -> Self:
        """The same rows in the order of date, then symbol."""
        order = np.lexsort((self.symbols, self.dates))
        return type(self)(
            self.dates[order], self.symbols[order], self.values[order], self.columns, self.metadata
        )


class DatedTableWriter:
    """Append dates one after another to a Parquet file that appears only when it is complete.

    Used as a context manager. Rows must come in ascending order of dates; symbols are sorted here.

    Args:
        path: the file to write.
        columns: ``K`` names of the columns.
        metadata: provenance, kept in the Parquet schema's own metadata.
        precision: in which values are stored; ``float16`` takes half of the space and keeps three
            digits.
    """

    def __init__(
        self,
        path: str | Path,
        columns: Sequence[str],
        metadata: dict[str, Any],
        precision: Precision = "float32",
    ) -> None:
        self.path = Path(path)
        self.precision = precision
        self.columns = tuple(columns)
        fields = [pa.field("date", pa.timestamp("us")), pa.field("symbol", pa.string())]
        kind = {"float32": pa.float32(), "float16": pa.float16()}[precision]
        fields += [pa.field(name, kind) for name in self.columns]
        encoded = {METADATA_KEY: json.dumps(metadata, sort_keys=True).encode()}
        self.schema = pa.schema(fields, metadata=encoded)
        self._pending: list[Any] = []
        self._rows = 0
        self._last: np.datetime64 | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            draft = stack.enter_context(atomic_file(self.path))
            self._writer = stack.enter_context(
                pq.ParquetWriter(
                    draft,
                    self.schema,
                    compression="zstd",
                    # A dictionary of values that hardly repeat makes the file half as large again.
                    use_dictionary=["date", "symbol"],
                    write_page_checksum=True,
                )
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *failure: Any) -> None:
        try:
            if failure[0] is None:
                self._flush()
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        self._stack.__exit__(*failure)

    def append(self, date: np.datetime64, symbols: Array, values: Array) -> None:
        """Add one date.

        Args:
            date: later than every date before it.
            symbols: ``(N,)`` strings.
            values: ``(N, K)``.

        Raises:
            ValueError: the date is not later than the one before, or the shape is wrong.
            ArtefactError: a value is too large for the precision.
        """
        if values.shape != (len(symbols), len(self.columns)):
            msg = f"values {values.shape} do not fit {len(symbols)} symbols x {len(self.columns)}"
            raise ValueError(msg)
        if self._last is not None and date <= self._last:
            msg = f"dates must ascend: {date} after {self._last}"
            raise ValueError(msg)
        self._last = date
        stored = self._in_precision(values, date)
        order = np.argsort(symbols, kind="stable")
        stamp = np.full(len(symbols), date, dtype="datetime64[us]")
        self._pending.append(_record_batch(stamp, symbols[order], stored[order], self.schema))
        self._rows += len(symbols)
        if self._rows >= _ROWS_PER_GROUP:
            self._flush()

    def _in_precision(self, values: Array, date: np.datetime64) -> Array:
        with np.errstate(over="ignore"):
            stored = np.asarray(values, dtype=self.precision)
        if self.precision == "float16" and (np.isinf(stored) & np.isfinite(values)).any():
            largest = float(np.nanmax(np.abs(values)))
            msg = (
                f"{self.path}: a value of {date} is {largest:g}, too large for float16: store"
                " float32, or look at what made it"
            )
            raise ArtefactError(msg)
        return stored

    def _flush(self) -> None:
        if self._pending:
            table = pa.Table.from_batches(self._pending, self.schema)
            self._writer.write_table(table, row_group_size=max(len(table), 1))
        self._pending, self._rows = [], 0


def write_dated_table(path: str | Path, table: DatedTable) -> None:
    """Write a table as Parquet, sorted by date and symbol.

    Args:
        path: the file; it appears only when complete.
        table: the rows, in any order.
    """
    ordered = table.sorted()
    starts = np.flatnonzero(np.r_[True, ordered.dates[1:] != ordered.dates[:-1]])
    bounds = [*starts.tolist(), len(ordered)] if len(ordered) else [0]
    with DatedTableWriter(path, table.columns, table.metadata) as writer:
        for a, b in itertools.pairwise(bounds):
            writer.append(ordered.dates[a], ordered.symbols[a:b], ordered.values[a:b])


def read_dated_table(path: str | Path) -> DatedTable:
    """Read a table written by `write_dated_table` or `DatedTableWriter`.

    Raises:
        ArtefactError: no such file, damaged, or not one of ours.
    """
    with _readable(path):
        raw = pq.read_table(Path(path), page_checksum_verification=True)
        metadata = _decode(raw.schema, path)
        columns = tuple(raw.column_names[2:])
        values = np.empty((len(raw), len(columns)), dtype=np.float32)
        for k, name in enumerate(columns):
            values[:, k] = raw.column(name).to_numpy()
        dates = raw.column("date").to_numpy().astype("datetime64[D]")
        symbols = raw.column("symbol").to_numpy().astype(str)
    return DatedTable(dates, symbols, values, columns, metadata)


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Provenance of a table without reading its rows.

    Raises:
        ArtefactError: no such file, damaged, or not one of ours.
    """
    with _readable(path):
        return _decode(pq.read_schema(Path(path)), path)


def _record_batch(stamp: Array, symbols: Array, values: Array, schema: Any) -> Any:
    columns = np.ascontiguousarray(values.T)
    return pa.record_batch([pa.array(stamp), pa.array(symbols, pa.string()), *columns], schema)


def _decode(schema: Any, path: str | Path) -> dict[str, Any]:
    encoded = (schema.metadata or {}).get(METADATA_KEY)
    if encoded is None or schema.names[:2] != ["date", "symbol"]:
        msg = f"{path} is not a table of alpha_lightning: it lacks date, symbol or the provenance"
        raise ArtefactError(msg)
    decoded: dict[str, Any] = json.loads(encoded)
    return decoded


@contextlib.contextmanager
def _readable(path: str | Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        msg = f"{path} does not exist: check the path, or run the stage that writes it"
        raise ArtefactError(msg) from error
    except (pa.ArrowException, OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        msg = f"{path} cannot be read as Parquet ({error}): it is damaged, write it again"
        raise ArtefactError(msg) from error
