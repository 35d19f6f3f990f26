"""A score file laid out on dates of the panel that it was made from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import fingerprint_file
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.score_rows import ScoreRows, read_score_rows


@dataclass(frozen=True)
class ScoreGrid:
    """One score on some dates of a panel.

    Args:
        name: as its file says.
        values: ``(S, N)`` float32; NaN is missing.
        metadata: the file's provenance.
        fingerprint: of the file's bytes.
    """

    name: str
    values: NDArray[np.float32]
    metadata: dict[str, Any]
    fingerprint: str


def read_score_grid(path: str | Path, panel: Panel, rows: NDArray[np.intp]) -> ScoreGrid:
    """Read a score file onto some dates of a panel.

    Args:
        path: Parquet file with ``kind="score"`` in its metadata.
        panel: the panel it was made from.
        rows: ``(S,)`` panel rows of the wanted dates.

    Raises:
        UserError: no file, not a score, made from another panel, a date or symbol unknown to the
            panel, a repeated row, or an infinite value.
    """
    path = Path(path)
    table = read_score_rows(path)
    _check(path, table, panel)
    date, symbol = table.locate(panel)
    cell = date * len(panel.symbols) + symbol
    seen = np.zeros(len(panel.dates) * len(panel.symbols), dtype=np.bool_)
    seen[cell] = True
    if seen.sum() < len(cell):
        msg = f"{path} has more than one row for a date and symbol: write it again without repeats"
        raise UserError(msg)
    place = np.full(len(panel.dates), -1)
    place[rows] = np.arange(len(rows))
    kept = place[date] >= 0
    values = np.full((len(rows), len(panel.symbols)), np.nan, dtype=np.float32)
    values[place[date[kept]], symbol[kept]] = table.values[kept]
    name = str(table.metadata.get("name", path.stem))
    return ScoreGrid(name, values, table.metadata, fingerprint_file(path))


def _check(path: Path, table: ScoreRows, panel: Panel) -> None:
    if table.metadata.get("kind") != "score" or len(table.columns) != 1:
        kind = table.metadata.get("kind", "table")
        columns = ", ".join(table.columns)
        msg = f"{path} is not a score but a {kind} with columns {columns}: name a score file"
        raise UserError(msg)
    origin = table.metadata.get("panel_fingerprint")
    if origin != panel.fingerprint:
        msg = (
            f"{path} was made from panel {origin}, {panel.path} is panel {panel.fingerprint}:"
            " evaluate a score on the panel it was made from"
        )
        raise UserError(msg)
    infinite = np.isinf(table.values)
    if infinite.any():
        first = int(np.argmax(infinite))
        symbol = table.symbols[table.codes[first]]
        msg = (
            f"{path} has {int(infinite.sum())} infinite scores, the first for"
            f" {symbol} on {table.dates[first]}: leave a missing score out"
        )
        raise UserError(msg)
