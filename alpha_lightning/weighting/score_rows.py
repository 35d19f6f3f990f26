"""Rows of a score file, read several times as fast as a table that any stage may want."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import read_metadata
from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel


@dataclass(frozen=True)
class ScoreRows:
    """A score by date and symbol; a symbol is spelt once however many dates it has.

    Args:
        dates: ``(rows,)`` datetime64[D].
        codes: ``(rows,)`` places in ``symbols``.
        symbols: ``(n,)`` strings.
        values: ``(rows,)`` float32, the first column.
        columns: names of the columns.
        metadata: provenance.
    """

    dates: NDArray[Any]
    codes: NDArray[np.intp]
    symbols: NDArray[Any]
    values: NDArray[np.float32]
    columns: tuple[str, ...]
    metadata: dict[str, Any]

    def locate(self, panel: Panel) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column in the panel of each row, as `Panel.locate` finds them one by one.

        Raises:
            PanelError: a date or a symbol is not in the panel; the first one is named.
        """
        starts = np.flatnonzero(np.r_[True, self.dates[1:] != self.dates[:-1]][: len(self.dates)])
        lengths = np.diff(np.append(starts, len(self.dates)))
        try:
            date, symbol = panel.locate(self.dates[starts], self.symbols)
        except PanelError:
            # The message tells how many rows there are.
            return panel.locate(self.dates, self.symbols[self.codes])
        return np.repeat(date, lengths), symbol[self.codes]


def read_score_rows(path: Path) -> ScoreRows:
    """Read a table written by `write_dated_table`, of which only the first column is wanted.

    Raises:
        ArtefactError: no such file, damaged, or not one of ours.
    """
    metadata = read_metadata(path)
    try:
        columns = tuple(pq.read_schema(path).names[2:])
        wanted = ["date", "symbol", *columns[:1]]
        raw = pq.read_table(
            path, columns=wanted, read_dictionary=["symbol"], page_checksum_verification=True
        )
    except (OSError, pa.ArrowException) as error:
        msg = f"{path} cannot be read as Parquet ({error}): it is damaged, write it again"
        raise ArtefactError(msg) from error
    spelt = raw.column("symbol").unify_dictionaries()
    symbols = spelt.chunk(0).dictionary.to_numpy(zero_copy_only=False) if len(raw) else []
    codes = [part.indices.to_numpy() for part in spelt.chunks]
    values = raw.column(columns[0]).to_numpy() if columns else np.full(len(raw), np.nan)
    return ScoreRows(
        dates=raw.column("date").to_numpy().astype("datetime64[D]"),
        codes=np.concatenate([np.empty(0, np.intp), *codes]).astype(np.intp),
        symbols=np.asarray(symbols, dtype=str),
        values=values.astype(np.float32),
        columns=columns,
        metadata=metadata,
    )
