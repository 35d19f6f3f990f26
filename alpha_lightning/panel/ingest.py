"""The command `ingest`: vendor tables into a panel."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.panel.arrays import Grid, codes, market_arrays, membership
from alpha_lightning.panel.bad_rows import Mode, sift
from alpha_lightning.panel.calendar import infer_calendar, read_calendar
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.qlib import read_qlib
from alpha_lightning.panel.vendor import (
    DAILY,
    FUNDAMENTALS,
    INDEX_LEVELS,
    INDEX_MEMBERS,
    INDUSTRIES,
    TableSpec,
    VendorTable,
    read_vendor_table,
)
from alpha_lightning.panel.writer import PanelDraft

_SIDE_TABLES = {
    "index_members": INDEX_MEMBERS,
    "index_levels": INDEX_LEVELS,
    "industries": INDUSTRIES,
    "fundamentals": FUNDAMENTALS,
}


@dataclass(frozen=True)
class SideTables:
    """Tables beside the daily bars; each is a Parquet or CSV file or a folder of them."""

    index_members: str | None = None
    """Members of indices by date: date, index, symbol and, if known, weight (sum 1 a date)."""
    index_levels: str | None = None
    """Index levels: date, index, close."""
    industries: str | None = None
    """Industry from a date on: date, symbol, industry."""
    fundamentals: str | None = None
    """Point-in-time fundamentals: date (of publication), symbol and numbers."""


def ingest(
    out: str,
    daily: str | None = None,
    qlib: str | None = None,
    *,
    tables: SideTables | None = None,
    calendar: str | None = None,
    bad_rows: Mode = "refuse",
    overwrite: bool = False,
) -> Path:
    """Turn vendor tables, or a Qlib data folder, into a panel.

    Args:
        out: the panel's folder, written whole or not at all.
        daily: daily bars: date, symbol, open, high, low, close, volume and optional columns.
        qlib: instead of daily, the root of a Qlib data folder.
        tables: index members and levels, industries, fundamentals.
        calendar: trading dates, one ISO date a line; read off the daily bars when not given.
        bad_rows: refuse (list them and stop), drop, or mask (their values become missing).
        overwrite: replace the panel at out.

    Raises:
        PanelError: a table cannot be used; file, column, date or symbol are named.
    """
    bars, members, given, remarks = _read_bars(daily, qlib)
    if calendar is not None:
        given = read_calendar(calendar)
    seen = bars.frame["date"].drop_nulls().to_numpy().astype("datetime64[D]")
    trading = infer_calendar(seen) if given is None else given
    sifted = sift(bars, bad_rows, trading)
    if sifted.frame.height == 0:
        msg = f"{daily or qlib}: no row is left without the bad ones: mend the table"
        raise PanelError(msg)
    grid = _grid(sifted.frame, trading)
    draft = PanelDraft(grid, [bars.source()], sifted.record, remarks)
    draft.add_market(*market_arrays(sifted.frame, grid), given=frozenset(sifted.frame.columns))
    side = {name: _read_side(path, _SIDE_TABLES[name]) for name, path in _paths(tables)}
    if members is not None:
        side.setdefault("index_members", members)
    _add_side_tables(draft, side, grid)
    with atomic_folder(out, overwrite=overwrite) as folder:
        draft.write(folder)
    return Path(out)


def _read_bars(
    daily: str | None, qlib: str | None
) -> tuple[VendorTable, VendorTable | None, Any, list[str]]:
    if (daily is None) == (qlib is None):
        msg = "ingest reads either --daily (a table) or --qlib (a Qlib folder): give one of them"
        raise PanelError(msg)
    if qlib is not None:
        folder = read_qlib(qlib)
        return folder.daily, folder.members, folder.calendar, list(folder.remarks)
    return read_vendor_table(str(daily), DAILY), None, None, []


def _grid(frame: pl.DataFrame, trading: Any) -> Grid:
    days = frame["date"].to_numpy().astype("datetime64[D]")
    inside = trading[(trading >= days.min()) & (trading <= days.max())]
    return Grid(inside, np.unique(frame["symbol"].to_numpy().astype(str)))


def _paths(tables: SideTables | None) -> list[tuple[str, str]]:
    chosen = tables or SideTables()
    found = [(name, getattr(chosen, name)) for name in _SIDE_TABLES]
    return [(name, path) for name, path in found if path is not None]


def _read_side(path: str, spec: TableSpec) -> VendorTable:
    table = read_vendor_table(path, spec)
    wrong = table.frame.filter(
        pl.col("_unreadable").is_not_null() | pl.any_horizontal(pl.col(spec.required).is_null())
    )
    if wrong.height:
        row = wrong.row(0, named=True)
        file = table.files[row["_file"]]
        msg = (
            f"{file} row {row['_row']}: {spec.name} has {row['_unreadable'] or 'an empty value'}"
            f" ({wrong.height} such rows): mend or remove them"
        )
        raise PanelError(msg)
    key = [c for c in ("date", "index", "symbol") if c in table.frame.columns]
    twice = table.frame.filter(pl.struct(key).is_duplicated())
    if twice.height:
        names = ", ".join(str(twice[c][0]) for c in key)
        msg = f"{path}: {spec.name} has several rows for {names}: keep one"
        raise PanelError(msg)
    return table


def _add_side_tables(draft: PanelDraft, side: Mapping[str, VendorTable], grid: Grid) -> None:
    draft.sources += [table.source() for table in side.values()]
    if "index_members" in side:
        frame = side["index_members"].frame
        for name in sorted(frame["index"].unique()):
            rows = frame.filter(pl.col("index") == name)
            _check_weights(rows, name)
            draft.add_index(name, *membership(rows, grid), strangers=_strangers(rows, grid))
    if "index_levels" in side:
        draft.add_levels(side["index_levels"].frame, grid)
    if "industries" in side:
        draft.add_industries(*codes(side["industries"].frame, grid, "industry"))
    if "fundamentals" in side:
        frame = side["fundamentals"].frame
        fields = [c for c, d in frame.schema.items() if d == pl.Float64]
        draft.add_fundamentals(
            {field: grid.as_of(frame.drop_nulls(field), field) for field in fields}
        )


def _strangers(rows: pl.DataFrame, grid: Grid) -> int:
    return int(rows.filter(pl.Series(grid.columns_of(rows) < 0))["symbol"].n_unique())


def _check_weights(rows: pl.DataFrame, name: str) -> None:
    if "weight" not in rows.columns or not rows["weight"].count():
        return
    sums = rows.group_by("date").agg(pl.col("weight").sum()).sort("date")
    wrong = sums.filter((pl.col("weight") - 1).abs() > 0.02)
    if wrong.height:
        date, total = wrong.row(0)
        hint = (
            "they look like per cent, divide by 100" if abs(total - 100) < 2 else "mend the table"
        )
        msg = (
            f"index_members: weights of {name} on {date} sum to {total:.4g}, not 1"
            f" ({wrong.height} such dates): {hint}"
        )
        raise PanelError(msg)
