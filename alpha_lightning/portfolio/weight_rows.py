"""The rows of a file of target weights, as they stand there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import METADATA_KEY
from alpha_lightning.artefacts.errors import ArtefactError, UserError

_NEEDED = ("date", "symbol", "weight")
_IN_TEXT = {
    "date": pa.timestamp("s"),
    "symbol": pa.string(),
    "weight": pa.float64(),
    "rank": pa.int32(),
    "keep": pa.bool_(),
    "reserve": pa.bool_(),
}


@dataclass(frozen=True)
class WeightRows:
    """Weights by date and symbol, in the file's order.

    Args:
        dates: ``(rows,)`` datetime64[D].
        symbols: ``(rows,)`` strings.
        weights: ``(rows,)`` of the portfolio's value; NaN where the cell is empty.
        rank: ``(rows,)`` order of purchases; the row's number when the file has none.
        keep: ``(rows,)`` whether the shares are left as they are.
        reserve: ``(rows,)`` whether the stock only stands in for blocked purchases.
        metadata: provenance; empty in a user's own file.
    """

    dates: NDArray[Any]
    symbols: NDArray[Any]
    weights: NDArray[np.float64]
    rank: NDArray[np.int64]
    keep: NDArray[np.bool_]
    reserve: NDArray[np.bool_]
    metadata: dict[str, Any]


def read_weight_rows(path: Path) -> WeightRows:
    """Read a Parquet or CSV file.

    Raises:
        ArtefactError: no such file, or damaged.
        UserError: a column is missing, or has cells that are empty or of another kind.
    """
    table = _table(path)
    about = _metadata(path, table.schema.metadata)
    absent = [name for name in _NEEDED if name not in table.column_names]
    if absent:
        kind = str(about.get("kind", "table")).replace("_", " ")
        msg = (
            f"{path} has no column {absent[0]}: it is a {kind} of {', '.join(table.column_names)};"
            f" target weights have {', '.join(_NEEDED)}"
        )
        raise UserError(msg)
    columns = {name: _cast(path, table, name) for name in _IN_TEXT if name in table.column_names}
    for name, column in columns.items():
        if name != "weight" and column.null_count:
            first = column.is_null().to_numpy(zero_copy_only=False).argmax()
            msg = f"{path}: {name} is empty in row {first + 1}: fill it, or leave the row out"
            raise UserError(msg)
    n = len(table)
    return WeightRows(
        dates=columns["date"].to_numpy().astype("datetime64[D]"),
        symbols=columns["symbol"].to_numpy(zero_copy_only=False).astype(str),
        weights=columns["weight"].to_numpy(zero_copy_only=False),
        rank=_or_else(columns, "rank", np.arange(n)).astype(np.int64),
        keep=_or_else(columns, "keep", np.zeros(n, dtype=np.bool_)),
        reserve=_or_else(columns, "reserve", np.zeros(n, dtype=np.bool_)),
        metadata=about,
    )


def _table(path: Path) -> Any:
    try:
        if path.suffix.lower() == ".csv":
            options = pa.csv.ConvertOptions(column_types=_IN_TEXT)
            return pa.csv.read_csv(path, convert_options=options)
        return pq.read_table(path, page_checksum_verification=True)
    except FileNotFoundError as error:
        msg = f"{path} does not exist: check the path"
        raise ArtefactError(msg) from error
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        msg = f"{path} cannot be read as Parquet or CSV ({reason}): write it again"
        raise ArtefactError(msg) from error


def _cast(path: Path, table: Any, name: str) -> Any:
    column = table.column(name)
    try:
        if name == "date" and pa.types.is_timestamp(column.type):
            # Hours, where there are some, do not make another date.
            return column.cast(pa.timestamp("s"), safe=False).combine_chunks()
        return column.cast(_IN_TEXT[name]).combine_chunks()
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        msg = f"{path}: the column {name} holds other things ({reason}): write it again"
        raise UserError(msg) from error


def _or_else(columns: Mapping[str, Any], name: str, otherwise: NDArray[Any]) -> NDArray[Any]:
    if name not in columns:
        return otherwise
    return np.asarray(columns[name].to_numpy(zero_copy_only=False))


def _metadata(path: Path, stored: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    try:
        found: Any = json.loads((stored or {}).get(METADATA_KEY, b"{}"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        msg = f"{path} has damaged metadata ({error}): write it again"
        raise ArtefactError(msg) from error
    return dict(found)
