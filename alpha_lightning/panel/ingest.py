"""The command `ingest`: vendor tables into a panel."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.panel import remarks
from alpha_lightning.panel.arrays import Grid, codes, market_arrays, membership
from alpha_lightning.panel.bad_rows import Mode, sift
from alpha_lightning.panel.calendar import infer_calendar, read_calendar
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.qlib import read_qlib
from alpha_lightning.panel.store import DESCRIPTION
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
    # The folder comes first: whether it can be written shows before minutes of reading.
    with atomic_folder(out, overwrite=overwrite, marker=DESCRIPTION) as folder:
        vendor = _read_vendor(daily, qlib, tables or SideTables())
        given = vendor.calendar if calendar is None else read_calendar(calendar)
        _draw_up(vendor, given, bad_rows).write(folder)
    return Path(out)


@dataclass(frozen=True)
class _Vendor:
    """Everything a vendor delivered.

    Args:
        daily: daily bars.
        side: side tables by name.
        calendar: ``(T,)`` trading dates, or None.
        remarks: sentences that came with the tables.
    """

    daily: VendorTable
    side: dict[str, VendorTable]
    calendar: NDArray[np.datetime64] | None = None
    remarks: tuple[str, ...] = ()


def _read_vendor(daily: str | None, qlib: str | None, tables: SideTables) -> _Vendor:
    if (daily is None) == (qlib is None):
        msg = "ingest reads either --daily (a table) or --qlib (a Qlib folder): give one of them"
        raise PanelError(msg)
    paths = {name: getattr(tables, name) for name in _SIDE_TABLES}
    given = {n: _read_side(path, _SIDE_TABLES[n]) for n, path in paths.items() if path is not None}
    if qlib is None:
        return _Vendor(read_vendor_table(str(daily), DAILY), given)
    read = read_qlib(qlib)
    found = {"index_members": read.members, "index_levels": read.levels}
    side = {name: table for name, table in found.items() if table is not None} | given
    return _Vendor(read.daily, side, read.calendar, read.remarks)


def _draw_up(vendor: _Vendor, given: NDArray[np.datetime64] | None, mode: Mode) -> PanelDraft:
    seen = vendor.daily.frame["date"].drop_nulls().to_numpy().astype("datetime64[D]")
    trading = infer_calendar(seen) if given is None else given
    sifted = sift(vendor.daily, mode, trading)
    if sifted.frame.height == 0:
        msg = f"{vendor.daily.root}: no row is left without the bad ones: mend the table"
        raise PanelError(msg)
    grid = _grid(sifted.frame, trading)
    market, flags = market_arrays(sifted.frame, grid)
    sources = [table.source() for table in (vendor.daily, *vendor.side.values())]
    draft = PanelDraft(grid, sources, sifted.record)
    draft.add_market(market, flags)
    draft.switched_off += [
        *vendor.remarks,
        *remarks.on_bad_rows(sifted.record),
        *remarks.on_columns(sifted.frame, market),
        *remarks.on_values(sifted.frame, market, flags["traded"]),
    ]
    _add_side_tables(draft, vendor.side, grid)
    return draft


def _grid(frame: pl.DataFrame, trading: Any) -> Grid:
    days = frame["date"].to_numpy().astype("datetime64[D]")
    inside = trading[(trading >= days.min()) & (trading <= days.max())]
    return Grid(inside, np.unique(frame["symbol"].to_numpy().astype(str)))


def _read_side(path: str, spec: TableSpec) -> VendorTable:
    table = read_vendor_table(path, spec)
    numbers = [c for c, d in table.frame.schema.items() if d == pl.Float64]
    wrong = table.frame.filter(
        pl.col("_unreadable").is_not_null()
        | pl.any_horizontal(pl.col(spec.required).is_null())
        | pl.any_horizontal(pl.lit(value=False), *(pl.col(c).is_infinite() for c in numbers))
    )
    if wrong.height:
        row = wrong.row(0, named=True)
        file = table.files[row["_file"]]
        what = row["_unreadable"] or "an empty or infinite value"
        msg = (
            f"{file} row {row['_row']}: {spec.name} has {what}"
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
    for name, table in side.items():
        _check_symbols(name, table.frame, grid)
    if "index_members" in side:
        frame = side["index_members"].frame
        for name in sorted(frame["index"].unique()):
            rows = frame.filter(pl.col("index") == name)
            _check_index(rows, name)
            draft.add_index(name, *membership(rows, grid))
            last = np.datetime64(str(rows["date"].max()))
            strangers = rows.filter(pl.Series(grid.columns_of(rows) < 0))["symbol"].n_unique()
            draft.switched_off += remarks.on_index(name, last, grid.dates[-1], strangers)
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


def _check_symbols(name: str, frame: pl.DataFrame, grid: Grid) -> None:
    if "symbol" in frame.columns and not (grid.columns_of(frame) >= 0).any():
        msg = (
            f"{name}: none of its symbols (the first is {frame['symbol'][0]!r}) has daily bars"
            f" (the first is {str(grid.symbols[0])!r}): write them alike in both tables"
        )
        raise PanelError(msg)


def _check_index(rows: pl.DataFrame, name: str) -> None:
    if name == "all":
        msg = "index_members: 'all' means every listed stock that trades: rename the index"
        raise PanelError(msg)
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
