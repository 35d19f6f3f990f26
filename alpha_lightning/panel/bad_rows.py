"""Rows of a daily table that cannot be true: refused by default, dropped or masked on request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.vendor import VendorTable

Mode = Literal["refuse", "drop", "mask"]
_PRICES = ("open", "high", "low", "close", "vwap", "adj_factor", "limit_up", "limit_down")
_AMOUNTS = ("volume", "amount", "total_cap", "float_cap")
_BAR = ("open", "high", "low", "close")
_KEY = ("date", "symbol")
_ROUNDING = 1e-6  # relative; vendors keep prices in float32
_SHOWN = 20
_NO_TRADING_DAY = "not a trading day"


@dataclass(frozen=True)
class _Check:
    """One way in which a row can be wrong.

    Args:
        reason: in words, for the message.
        wrong: boolean expression over the frame.
        mask: columns that become missing under ``mask``; None removes the row.
    """

    reason: str
    wrong: pl.Expr
    mask: tuple[str, ...] | None


@dataclass(frozen=True)
class Sifted:
    """What is left of a table, and what was done to it.

    Args:
        frame: the good rows.
        record: ``{"mode", "rows", "counts", "first"}`` for the panel's description.
    """

    frame: pl.DataFrame
    record: dict[str, Any]


def sift(table: VendorTable, mode: Mode, calendar: NDArray[np.datetime64]) -> Sifted:
    """Find the bad rows of a daily table and refuse, drop or mask them.

    Args:
        table: as read.
        mode: ``refuse`` raises and lists them; ``drop`` removes the rows, both of two that
            contradict each other; ``mask`` makes the offending values missing and keeps the rest of
            the row (a row whose date or symbol is wrong cannot be kept).
        calendar: ``(T,)`` trading dates.

    Raises:
        PanelError: there are bad rows and the mode is ``refuse``.
    """
    checks = [*_row_checks(table.frame, calendar), *_value_checks(table.frame)]
    flagged = table.frame.with_columns(
        check.wrong.fill_null(value=False).alias(f"_bad{k}") for k, check in enumerate(checks)
    ).with_columns(
        _reason=pl.coalesce(
            pl.when(pl.col(f"_bad{k}")).then(pl.lit(check.reason)) for k, check in enumerate(checks)
        )
    )
    record = _record(flagged.filter(pl.col("_reason").is_not_null()), table, mode)
    if record["rows"] and mode == "refuse":
        raise PanelError(_refusal(record))
    kept = _mask(flagged, checks) if mode == "mask" else flagged.filter(pl.col("_reason").is_null())
    columns = [c for c in table.frame.columns if not c.startswith("_")]
    return Sifted(kept.select(columns), record)


def _row_checks(frame: pl.DataFrame, calendar: NDArray[np.datetime64]) -> list[_Check]:
    values = tuple(c for c in frame.columns if c not in _KEY and not c.startswith("_"))
    trading = pl.Series(calendar.astype("datetime64[ms]")).cast(pl.Date).implode()
    return [
        _Check("no readable date", pl.col("date").is_null(), None),
        _Check("no symbol", pl.col("symbol").is_null(), None),
        _Check(_NO_TRADING_DAY, ~pl.col("date").is_in(trading), None),
        _Check("symbol differs from another only by case", _later_spelling(frame), None),
        _Check("row repeated", ~pl.struct(*_KEY, *values).is_first_distinct(), None),
        _Check("other rows of the same date and symbol differ", _conflict(frame, values), values),
    ]


def _value_checks(frame: pl.DataFrame) -> list[_Check]:
    prices = [c for c in _PRICES if c in frame.columns]
    amounts = [c for c in _AMOUNTS if c in frame.columns]
    # A zero or infinite price is told as that, and does not put the others of its row in doubt.
    bar = {c: pl.when((pl.col(c) > 0) & pl.col(c).is_finite()).then(pl.col(c)) for c in _BAR}
    low, high = bar["low"] * (1 - _ROUNDING), bar["high"] * (1 + _ROUNDING)
    outside = {c: (bar[c] < low) | (bar[c] > high) for c in ("close", "open")}
    return [
        _Check("value that is not of the column's type", pl.col("_unreadable").is_not_null(), ()),
        *(_Check(f"infinite {c}", pl.col(c).is_infinite(), (c,)) for c in prices + amounts),
        *(_Check(f"zero or negative {c}", pl.col(c) <= 0, (c,)) for c in prices),
        *(_Check(f"negative {c}", pl.col(c) < 0, (c,)) for c in amounts),
        _Check("high below low", high < bar["low"], _BAR),
        _Check("close outside [low, high]", outside["close"], _BAR),
        # The close is within [low, high], and stands.
        _Check("open outside [low, high]", outside["open"], ("open", "high", "low")),
    ]


def _later_spelling(frame: pl.DataFrame) -> pl.Expr:
    # The spelling seen first is taken for the right one: the most frequent is known only later.
    spelt = frame.drop_nulls("symbol").group_by("symbol").agg(pl.col("date").min())
    spelt = spelt.with_columns(folded=pl.col("symbol").str.to_uppercase())
    spelt = spelt.sort("date", "symbol", nulls_last=True)
    later = spelt.filter(~pl.col("folded").is_first_distinct())
    return pl.col("symbol").is_in(later["symbol"].implode())


def _conflict(frame: pl.DataFrame, values: tuple[str, ...]) -> pl.Expr:
    distinct = frame.select(*_KEY, *values).drop_nulls(_KEY).unique()
    keys = distinct.filter(pl.struct(_KEY).is_duplicated()).select(_KEY).unique()
    return pl.struct(_KEY).is_in(keys.select(pl.struct(_KEY)).to_series().implode())


def _mask(flagged: pl.DataFrame, checks: list[_Check]) -> pl.DataFrame:
    removed = [pl.col(f"_bad{k}") for k, check in enumerate(checks) if check.mask is None]
    blanked: dict[str, list[pl.Expr]] = {}
    for k, check in enumerate(checks):
        for column in check.mask or ():
            blanked.setdefault(column, []).append(pl.col(f"_bad{k}"))
    return flagged.filter(~pl.any_horizontal(removed)).with_columns(
        pl.when(~pl.any_horizontal(bad)).then(pl.col(column)).alias(column)
        for column, bad in blanked.items()
    )


def _record(bad: pl.DataFrame, table: VendorTable, mode: Mode) -> dict[str, Any]:
    counts = bad.group_by("_reason").len().sort("len", "_reason", descending=[True, False])
    shown = bad.sort("_file", "_row").head(_SHOWN)
    names = [c for c in _BAR if c in bad.columns] + ["volume"]
    first = [
        {
            "file": table.file_name(row["_file"]),
            "row": row["_row"],
            "date": str(row["date"]),
            "symbol": row["symbol"],
            "reason": row["_reason"] + (f" ({row['_unreadable']})" if row["_unreadable"] else ""),
            "values": {name: row[name] for name in names},
        }
        for row in shown.to_dicts()
    ]
    return {
        "mode": mode,
        "rows": bad.height,
        "counts": dict(zip(counts["_reason"], counts["len"], strict=True)),
        "first": first,
    }


def summary(record: Mapping[str, Any]) -> str:
    """How many rows were bad, and why, in words."""
    counts = "; ".join(f"{reason}: {count:,}" for reason, count in record["counts"].items())
    return f"{record['rows']:,} bad row{'s' if record['rows'] > 1 else ''} ({counts})"


def _refusal(record: dict[str, Any]) -> str:
    lines = [f"{summary(record)}. The first:"]
    for row in record["first"]:
        values = ", ".join(f"{name} {_short(value)}" for name, value in row["values"].items())
        place = f"{row['file']} row {row['row']}, {row['date']} {row['symbol']}"
        lines.append(f"  {place}: {row['reason']} [{values}]")
    if _NO_TRADING_DAY in record["counts"]:
        lines.append(
            "Trading days are the weekdays on which a usual number of symbols has a row,"
            " or else those of the file given by --calendar."
        )
    lines.append(
        "Mend the table, or go on with --bad-rows drop (without these rows) or --bad-rows mask"
        " (with these values missing)."
    )
    return "\n".join(lines)


def _short(value: float | None) -> str:
    return "missing" if value is None else f"{value:.7g}"
