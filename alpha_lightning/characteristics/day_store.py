"""One Parquet file a day and data set: raw characteristics of every stock of the vendor's table.

``<store>/<data set>/<date>.parquet`` holds ``symbol``, the features in raw prices, shares and money
and then the counts of `StockFacts`; its metadata says what it was made of, so that a day is made
again only when that has changed.
"""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.characteristics.intraday import Floats
from alpha_lightning.characteristics.schema import Columns
from alpha_lightning.characteristics.sifting import Sifting
from alpha_lightning.characteristics.stock_facts import StockFacts

_METADATA = "alpha_lightning"


@dataclass(frozen=True)
class StockDay:
    """Characteristics of one day.

    Args:
        date: of the day.
        symbols: ``(N,)`` sorted.
        values: ``(N, F)`` raw; NaN is missing.
        facts: ``(N, 11)`` in the order of `StockFacts`.
        sifting: what became of the rows.
    """

    date: dt.date
    symbols: NDArray[np.str_]
    values: Floats
    facts: Floats
    sifting: Sifting


@dataclass(frozen=True)
class DayStore:
    """Day files of one data set.

    Args:
        folder: where they lie.
        columns: names and kinds of the features.
    """

    folder: Path
    columns: Columns

    def path(self, date: dt.date) -> Path:
        """The file of a day."""
        return self.folder / f"{date}.parquet"

    def about(self, date: dt.date) -> dict[str, Any]:
        """Metadata of a day's file; empty without a file that can be read."""
        try:
            about: dict[str, Any] = json.loads(pl.read_parquet_metadata(self.path(date))[_METADATA])
        except (OSError, KeyError, ValueError, pl.exceptions.PolarsError):
            return {}
        return about

    def write(self, day: StockDay, provenance: dict[str, Any]) -> None:
        """Write the file of a day.

        Args:
            day: what it holds.
            provenance: ``key``, by which it is recognised, and what else there is to say.

        Raises:
            ArtefactError: the system refuses.
        """
        names = [name for name, _ in self.columns]
        matrix = np.concatenate([day.values, day.facts], axis=1)
        frame = pl.from_numpy(
            np.asfortranarray(matrix), [*names, *StockFacts.names()], orient="row"
        ).insert_column(0, pl.Series("symbol", day.symbols.tolist(), dtype=pl.String))
        told = {**provenance, "date": str(day.date), "sifting": day.sifting.record()}
        text = json.dumps(told, sort_keys=True)
        with atomic_file(self.path(day.date)) as draft:
            frame.write_parquet(draft, statistics=False, metadata={_METADATA: text})

    def read(self, date: dt.date) -> StockDay:
        """A day as written.

        Raises:
            ArtefactError: no such file, or a damaged one.
        """
        file = self.path(date)
        about = self.about(date)
        try:
            frame = pl.read_parquet(file, glob=False)
        except (OSError, pl.exceptions.PolarsError) as error:
            msg = f"{file} is damaged ({str(error).splitlines()[0]}): remove it, it is made again"
            raise ArtefactError(msg) from error
        matrix = frame.select(pl.exclude("symbol")).to_numpy()
        width = len(self.columns)
        symbols = frame["symbol"].to_numpy().astype(str)
        sifting = Sifting(**about["sifting"] | {"first": tuple(about["sifting"]["first"])})
        return StockDay(date, symbols, matrix[:, :width], matrix[:, width:], sifting)
