"""Which days each file of an intraday table holds: found once, kept beside the day files."""

import datetime as dt
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from tqdm.auto import tqdm

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.provenance import fingerprint_file, fingerprint_json
from alpha_lightning.characteristics.exchange import CharacteristicsError
from alpha_lightning.characteristics.feed import Feed
from alpha_lightning.characteristics.feed_scan import FileScan, collect, has_rows, scan_file
from alpha_lightning.characteristics.session_clock import grid_offset

_VERSION = 1
_FILES_AT_ONCE = 4
_KEEP_EVERY = 50
_LISTED_FILES = 20
_ROWS, _DAYS = 4_000_000, 5
_SCHEMA = {
    "file": pl.String,
    "date": pl.Date,
    "rows": pl.Int64,
    "bars": pl.Int64,
    "grid": pl.Int64,
}
_NOTHING = pl.DataFrame(schema=_SCHEMA)


@dataclass(frozen=True)
class FeedIndex:
    """A table and where its days are.

    Args:
        feed: the table.
        about: by file name: size, mtime and fingerprint of its bytes.
        table: a row for each file and date (null where the time cannot be read): rows, bars in a
            session, and grid, the greatest common divisor of their offsets in microseconds.
        empty: names of files without a row, which the table is read without.
    """

    feed: Feed
    about: dict[str, dict[str, Any]]
    table: pl.DataFrame
    empty: tuple[str, ...] = ()

    @cached_property
    def by_date(self) -> dict[dt.date, list[int]]:
        """Numbers of the files that hold rows of each date, in ascending order of both."""
        number = {self.feed.file_name(k): k for k in range(len(self.feed.files))}
        found: dict[dt.date, list[int]] = {}
        dated = self.table.drop_nulls("date").sort("date")
        for date, file in zip(dated["date"].to_list(), dated["file"].to_list(), strict=True):
            found.setdefault(date, []).append(number[file])
        return {date: sorted(files) for date, files in found.items()}

    @cached_property
    def rows(self) -> dict[dt.date, int]:
        """Rows of each date."""
        total = self.table.drop_nulls("date").group_by("date").agg(pl.col("rows").sum())
        return dict(zip(total["date"].to_list(), total["rows"].to_list(), strict=True))

    def prints_of(self, date: dt.date) -> list[str]:
        """Fingerprints of the files that hold rows of a date."""
        names = [self.feed.file_name(k) for k in self.by_date[date]]
        return [self.about[name]["fingerprint"] for name in names]

    def source(self, date: dt.date | None = None) -> dict[str, Any]:
        """What is known of the files that hold a date, or of all of them."""
        numbers = range(len(self.feed.files)) if date is None else self.by_date[date]
        told = {name: self.about[name] for name in map(self.feed.file_name, numbers)}
        if len(told) > _LISTED_FILES:
            return {f"{len(told)} files": {"fingerprint": fingerprint_json(told)}}
        return told

    def untimed(self) -> dict[int, int]:
        """How many rows have no readable time, by number of the file."""
        lost = self.table.filter(pl.col("date").is_null())
        rows = dict(zip(lost["file"].to_list(), lost["rows"].to_list(), strict=True))
        names = [self.feed.file_name(k) for k in range(len(self.feed.files))]
        return {k: rows[name] for k, name in enumerate(names) if name in rows}

    def batches(self, days: Sequence[dt.date]) -> Iterator[list[dt.date]]:
        """Days a few at a time, bounded by their rows."""
        batch: list[dt.date] = []
        for day in days:
            full = sum(self.rows[d] for d in [*batch, day]) > _ROWS or len(batch) == _DAYS
            if batch and full:
                yield batch
                batch = []
            batch.append(day)
        if batch:
            yield batch

    def apart(self, days: Sequence[dt.date]) -> list[list[dt.date]]:
        """Each day alone when no file holds two of them, else all of them together."""
        files = [number for day in days for number in self.by_date[day]]
        return [[day] for day in days] if len(set(files)) == len(files) else [list(days)]

    def read(
        self, days: Sequence[dt.date], prepare: Callable[[FileScan], pl.LazyFrame]
    ) -> pl.DataFrame:
        """Rows of some days, as reported.

        Args:
            days: days of the table.
            prepare: what is done to a file's rows as they are read.
        """
        numbers = sorted(set(itertools.chain.from_iterable(self.by_date[day] for day in days)))

        def read_one(number: int) -> pl.DataFrame:
            scan = scan_file(self.feed, number, days)
            return collect(prepare(scan), self.feed.files[number])

        if len(numbers) == 1:
            return read_one(numbers[0])
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
            return pl.concat(list(pool.map(read_one, numbers)))


def index_feed(feed: Feed, keep: Path) -> FeedIndex:
    """Find the days of every file; files that have not changed are not opened.

    Args:
        feed: the table.
        keep: Parquet file that keeps the index; damaged or of other settings, it is made again.

    Raises:
        CharacteristicsError: a file that cannot be used; it is named.
        ArtefactError: the index cannot be written.
    """
    key = _key(feed)
    kept, tables = _recall(keep, key)
    about: dict[str, dict[str, Any]] = {}
    found: list[pl.DataFrame] = []
    fresh = 0

    def look_at(number: int) -> tuple[dict[str, Any], pl.DataFrame | None]:
        told = _about(feed.files[number], kept.get(feed.file_name(number), {}))
        known = kept.get(feed.file_name(number), {}).get("fingerprint")
        return told, None if told["fingerprint"] == known else _days_of(feed, number)

    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        looks = pool.map(look_at, range(len(feed.files)))
        bar = tqdm(looks, f"index of {feed.name}", len(feed.files), leave=False, disable=None)
        for number, (told, days) in enumerate(bar):
            name = feed.file_name(number)
            about[name] = told
            # An empty file leaves no line in what was kept.
            found.append(tables.get(name, _NOTHING) if days is None else days)
            fresh += days is not None
            if fresh and fresh % _KEEP_EVERY == 0:
                _keep(keep, key, about, found)
    if about != kept:
        _keep(keep, key, about, found)
    return _without_empty(FeedIndex(feed, about, pl.concat(found)))


def _without_empty(index: FeedIndex) -> FeedIndex:
    # The file of a stock that was suspended throughout has a header and no rows.
    feed, filled = index.feed, set(index.table["file"].to_list())
    names = [feed.file_name(k) for k in range(len(feed.files))]
    files = tuple(f for f, name in zip(feed.files, names, strict=True) if name in filled)
    if not files:
        msg = f"{feed.name}: no file below {feed.root} has a row (the first is {names[0]})"
        raise CharacteristicsError(f"{msg}: write the table again")
    empty = tuple(name for name in names if name not in filled)
    return replace(index, feed=replace(feed, files=files), empty=empty)


def _about(file: Path, known: dict[str, Any]) -> dict[str, Any]:
    stat = file.stat()
    told = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    same = all(known.get(what) == value for what, value in told.items())
    return told | {"fingerprint": known["fingerprint"] if same else fingerprint_file(file)}


def _key(feed: Feed) -> str:
    exchange = feed.exchange
    habits = asdict(exchange.minute) if feed.name == "minute" else {}
    depends = [str(feed.root.resolve()), exchange.timezone, exchange.seconds, feed.renamed, habits]
    return fingerprint_json([_VERSION, depends])


def _days_of(feed: Feed, number: int) -> pl.DataFrame:
    if not has_rows(feed, number):
        return _NOTHING
    stamps = _stamps_of(feed, number)
    by_date = stamps.group_by("date").agg(
        pl.col("rows").sum(),
        pl.col("rows").filter(pl.col("offset").is_not_null()).sum().alias("bars"),
        pl.col("offset").drop_nulls(),
    )
    grid = [math.gcd(*offsets) for offsets in by_date["offset"].to_list()]
    return by_date.select(
        pl.lit(feed.file_name(number)).alias("file"),
        "date",
        "rows",
        "bars",
        pl.Series("grid", grid, dtype=pl.Int64),
    ).sort("date")


def _stamps_of(feed: Feed, number: int) -> pl.DataFrame:
    """Rows by date and, of minute bars, by offset; trades have too many times for that."""
    rows, times, file = scan_file(feed, number).frame, pl.col("time"), feed.files[number]
    count = pl.len().cast(pl.Int64).alias("rows")
    if feed.name == "minute":
        stamps = collect(rows.group_by("time").agg(count), file)
        return stamps.with_columns(date=times.dt.date(), offset=grid_offset(feed.exchange))
    nowhere = pl.lit(None, dtype=pl.Int64).alias("offset")
    ends = times.min().dt.date().alias("date"), times.max().dt.date().alias("last")
    whole = collect(rows.select(*ends, times.null_count().alias("lost"), count, nowhere), file)
    if (whole["date"] == whole["last"]).all() and not whole["lost"].sum():
        return whole
    by_date = rows.group_by(times.dt.date().alias("date")).agg(count)
    return collect(by_date, file).with_columns(nowhere)


def _keep(
    file: Path, key: str, about: dict[str, dict[str, Any]], tables: list[pl.DataFrame]
) -> None:
    text = json.dumps({"key": key, "files": about})
    with atomic_file(file) as draft:
        pl.concat(tables).write_parquet(draft, metadata={"alpha_lightning": text})


def _recall(file: Path, key: str) -> tuple[dict[str, dict[str, Any]], dict[str, pl.DataFrame]]:
    # Whatever is wrong with it, an index can be made again.
    try:
        text = pl.read_parquet_metadata(file)["alpha_lightning"]
        kept = json.loads(text)
        table = pl.read_parquet(file, glob=False)
    except (OSError, KeyError, ValueError, pl.exceptions.PolarsError):
        return {}, {}
    if kept.get("key") != key or table.schema != pl.Schema(_SCHEMA):
        return {}, {}
    tables = {str(k[0]): part for k, part in table.partition_by("file", as_dict=True).items()}
    return kept["files"], tables
