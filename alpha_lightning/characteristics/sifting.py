"""Rows of an intraday table that cannot be true, or that need no place in the day."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.characteristics.day_rows import DayRows
from alpha_lightning.characteristics.exchange import CharacteristicsError
from alpha_lightning.characteristics.feed import Feed

Mode = Literal["refuse", "drop"]
OUTSIDE_HOURS = "outside the sessions"
EXTENDED_HOURS = "in the extended hours"
UNTIMED = "no readable time"
UNREADABLE = "value that is not of the column's type"
NO_SYMBOL = "no symbol"
UNKNOWN_SIDE = "unknown side"
SHOWN = 20
"""So many bad rows are quoted."""
_MOSTLY = 0.5


@dataclass(frozen=True)
class Sifting:
    """What became of the rows of a day, or of several.

    Args:
        rows: all of them.
        bad: how many could not be true, by reason.
        left_out: how many were left out without complaint, by reason.
        first: the first 20 bad rows: file, row, time, symbol, reason and values.
    """

    rows: int = 0
    bad: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    first: tuple[dict[str, Any], ...] = ()

    def add(self, others: Iterable["Sifting"]) -> "Sifting":
        """Of this and other days together, in order."""
        days = [self, *others]
        return Sifting(
            sum(day.rows for day in days),
            _summed(day.bad for day in days),
            _summed(day.left_out for day in days),
            tuple(row for day in days for row in day.first)[:SHOWN],
        )

    def record(self) -> dict[str, Any]:
        """For JSON; `Sifting(**record)` is the same again."""
        told = {"rows": self.rows, "bad": self.bad, "left_out": self.left_out}
        return told | {"first": list(self.first)}


Check = tuple[str, pl.Expr]
"""A reason in words, and which rows it holds for."""


def checks_of(column: str) -> list[Check]:
    """A count or an amount that is missing, negative or infinite."""
    value = pl.col(column)
    return [
        (f"missing {column}", value.is_null()),
        (f"negative {column}", value < 0),
        (f"infinite {column}", value.is_infinite()),
    ]


def without_bad(
    rows: DayRows, doubt: NDArray[np.bool_], checks: Sequence[Check], feed: Feed
) -> tuple[DayRows, Sifting]:
    """The rows that fail no check, and what became of the others.

    Args:
        rows: of a day.
        doubt: ``(rows,)``, which of them to look at closely; the others are good.
        checks: in the order in which a row's reason is looked for.
        feed: where the rows come from.
    """
    sifting = Sifting(rows=rows.frame.height)
    doubt = doubt | (rows.frame["_code"].to_numpy() < 0)
    if rows.frame["_unreadable"].null_count() < rows.frame.height:
        doubt |= rows.frame["_unreadable"].is_not_null().to_numpy()
    place = np.flatnonzero(doubt)
    if not len(place):
        return rows, sifting
    failed = [pl.when(wrong).then(pl.lit(reason)) for reason, wrong in checks]
    close = rows.frame[place].with_columns(pl.selectors.float().fill_nan(None))
    close = close.with_columns(_reason=pl.coalesce(failed))
    bad = close.filter(pl.col("_reason").is_not_null())
    if not bad.height:
        return rows, sifting
    good = np.ones(rows.frame.height, dtype=bool)
    good[place[close["_reason"].is_not_null().to_numpy()]] = False
    return rows.keep(pl.Series(good)), sifting.add([describe_bad(bad, feed)])


def describe_bad(rows: pl.DataFrame, feed: Feed) -> Sifting:
    """Count and quote bad rows.

    Args:
        rows: with ``_reason``, in words.
        feed: where they come from.
    """
    counts = Counter(rows["_reason"].to_list())
    shown = rows.sort("_file", "_row").head(SHOWN)
    names = [*feed.required, *feed.optional]
    first = [
        {
            "file": feed.file_name(row["_file"]),
            "row": row["_row"],
            "time": str(row["time"]),
            "symbol": row["symbol"],
            "reason": row["_reason"] + (f" ({row['_unreadable']})" if row["_unreadable"] else ""),
            "values": {name: row[name] for name in names if row[name] is not None},
        }
        for row in shown.to_dicts()
    ]
    return Sifting(bad=dict(sorted(counts.items())), first=tuple(first))


def summary(found: Sifting) -> str:
    """How many rows were bad, and why, in words."""
    total = sum(found.bad.values())
    ordered = sorted(found.bad.items(), key=lambda item: (-item[1], item[0]))
    counts = "; ".join(f"{reason}: {count:,}" for reason, count in ordered)
    return f"{total:,} bad row{'s' if total > 1 else ''} ({counts})"


def refuse(found: Sifting, feed: Feed, *, all_rows: bool = False) -> CharacteristicsError:
    """The error that lists bad rows.

    Args:
        found: what is bad.
        feed: where it comes from.
        all_rows: nothing would be left without them.
    """
    lines = [f"{feed.name}: {summary(found)}. The first:"]
    for row in found.first:
        values = ", ".join(f"{name} {_short(value)}" for name, value in row["values"].items())
        place = f"{row['file']} row {row['row']}, {row['time']} {row['symbol']}"
        lines.append(f"  {place}: {row['reason']} [{values}]")
    lines += advice(found, feed)
    drop = ", or go on with --bad-rows drop (without these rows)"
    lines.append(f"Mend the table{'' if all_rows else drop}.")
    return CharacteristicsError("\n".join(lines))


def advice(found: Sifting, feed: Feed) -> list[str]:
    """What may be the matter with a table of such rows, in sentences."""
    told = []
    if UNTIMED in found.bad:
        told.append(
            "A time is a timestamp in Parquet, or text such as 2024-01-31 09:35:00 (a zone may"
            " follow, such as +08:00)."
        )
    if UNKNOWN_SIDE in found.bad:
        told.append(
            "Tell what each value of the side means under trades.sides of the exchange's file."
        )
    if mostly_outside(found):
        told.append(f"{outside_hint(feed)}.")
    return told


def mostly_outside(found: Sifting) -> bool:
    """Whether most rows lie outside the sessions, so that the times are in doubt."""
    outside = found.bad.get(OUTSIDE_HOURS, 0) + found.left_out.get(EXTENDED_HOURS, 0)
    return outside > _MOSTLY * found.rows


def outside_hint(feed: Feed) -> str:
    """What may be the matter with the times."""
    zone = feed.exchange.timezone
    return f"Most times lie outside the sessions: are the times UTC? {zone} is taken for granted"


def _summed(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.7g}"
