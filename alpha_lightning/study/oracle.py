"""How much of a simulated market can be forecast at all."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.cross_section.correlation import spearman
from alpha_lightning.panel.returns import LABEL

_DAILY = ["date", "symbol", "close", "adj_factor", "suspended"]
_ORACLE = ["date", "symbol", "expected"]


def oracle_rank_ic(folder: str | Path) -> tuple[float, int]:
    """RankIC of the true expected return with what came, over ten days after a day's gap.

    Args:
        folder: that `simulate` wrote.

    Returns:
        The mean over dates, NaN without any, and the number of dates.

    Raises:
        ArtefactError: a table is missing or damaged.
    """
    daily = _read(Path(folder) / "daily.parquet", _DAILY)
    oracle = _read(Path(folder) / "oracle.parquet", _ORACLE)
    dates, symbols = np.unique(daily["date"]), np.unique(daily["symbol"])
    close = np.full((len(dates), len(symbols)), np.nan)
    price = np.where(daily["suspended"].astype(bool), np.nan, daily["close"] * daily["adj_factor"])
    close[_cells(daily, dates, symbols)] = price
    expected = np.full_like(close, np.nan)
    expected[_cells(oracle, dates, symbols)] = oracle["expected"]
    days, gap = LABEL
    known = max(len(dates) - days - gap, 0)
    came = close[gap + days :] / close[gap : gap + known] - 1
    by_date = spearman(torch.from_numpy(expected[:known]), torch.from_numpy(came)).numpy()
    seen = by_date[np.isfinite(by_date)]
    return float(seen.mean()) if len(seen) else float("nan"), len(seen)


def count_nulls(file: Path) -> tuple[int, dict[str, int]]:
    """Rows of a Parquet table, and the empty cells of each column, from the file's own statistics.

    Raises:
        ArtefactError: missing or damaged.
    """
    with _readable(file):
        about = pq.read_metadata(file)
    groups = [about.row_group(k) for k in range(about.num_row_groups)]
    columns = {name: k for k, name in enumerate(about.schema.names)}
    counts = {
        name: sum(group.column(k).statistics.null_count for group in groups)
        for name, k in columns.items()
    }
    return about.num_rows, counts


def _read(file: Path, names: list[str]) -> dict[str, NDArray[Any]]:
    with _readable(file):
        table = pq.read_table(file, columns=names)
        columns = {name: table.column(name).to_numpy() for name in names}
    return columns | {"symbol": columns["symbol"].astype(str)}


def _cells(columns: dict[str, NDArray[Any]], *axes: NDArray[Any]) -> tuple[NDArray[np.intp], ...]:
    keys = (columns["date"], columns["symbol"])
    return tuple(np.searchsorted(axis, key) for axis, key in zip(axes, keys, strict=True))


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        reason = str(error).partition("\n")[0]
        msg = f"{file} is missing or damaged ({reason}): simulate again"
        raise ArtefactError(msg) from error
