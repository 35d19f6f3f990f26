"""How much of a simulated market can be forecast at all."""

import contextlib
from collections import Counter
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
from alpha_lightning.panel.returns import LABEL, Horizon

_DAILY = ["date", "symbol", "close", "adj_factor", "suspended"]
_WHOLE = f"expected_{Horizon(*LABEL)}"
_WINDOW = f"attainable_{Horizon(*LABEL)}"


def oracle_rank_ics(folder: str | Path) -> tuple[dict[str, float], int]:
    """RankIC of the true expected return with what came, over ten days after a day's gap.

    Args:
        folder: that `simulate` wrote.

    Returns:
        The mean over dates of ``expected_10g``, of its part by each source, and of
        ``attainable_10g``, NaN without any date; and the number of dates.

    Raises:
        ArtefactError: a table is missing or damaged.
    """
    daily = _read(Path(folder) / "daily.parquet", _DAILY)
    file = Path(folder) / "oracle.parquet"
    with _readable(file):
        names = pq.read_schema(file).names
    parts = [name for name in names if name.startswith(f"{_WHOLE}_") or name == _WINDOW]
    oracle = _read(file, ["date", "symbol", _WHOLE, *parts])
    dates, symbols = np.unique(daily["date"]), np.unique(daily["symbol"])
    close = np.full((len(dates), len(symbols)), np.nan)
    price = np.where(daily["suspended"].astype(bool), np.nan, daily["close"] * daily["adj_factor"])
    close[_cells(daily, dates, symbols)] = price
    days, gap = LABEL
    known = max(len(dates) - days - gap, 0)
    came = torch.from_numpy(close[gap + days :] / close[gap : gap + known] - 1)
    cells, means, counts = _cells(oracle, dates, symbols), {}, []
    for name in (_WHOLE, *parts):
        expected = np.full_like(close, np.nan)
        expected[cells] = oracle[name]
        by_date = spearman(torch.from_numpy(expected[:known]), came).numpy()
        seen = by_date[np.isfinite(by_date)]
        means[name] = float(seen.mean()) if len(seen) else float("nan")
        counts.append(len(seen))
    return means, counts[0]


def count_nulls(path: Path) -> tuple[int, dict[str, int]]:
    """Rows of a Parquet table, and the empty cells of each column, from the files' own statistics.

    Args:
        path: a file, or a folder of files with the same columns.

    Raises:
        ArtefactError: missing or damaged.
    """
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    rows, counts = 0, Counter[str]()
    for file in files:
        with _readable(file):
            about = pq.read_metadata(file)
        rows += about.num_rows
        for k, name in enumerate(about.schema.names):
            groups = (about.row_group(j).column(k) for j in range(about.num_row_groups))
            counts[name] += sum(group.statistics.null_count for group in groups)
    return rows, dict(counts)


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
