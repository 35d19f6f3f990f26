"""Vendor tables: Parquet or CSV, a file or a folder of files, read into one typed frame."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from alpha_lightning.artefacts.provenance import fingerprint_file, fingerprint_json
from alpha_lightning.panel.errors import PanelError

Kind = Literal["date", "text", "number", "flag"]
_NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]
_FLAGS = {"true": True, "false": False, "1": True, "0": False}
_ISO_DATE = r"^\s*(\d{4}-\d{1,2}-\d{1,2})(?:[T ]00:00:00(?:\.0+)?)?\s*$"
_WANTED = {
    "date": "a date such as 2024-01-31",
    "text": "text",
    "number": "a number",
    "flag": "true or false",
}
_SUFFIXES = (".parquet", ".csv")
_LISTED_FILES = 20


@dataclass(frozen=True)
class TableSpec:
    """Columns of a vendor table.

    Args:
        name: as in messages and on the command line.
        required: kind by column.
        optional: kind by column; absent columns are left out of the frame. Any other numeric
            column is kept when `open_ended`.
        open_ended: keep numeric columns that are not named here.
    """

    name: str
    required: Mapping[str, Kind]
    optional: Mapping[str, Kind] = field(default_factory=dict)
    open_ended: bool = False

    @property
    def columns(self) -> dict[str, Kind]:
        """Kind by column, required ones first."""
        return {**self.required, **self.optional}


_BAR: dict[str, Kind] = dict.fromkeys(("open", "high", "low", "close", "volume"), "number")
_MONEY: dict[str, Kind] = dict.fromkeys(
    ("amount", "vwap", "adj_factor", "limit_up", "limit_down", "total_cap", "float_cap"), "number"
)
_KEY: dict[str, Kind] = {"date": "date", "symbol": "text"}
DAILY = TableSpec(
    "daily",
    _KEY | _BAR,
    _MONEY | {"suspended": "flag", "st": "flag", "list_date": "date", "delist_date": "date"},
)
INDEX_MEMBERS = TableSpec("index_members", _KEY | {"index": "text"}, {"weight": "number"})
INDEX_LEVELS = TableSpec("index_levels", {"date": "date", "index": "text", "close": "number"})
INDUSTRIES = TableSpec("industries", _KEY | {"industry": "text"})
FUNDAMENTALS = TableSpec("fundamentals", _KEY, open_ended=True)


@dataclass(frozen=True)
class VendorTable:
    """A table as read.

    Args:
        frame: the columns of the spec (date ``Date``, numbers ``Float64``, flags ``Boolean``), then
            ``_file`` (index into `files`), ``_row`` (from 1, headers not counted) and
            ``_unreadable`` (what was there but could not be read, or null).
        root: the folder that file names are given from.
        files: where the rows come from, in reading order.
        spec: what was asked for.
    """

    frame: pl.DataFrame
    root: Path
    files: tuple[Path, ...]
    spec: TableSpec

    def file_name(self, number: int) -> str:
        """Path of a file below the root."""
        return str(self.files[number].relative_to(self.root))

    def source(self) -> dict[str, object]:
        """Provenance: rows, and fingerprints by file; a single one when there are many files."""
        prints = {self.file_name(k): fingerprint_file(f) for k, f in enumerate(self.files)}
        if len(prints) > _LISTED_FILES:
            prints = {f"{len(prints)} files": fingerprint_json(prints)}
        return {"table": self.spec.name, "rows": self.frame.height, "files": prints}


def read_vendor_table(path: str | Path, spec: TableSpec) -> VendorTable:
    """Read a file, or every Parquet and CSV file of a folder, sorted by name.

    Raises:
        PanelError: nothing there, an empty or damaged file, a missing column, a column of a wrong
            type, a date with a time zone or a wholly missing column; file and column are named.
    """
    root = Path(path)
    files = _list_files(root, spec)
    frames = [_read_file(file, k, spec) for k, file in enumerate(files)]
    frame = pl.concat(frames, how="diagonal")
    for column in spec.required:
        if frame[column].null_count() == frame.height:
            msg = f"{path}: column {column!r} of {spec.name} is missing in every row: fill it"
            raise PanelError(msg)
    return VendorTable(frame, root if root.is_dir() else root.parent, files, spec)


def _list_files(path: Path, spec: TableSpec) -> tuple[Path, ...]:
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if _is_table(p, path))
        if not found:
            msg = f"{path} holds no .parquet or .csv file: name the folder of the {spec.name} table"
            raise PanelError(msg)
        return tuple(found)
    if not path.exists():
        msg = f"{path} does not exist: check the path of the {spec.name} table"
        raise PanelError(msg)
    if path.suffix.lower() not in _SUFFIXES:
        msg = f"{path} is neither .parquet nor .csv: convert the {spec.name} table to one of them"
        raise PanelError(msg)
    return (path,)


def _is_table(file: Path, root: Path) -> bool:
    # Hidden files and folders are other programs' leftovers, not a vendor's delivery.
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return file.suffix.lower() in _SUFFIXES and not hidden and file.is_file()


def _read_file(file: Path, number: int, spec: TableSpec) -> pl.DataFrame:
    raw = _read_raw(file, spec)
    _check_columns(raw.columns, file, spec)
    if raw.height == 0:
        msg = f"{file} is empty: remove it or write it again"
        raise PanelError(msg)
    kinds = {n: k for n, k in spec.columns.items() if n in raw.columns}
    if spec.open_ended:
        kinds |= {n: "number" for n, d in raw.schema.items() if n not in kinds and d.is_numeric()}
    typed = [_typed(raw[name], kind, file) for name, kind in kinds.items()]
    frame = pl.DataFrame(typed)
    lost = [
        pl.when(raw[name].is_not_null() & frame[name].is_null()).then(
            pl.format(f"{name} '{{}}'", raw[name].cast(pl.String))
        )
        for name in kinds
    ]
    return frame.with_columns(
        pl.concat_str(lost, separator=", ", ignore_nulls=True)
        .replace("", None)
        .alias("_unreadable"),
        _file=pl.lit(number, dtype=pl.Int32),
        _row=pl.int_range(1, frame.height + 1, dtype=pl.Int64),
    )


def _check_columns(columns: list[str], file: Path, spec: TableSpec) -> None:
    # A column that is nearly named like one of ours must not be passed over in silence.
    folded = {name.strip().lower(): name for name in columns}
    for name in spec.columns:
        near = folded.get(name)
        if name not in columns and near is not None:
            msg = f"{file} has a column {near!r}: rename it to {name!r}"
            raise PanelError(msg)
        if name not in columns and name in spec.required:
            msg = (
                f"{file} lacks column {name!r} of {spec.name}"
                f" (it has {', '.join(columns)}): add it or rename the one that holds it"
            )
            raise PanelError(msg)


def _read_raw(file: Path, spec: TableSpec) -> pl.DataFrame:
    if file.stat().st_size == 0:
        msg = f"{file} is empty (0 bytes): write the {spec.name} table again"
        raise PanelError(msg)
    try:
        if file.suffix.lower() == ".csv":
            return _read_csv(file, spec)
        frame = pl.read_parquet(file)
        floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
        return frame.with_columns(pl.col(floats).fill_nan(None))
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        msg = f"{file} cannot be read as {file.suffix[1:]} ({reason}): write it again"
        raise PanelError(msg) from error


def _read_csv(file: Path, spec: TableSpec) -> pl.DataFrame:
    with file.open("rb") as opened:
        if b"\0" in opened.read(4096):
            msg = f"{file} is not UTF-8 text (UTF-16, or compressed?): write it again as UTF-8"
            raise PanelError(msg)
    # Everything as text first: a type guessed from the first rows would lose leading zeros of
    # symbols and stop at the first odd value instead of listing all of them. NA may be a symbol, so
    # only other columns can spell a missing value.
    raw = pl.read_csv(file, infer_schema=False)
    text = [name for name, kind in spec.columns.items() if kind == "text"]
    others = pl.all().exclude(text).str.strip_chars()
    return raw.with_columns(pl.when(~others.is_in(_NULLS)).then(others))


def _typed(values: pl.Series, kind: Kind, file: Path) -> pl.Series:
    convert = {"date": _dates, "text": _text, "number": _numbers, "flag": _flags}[kind]
    typed = convert(values, file)
    if values.null_count() < len(values) and typed.null_count() == len(values):
        example = values.drop_nulls()[0]
        msg = (
            f"{file}: no value of column {values.name!r} is {_WANTED[kind]}"
            f" (the first is {str(example)!r}): convert the column and write the file again"
        )
        raise PanelError(msg)
    return typed


def _dates(values: pl.Series, file: Path) -> pl.Series:
    if values.dtype == pl.Date:
        return values
    if isinstance(values.dtype, pl.Datetime):
        if values.dtype.time_zone is not None:
            msg = (
                f"{file}: column {values.name!r} has time zone {values.dtype.time_zone}: convert it"
                " to exchange-local dates without a zone"
            )
            raise PanelError(msg)
        day = values.cast(pl.Date)
        midnight = day.cast(pl.Datetime(values.dtype.time_unit)) == values
        return day.to_frame().select(pl.when(midnight).then(pl.col(values.name)))[values.name]
    if values.dtype == pl.String:
        return values.str.extract(_ISO_DATE).str.to_date("%Y-%m-%d", strict=False)
    raise _wrong_type(values, "date", file)


def _text(values: pl.Series, file: Path) -> pl.Series:
    if values.dtype == pl.String or isinstance(values.dtype, pl.Categorical | pl.Enum):
        text = values.cast(pl.String).str.strip_chars()
        return text.set(text == "", None)
    raise _wrong_type(values, "text", file)


def _numbers(values: pl.Series, file: Path) -> pl.Series:
    if values.dtype.is_numeric() or values.dtype == pl.Null:
        return values.cast(pl.Float64)
    if values.dtype == pl.String and file.suffix.lower() == ".csv":
        return values.cast(pl.Float64, strict=False).fill_nan(None)
    raise _wrong_type(values, "number", file)


def _flags(values: pl.Series, file: Path) -> pl.Series:
    if values.dtype in (pl.Boolean, pl.Null):
        return values.cast(pl.Boolean)
    if values.dtype == pl.String or values.dtype.is_integer():
        text = values.cast(pl.String).str.to_lowercase()
        return text.replace_strict(_FLAGS, default=None, return_dtype=pl.Boolean)
    raise _wrong_type(values, "flag", file)


def _wrong_type(values: pl.Series, kind: Kind, file: Path) -> PanelError:
    return PanelError(
        f"{file}: column {values.name!r} has type {values.dtype}, it should be {_WANTED[kind]}:"
        " convert the column and write the file again"
    )
