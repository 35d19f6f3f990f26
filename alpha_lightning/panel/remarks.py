"""What the vendor tables lacked and what that switched off, in plain sentences."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.panel.bad_rows import summary

Matrix = NDArray[np.float64]
_CONSEQUENCE = {
    "adj_factor": "prices are taken as already adjusted for splits and dividends",
    "limit_up": "price limits are unknown",
    "suspended": "a suspension is read off a missing row or a volume of 0",
    "st": "special-treatment stocks are unknown",
    "list_date": "a listing is a symbol's first row",
    "delist_date": "a delisting looks like a suspension without end",
    "total_cap": "market values are unknown, and what weighs or neutralises by size is off",
}
_NO_VWAP = (
    "Daily has no amount or vwap: the vwap feature of rawbar is missing throughout (0 after"
    " scaling), and group portfolios trade at the close."
)
_CARRIED = ("adj_factor", "total_cap", "float_cap")
_STALE = np.timedelta64(366, "D")


def on_columns(frame: pl.DataFrame, market: Mapping[str, Matrix]) -> list[str]:
    """Optional columns of the daily table that are not there, or are empty throughout."""
    given = {c for c, d in frame.schema.items() if d == pl.Date or frame[c].count()}
    told = [f"Daily has no {c}: {text}." for c, text in _CONSEQUENCE.items() if c not in given]
    return told if "vwap" in market else [*told, _NO_VWAP]


def on_values(
    frame: pl.DataFrame, market: Mapping[str, Matrix], traded: NDArray[np.bool_]
) -> list[str]:
    """Single missing values of the daily table that change what a day is taken for."""
    told = []
    pairs = (("close", "volume"), ("volume", "close"))
    for there, missing in pairs:
        lacking = pl.col(missing).is_null() & (pl.col(there) > 0)
        count = frame.filter(lacking).height
        if count:
            told.append(f"No {missing} but a {there} on {count:,} rows: taken as not traded.")
    for field in ("open", "high", "low", "vwap"):
        count = int(np.isnan(market[field][traded]).sum()) if field in market else 0
        if count:
            days = f"{count:,} of {int(traded.sum()):,} traded stock-days"
            told.append(f"Missing {field} on {days}.")
    for field in _CARRIED:
        count = frame[field].null_count() if field in frame.columns else 0
        if 0 < count < frame.height:
            told.append(f"Missing {field} on {count:,} rows: the last known one holds on.")
    return told


def on_bad_rows(record: Mapping[str, Any]) -> list[str]:
    """What was done to rows that cannot be true."""
    if not record["rows"]:
        return []
    done = {"drop": "left out", "mask": "kept with the values in doubt missing"}[record["mode"]]
    return [f"Daily had {summary(record)}: {done}."]


def on_index(
    name: str, last_list: np.datetime64, last_date: np.datetime64, strangers: int
) -> list[str]:
    """Members without bars, and a list of members that ends long before the bars."""
    told = [f"{strangers} members of {name} have no daily bars."] if strangers else []
    if last_date - last_list > _STALE:
        told.append(f"The last list of {name} is of {last_list}: it is kept until {last_date}.")
    return told
