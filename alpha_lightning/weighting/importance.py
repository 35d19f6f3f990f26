"""What each fit makes of each factor, in a Parquet file beside the score."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.weighting.design_matrix import DesignMatrix
from alpha_lightning.weighting.weighting_model import Fit, Importance

COLUMNS = ("date", "until", "unit", "dataset", "factor", "gain", "shap")
ROWS = 2000
"""Rows that SHAP values are averaged over, of those a fit serves."""
_SUFFIX = ".importance.parquet"


@dataclass(frozen=True)
class FitImportance:
    """Importance of the columns in one fit.

    Args:
        date: first date that the fit serves; ``gain`` knows nothing of it or after.
        until: last date that it serves; ``shap`` knows the features up to here, and no later one.
        columns: names, ``<unit>/<dataset>/<factor>``.
        values: of each column.
    """

    date: np.datetime64
    until: np.datetime64
    columns: tuple[str, ...]
    values: Importance


def explain_fit(fit: Fit, rows: DesignMatrix, dates: NDArray[Any]) -> FitImportance | None:
    """Importance of a fit on at most `ROWS` of the rows it serves, drawn evenly.

    Args:
        fit: that serves the rows.
        rows: sorted by date; at least one.
        dates: ``(T,)`` trading dates.

    Returns:
        None when the fit has no importance to tell.
    """
    if fit.explain is None:
        return None
    drawn = np.linspace(0, len(rows) - 1, min(len(rows), ROWS)).round().astype(np.intp)
    date, until = dates[rows.date_index[[0, -1]]]
    return FitImportance(date, until, rows.columns, fit.explain(rows.values[drawn]))


def importance_file(score: str | Path) -> Path:
    """Where the importance of a score lies: beside it.

    Example:
        >>> importance_file("scores/gru/s0.parquet").as_posix()
        'scores/gru/s0.importance.parquet'
    """
    path = Path(score)
    return path.with_name(path.name.removesuffix(".parquet") + _SUFFIX)


def write_importance(score: str | Path, fits: Sequence[FitImportance]) -> Path | None:
    """Write `COLUMNS`, a row for each fit and column, beside a score.

    Args:
        score: the score file.
        fits: in any order; without one, an older file is removed.

    Returns:
        The file, None when there is nothing to write.
    """
    path = importance_file(score)
    if not fits:
        path.unlink(missing_ok=True)
        return None
    ordered = sorted(fits, key=lambda fit: fit.date)
    names = [name.rsplit("/", 2) for fit in ordered for name in fit.columns]
    counts = [len(fit.columns) for fit in ordered]
    stamps = (np.repeat([getattr(fit, end) for fit in ordered], counts) for end in COLUMNS[:2])
    values = [
        *(stamp.astype("datetime64[us]") for stamp in stamps),
        *zip(*names, strict=True),
        *(np.concatenate([getattr(fit.values, what) for fit in ordered]) for what in COLUMNS[5:]),
    ]
    with atomic_file(path) as draft:
        table = pa.table([pa.array(column) for column in values], names=list(COLUMNS))
        pq.write_table(table, draft, compression="zstd")
    return path


def read_importance(path: str | Path) -> dict[str, NDArray[Any]]:
    """`COLUMNS` of an importance file: dates as datetime64[D], names as strings, the rest float64.

    Args:
        path: of the file, or of the score it lies beside.

    Raises:
        ArtefactError: no such file, or not one that `write_importance` wrote.
    """
    file = Path(path) if str(path).endswith(_SUFFIX) else importance_file(path)
    if not file.is_file():
        msg = f"{file} does not exist: weigh the factors again"
        raise ArtefactError(msg)
    try:
        table = pq.read_table(file, columns=list(COLUMNS))
    except (pa.ArrowException, OSError) as error:
        msg = f"{file} is damaged or no importance file ({error}): weigh the factors again"
        raise ArtefactError(msg) from error
    found = {name: table[name].to_numpy() for name in COLUMNS}
    return found | {name: found[name].astype("datetime64[D]") for name in COLUMNS[:2]}
