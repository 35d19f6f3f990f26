"""Scores on disk: a number per date and stock, z-scored by date, with what it is made of."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import (
    DatedTable,
    read_dated_table,
    read_metadata,
    write_dated_table,
)
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.cross_section.scaling import zscore

KIND = "score"


def write_score(
    path: str | Path,
    dates: NDArray[Any],
    symbols: NDArray[Any],
    scores: NDArray[np.float64],
    metadata: dict[str, Any],
) -> Path:
    """Z-score each date and write the stocks that have a score.

    Args:
        path: the Parquet file.
        dates: ``(T,)``.
        symbols: ``(N,)``.
        scores: ``(T, N)``, higher is better; NaN has no row.
        metadata: ``name`` and provenance.

    Returns:
        The path.
    """
    date, symbol = np.nonzero(~np.isnan(scores))
    values = standardised(scores)[date, symbol, None].astype(np.float32)
    about = {"kind": KIND, **metadata}
    table = DatedTable(dates[date], symbols[symbol], values, ("score",), about)
    write_dated_table(path, table)
    return Path(path)


def read_score(path: str | Path) -> DatedTable:
    """A score as `write_score` wrote it.

    Raises:
        UserError: no such file, damaged, not a score, or empty.
    """
    kind = read_metadata(path).get("kind")
    if kind != KIND:
        msg = f"{path} is a {kind or 'table without a kind'}, not a score: name a score file"
        raise UserError(msg)
    table = read_dated_table(path)
    if not len(table):
        msg = f"{path} holds no row: make it again"
        raise UserError(msg)
    return table


def standardised(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Z-scores of each date among the stocks that have a score, ``(T, N)``; NaN stays NaN."""
    result: NDArray[np.float64] = zscore(torch.from_numpy(scores)).numpy()
    return result
