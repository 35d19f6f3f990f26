"""A Qlib data folder read as vendor tables: daily bars, calendar and index membership."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.panel.calendar import read_calendar, read_lines
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.vendor import DAILY, INDEX_LEVELS, INDEX_MEMBERS, VendorTable

_FIELDS = ("open", "high", "low", "close", "volume", "factor", "amount", "vwap")
_REQUIRED = ("open", "high", "low", "close", "volume")
_EXACT_INTEGERS = float(1 << 24)
_CHINESE_INDEX = r"^(SH000|SZ399|BJ899)\d{3}$"  # code ranges that the exchanges keep for indices


@dataclass(frozen=True)
class QlibFolder:
    """What a Qlib folder holds, in vendor units.

    Args:
        daily: raw prices (adjusted / factor), volume in shares, adjustment factor.
        members: index membership by date, or None when only ``all.txt`` is there.
        levels: closes of the Chinese indices among the symbols, which are no stocks, or None.
        calendar: ``(T,)`` trading dates.
        remarks: sentences for the panel's list of things switched off or decided.
    """

    daily: VendorTable
    members: VendorTable | None
    levels: VendorTable | None
    calendar: NDArray[np.datetime64]
    remarks: tuple[str, ...]


def read_qlib(path: str | Path) -> QlibFolder:
    """Read ``features/<symbol>/<field>.day.bin``, ``calendars/day.txt`` and ``instruments/*.txt``.

    A ``.bin`` file is little-endian float32: the index of its first date in the calendar, then one
    value a date. Prices are adjusted, ``price / factor`` is the exchange's price. Qlib's convention
    divides volume by the factor, too; data that keep raw shares are recognised by being
    integers, and either way the panel gets shares.

    Raises:
        PanelError: a part of the folder is missing or damaged; the file is named.
    """
    root = Path(path)
    calendar = read_calendar(root / "calendars" / "day.txt")
    folders = sorted(p for p in (root / "features").glob("*") if p.is_dir())
    if not folders:
        msg = f"{root} holds no features/<symbol> folder: name the root of a Qlib data folder"
        raise PanelError(msg)
    files: list[Path] = []
    frames = [_read_symbol(folder, calendar, files) for folder in folders]
    frame, remarks = _to_vendor_units(pl.concat(frames, how="diagonal"))
    is_index = pl.col("symbol").str.contains(_CHINESE_INDEX)
    daily = VendorTable(frame.filter(~is_index), root, tuple(files), DAILY)
    levels = frame.filter(is_index & pl.col("close").is_not_null())
    members = _read_members(root, calendar)
    if levels.height == 0:
        return QlibFolder(daily, members, None, calendar, tuple(remarks))
    names = ", ".join(sorted(levels["symbol"].unique()))
    remarks.append(f"Taken as index levels, not as stocks: {names}.")
    levels = levels.select("date", pl.col("symbol").alias("index"), "close")
    table = VendorTable(levels, root, (), INDEX_LEVELS)
    return QlibFolder(daily, members, table, calendar, tuple(remarks))


def _read_symbol(folder: Path, calendar: NDArray[np.datetime64], files: list[Path]) -> pl.DataFrame:
    missing = [f for f in _REQUIRED if not (folder / f"{f}.day.bin").exists()]
    if missing:
        msg = f"{folder} lacks {missing[0]}.day.bin: dump the field, or remove the symbol"
        raise PanelError(msg)
    columns: dict[str, NDArray[np.float64]] = {}
    for field in _FIELDS:
        file = folder / f"{field}.day.bin"
        if file.exists():
            columns[field] = _read_bin(file, calendar)
            files.append(file)
    present = ~np.all([np.isnan(values) for values in columns.values()], axis=0)
    data: dict[str, object] = {"date": calendar[present].astype("datetime64[ms]")}
    data |= {field: values[present] for field, values in columns.items()}
    number = next(k for k, file in enumerate(files) if file.parent == folder)
    frame = pl.DataFrame(data).with_columns(
        pl.col("date").cast(pl.Date),
        pl.lit(folder.name.upper()).alias("symbol"),
        pl.lit(None, dtype=pl.String).alias("_unreadable"),
        pl.lit(number, dtype=pl.Int32).alias("_file"),
        pl.Series("_row", np.flatnonzero(present) + 1),
    )
    return frame.with_columns(pl.col(list(columns)).fill_nan(None))


def _read_bin(file: Path, calendar: NDArray[np.datetime64]) -> NDArray[np.float64]:
    try:
        raw = file.read_bytes()
    except OSError as error:
        msg = f"{file} cannot be read ({error.strerror}): it should be a file of float32 numbers"
        raise PanelError(msg) from error
    if len(raw) < 8 or len(raw) % 4:
        msg = f"{file} is damaged ({len(raw)} bytes): dump it again"
        raise PanelError(msg)
    values = np.frombuffer(raw, dtype="<f4")
    start, count = values[0], len(values) - 1
    if not 0 <= start <= len(calendar) - count:
        msg = f"{file}: {count} values from index {start} do not fit {len(calendar)} calendar dates"
        raise PanelError(msg)
    out = np.full(len(calendar), np.nan)
    out[int(start) : int(start) + count] = values[1:]
    return out


def _to_vendor_units(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    if "factor" not in frame.columns:
        return frame, ["Qlib folder without factor: prices and volumes taken as they are."]
    remarks = []
    lacking = frame["factor"].is_null() & frame["close"].is_not_null()
    if lacking.any():
        # The adjusted price comes out right whatever the factor; only the raw one is unknown.
        remarks.append(f"Qlib factor missing on {lacking.sum():,} rows: taken as 1.")
        frame = frame.with_columns(pl.when(lacking).then(1.0).otherwise("factor").alias("factor"))
    # float32 quotients of two-decimal prices are off by up to 1e-7 relative.
    prices = [c for c in ("open", "high", "low", "close", "vwap") if c in frame.columns]
    frame = frame.with_columns(pl.col(prices) / pl.col("factor")).rename({"factor": "adj_factor"})
    if _volume_is_raw(frame):
        remarks.append("Qlib volume holds integers: taken as raw shares, not divided by factor.")
        return frame, remarks
    remarks.append("Qlib volume multiplied by factor to give shares.")
    return frame.with_columns(pl.col("volume") * pl.col("adj_factor")), remarks


def _volume_is_raw(frame: pl.DataFrame) -> bool:
    telling = frame.filter(
        pl.col("volume").is_between(1, _EXACT_INTEGERS) & ((pl.col("adj_factor") - 1).abs() > 1e-3)
    )["volume"]
    # Every float32 above 2^24 is an integer; a factor of 1 leaves integers either way.
    integers = int((telling == telling.round()).sum())
    return integers > 0.99 * len(telling)


def _read_members(root: Path, calendar: NDArray[np.datetime64]) -> VendorTable | None:
    files = tuple(sorted(p for p in (root / "instruments").glob("*.txt") if p.stem != "all"))
    frames = [_read_intervals(file, calendar) for file in files]
    if not frames:
        return None
    frame = pl.concat(frames).unique(subset=["date", "index", "symbol"], maintain_order=True)
    return VendorTable(frame, root, files, INDEX_MEMBERS)


def _read_intervals(file: Path, calendar: NDArray[np.datetime64]) -> pl.DataFrame:
    dates: list[NDArray[np.datetime64]] = []
    symbols: list[str] = []
    for number, line in enumerate(read_lines(file), 1):
        if not line.strip():
            continue
        try:
            symbol, *span = line.split("\t")[:3]
            first, last = (np.datetime64(date.fromisoformat(day[:10])) for day in span)
        except ValueError as error:
            msg = f"{file} line {number}: {line!r} is not symbol, first date, last date"
            raise PanelError(msg) from error
        inside = calendar[(calendar >= first) & (calendar <= last)]
        dates.append(inside)
        symbols += [symbol.upper()] * len(inside)
    joined = np.concatenate(dates) if dates else np.array([], dtype="datetime64[D]")
    return pl.DataFrame(
        {"date": joined.astype("datetime64[ms]"), "symbol": symbols},
        schema={"date": pl.Datetime("ms"), "symbol": pl.String},
    ).with_columns(pl.col("date").cast(pl.Date), pl.lit(file.stem).alias("index"))
