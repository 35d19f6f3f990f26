"""The files of a risk model's folder: names, shapes, and rows that are appended one by one."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import ArtefactError

FORMAT_VERSION = 1
DESCRIPTION = "risk.json"
FACTOR_RETURNS = "factor_returns.parquet"
DIAGNOSTICS = "diagnostics.parquet"
FITTED = ("exposures", "industry", "factor_returns", "specific_returns", "fits")
"""Arrays of the first pass: what a day's regression knows and finds."""
FORECAST = ("covariance", "specific_variance")
"""Arrays of the second pass: what is told of the days to come."""
FIT_COLUMNS = ("r_squared", "adjusted_r_squared", "stocks")
"""Of ``fits``."""
_DTYPES = {
    "exposures": np.float32,
    "industry": np.int16,
    "factor_returns": np.float64,
    "specific_returns": np.float32,
    "fits": np.float64,
    "covariance": np.float64,
    "specific_variance": np.float32,
}


@dataclass(frozen=True)
class Sizes:
    """Of a model.

    Args:
        rows: dates, T.
        stocks: N.
        styles: S.
        factors: K, styles, industries and the market.
    """

    rows: int
    stocks: int
    styles: int
    factors: int

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array's row."""
        shapes = {
            "exposures": (self.stocks, self.styles),
            "factor_returns": (self.factors,),
            "fits": (len(FIT_COLUMNS),),
            "covariance": (self.factors, self.factors),
        }
        return shapes.get(name, (self.stocks,))


def dtype_of(name: str) -> np.dtype[Any]:
    """What an array's values are stored as."""
    return np.dtype(_DTYPES[name])


class RowFile:
    """A ``.npy`` file of known length that is written row after row.

    It is a whole array once every row has come; until then its first rows can be read.

    Args:
        path: the file.
        name: of the array.
        sizes: of the model.
        done: rows that the file holds already; later ones are cut off.

    Raises:
        ArtefactError: the file holds fewer rows.
    """

    def __init__(self, path: Path, name: str, sizes: Sizes, done: int = 0) -> None:
        self._path, self._dtype, self._shape = path, dtype_of(name), sizes.shape(name)
        self._bytes = int(np.prod(self._shape)) * self._dtype.itemsize
        self._file: BinaryIO = path.open("r+b" if done else "w+b")
        described = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (sizes.rows, *self._shape),
        }
        np.lib.format.write_array_header_1_0(self._file, described)
        self._file.flush()
        self._begin = self._file.tell()
        end = self._begin + done * self._bytes
        if path.stat().st_size < end:
            self._file.close()
            msg = f"{path} is shorter than its {done} rows"
            raise ArtefactError(msg)
        self._file.truncate(end)
        self._file.seek(end)
        self.done = done

    def append(self, values: NDArray[Any]) -> None:
        """Add rows.

        Args:
            values: one row, or some ``(R, ...)``.
        """
        rows = np.ascontiguousarray(values, dtype=self._dtype)
        if rows.ndim == len(self._shape):
            rows = rows[None]
        self._file.write(rows.tobytes())
        self.done += len(rows)

    def flush(self) -> None:
        """Bring the rows to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def read(self) -> NDArray[Any]:
        """The rows so far, memory-mapped."""
        self._file.flush()
        if not self.done or not self._bytes:
            return np.empty((self.done, *self._shape), dtype=self._dtype)
        shape = (self.done, *self._shape)
        return np.memmap(self._path, self._dtype, "r", self._begin, shape)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


def read_json(file: Path, remedy: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ArtefactError: it cannot be read or is none.
    """
    try:
        value: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{file} cannot be read or is damaged ({error}): {remedy}"
        raise ArtefactError(msg) from error
    if not isinstance(value, dict):
        msg = f"{file} is damaged (no JSON object): {remedy}"
        raise ArtefactError(msg)
    return value


def write_json(file: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object; the same one gives the same bytes."""
    file.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
