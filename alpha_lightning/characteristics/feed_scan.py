"""Reading a file of an intraday table lazily, with our names and types."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from alpha_lightning.characteristics.exchange import CharacteristicsError
from alpha_lightning.characteristics.feed import Feed, Kind
from alpha_lightning.characteristics.session_clock import local_time, within_days

_NUMERIC = ("number", "integer")
# What Polars raises when values are put together wrongly; to write the file again would not help.
_NOT_THE_FILE = (
    pl.exceptions.ColumnNotFoundError,
    pl.exceptions.DuplicateError,
    pl.exceptions.InvalidOperationError,
    pl.exceptions.SchemaError,
    pl.exceptions.ShapeError,
)
_NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]
_WANTED = {
    "time": "a timestamp such as 2024-01-31 09:35:00",
    "text": "text",
    "number": "a number",
    "integer": "a whole number",
    "label": "text or a whole number",
}


@dataclass(frozen=True)
class FileScan:
    """A file, ready to be read.

    Args:
        frame: time (exchange-local ``Datetime("us")``), symbol, the feed's columns in the vendor's
            units, ``_file``, ``_row`` (from 1, headers not counted) and ``_unreadable`` (what was
            there but could not be read, or null).
        given: which of the feed's columns the file has.
    """

    frame: pl.LazyFrame
    given: frozenset[str]


def scan_file(feed: Feed, number: int, days: Sequence[dt.date] | None = None) -> FileScan:
    """Read a file lazily.

    Args:
        feed: the table.
        number: of the file.
        days: read only rows of these days; all rows when None.

    Raises:
        CharacteristicsError: an empty or damaged file, a column that is missing or of a wrong
            type; file and column are named.
    """
    file = feed.files[number]
    raw = _scan_raw(feed, file)
    schema = _schema(raw, file)
    given = _check_columns(feed, schema, file)
    clock = feed.theirs("time")
    zone = feed.exchange.timezone
    early = None if days is None else within_days(clock, schema[clock], days, zone)
    frame = raw if early is None else raw.filter(early)
    kinds: dict[str, Kind] = {"symbol": "text", **feed.required, **feed.optional}
    frame = frame.select(
        local_time(clock, schema[clock], zone).alias("time"),
        *(
            (
                _typed(feed.theirs(c), kind, schema[feed.theirs(c)])
                if c in given
                else _absent(kind)
            ).alias(c)
            for c, kind in kinds.items()
        ),
        pl.lit(number, dtype=pl.Int32).alias("_file"),
        pl.col("_row"),
        _joined(_losses(feed, given, kinds, schema)).alias("_unreadable"),
    )
    if days is not None and early is None:
        frame = frame.filter(pl.col("time").dt.date().is_in(list(days)))
    return FileScan(frame, given)


def has_rows(feed: Feed, number: int) -> bool:
    """Whether a file has any; one without need not have columns of the right types.

    Raises:
        CharacteristicsError: an empty or damaged file.
    """
    file = feed.files[number]
    return collect(_scan_raw(feed, file).head(1), file).height > 0


def columns_given(feed: Feed) -> frozenset[str]:
    """Which of the feed's columns its first or its last file has."""
    first, last = 0, len(feed.files) - 1
    return scan_file(feed, first).given | scan_file(feed, last).given


def collect(frame: pl.LazyFrame, file: Path) -> pl.DataFrame:
    """Read it, a piece at a time.

    Raises:
        CharacteristicsError: the file is damaged, or its values cannot be worked with.
    """
    try:
        return frame.collect(engine="streaming")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _damaged(file, error) from error


def _scan_raw(feed: Feed, file: Path) -> pl.LazyFrame:
    if file.stat().st_size == 0:
        msg = f"{file} is empty (0 bytes): write the {feed.name} table again"
        raise CharacteristicsError(msg)
    if file.suffix.lower() == ".parquet":
        return pl.scan_parquet(file, row_index_name="_row", row_index_offset=1, glob=False)
    with file.open("rb") as opened:
        if b"\0" in opened.read(4096):
            msg = f"{file} is not UTF-8 text (UTF-16, or compressed?): write it again as UTF-8"
            raise CharacteristicsError(msg)
    # Everything as text: a type guessed from the first rows would lose leading zeros of symbols
    # and stop at the first odd value instead of listing all of them.
    raw = pl.scan_csv(
        file, infer_schema=False, row_index_name="_row", row_index_offset=1, glob=False
    )
    return raw.with_columns(pl.selectors.string().str.strip_chars())


def _schema(raw: pl.LazyFrame, file: Path) -> pl.Schema:
    try:
        return raw.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, error: BaseException) -> CharacteristicsError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    if isinstance(error, _NOT_THE_FILE):
        msg = f"{file} can be read, but not be worked with ({reason}): check its columns' types"
        return CharacteristicsError(msg)
    msg = f"{file} cannot be read as {file.suffix[1:]} ({reason}): write it again"
    return CharacteristicsError(msg)


def _check_columns(feed: Feed, schema: pl.Schema, file: Path) -> frozenset[str]:
    names = [name for name in schema.names() if name != "_row"]
    folded = {name.strip().lower(): name for name in names}
    needed = ("time", "symbol", *feed.required)
    for column in (*needed, *feed.optional):
        wanted = feed.theirs(column)
        near = folded.get(wanted.lower())
        # A column that is nearly named like one of ours must not be passed over in silence.
        if wanted not in names and near is not None:
            msg = f"{file} has a column {near!r}: rename it to {wanted!r}"
            raise CharacteristicsError(msg)
        if wanted not in names and (column in needed or column in feed.renamed):
            called = f"{column!r} of {feed.name}"
            if wanted != column:
                called += f" (called {wanted!r} by the exchange's file)"
            msg = (
                f"{file} lacks column {called}; it has {', '.join(names)}: add it, or tell its"
                f" name under {feed.name}.columns of the exchange's file"
            )
            raise CharacteristicsError(msg)
    kinds = {"time": "time", "symbol": "text", **feed.required, **feed.optional}
    given = frozenset(c for c in kinds if feed.theirs(c) in names)
    if "side" in feed.optional and "side" not in given and _halves(feed):
        msg = (
            f"{file} lacks column {feed.theirs('side')!r} of {feed.name}: add it, or write"
            " missing_side: tick under trades of the exchange's file, so that a trade takes the"
            " sign of the last price change"
        )
        raise CharacteristicsError(msg)
    is_text = file.suffix.lower() == ".csv"
    for column in sorted(given):
        dtype = schema[feed.theirs(column)]
        if not (is_text or _fits(dtype, kinds[column])):
            msg = (
                f"{file}: column {feed.theirs(column)!r} has type {dtype}, it should be"
                f" {_WANTED[kinds[column]]}: convert the column and write the file again"
            )
            raise CharacteristicsError(msg)
    return given


def _halves(feed: Feed) -> bool:
    # Half a buy and half a sell of every trade would say nothing at all.
    return feed.exchange.trades.missing_side == "half"


def _fits(dtype: pl.DataType, kind: str) -> bool:
    text = dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum)
    return {
        "time": isinstance(dtype, pl.Datetime) or dtype == pl.String,
        "text": text,
        "number": dtype.is_numeric() or dtype == pl.Null,
        "integer": dtype.is_numeric() or dtype == pl.Null,
        "label": text or dtype.is_integer() or dtype == pl.Null,
    }[kind]


def _absent(kind: Kind) -> pl.Expr:
    dtypes = {"number": pl.Float64(), "integer": pl.Int64()}
    return pl.lit(None, dtype=dtypes.get(kind, pl.String()))


def _typed(name: str, kind: Kind, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.String and kind in _NUMERIC:
        column = pl.when(~column.is_in(_NULLS)).then(column)
    if kind == "number":
        return column.cast(pl.Float64, strict=False)
    if kind == "integer":
        return column.cast(pl.Int64, strict=False)
    return column.cast(pl.String)


def _losses(
    feed: Feed, given: frozenset[str], kinds: Mapping[str, Kind], schema: pl.Schema
) -> list[pl.Expr]:
    # Only text can fail to be what it should be; other types were checked.
    clock = feed.theirs("time")
    numeric = {feed.theirs(c): k for c, k in kinds.items() if c in given and k in _NUMERIC}
    lost = [_lost(n, k, schema[n]) for n, k in numeric.items() if schema[n] == pl.String]
    if schema[clock] == pl.String:
        lost.append(_lost_time(clock, schema[clock], feed.exchange.timezone))
    return lost


def _lost(name: str, kind: Kind, dtype: pl.DataType) -> pl.Expr:
    raw = pl.col(name)
    there = raw.is_not_null() & ~raw.is_in(_NULLS)
    return _quoted(name, there & _typed(name, kind, dtype).is_null())


def _lost_time(name: str, dtype: pl.DataType, timezone: str) -> pl.Expr:
    return _quoted(name, pl.col(name).is_not_null() & local_time(name, dtype, timezone).is_null())


def _quoted(name: str, condition: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(pl.format(f"{name} '{{}}'", pl.col(name)))


def _joined(lost: Sequence[pl.Expr]) -> pl.Expr:
    if not lost:
        return pl.lit(None, dtype=pl.String)
    text = pl.concat_str(lost, separator=", ", ignore_nulls=True)
    return pl.when(text != "").then(text)
