"""Long tables onto the grid of dates and symbols."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.characteristics.rawbar import carry_forward
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import PRICES

Matrix = NDArray[np.float64]
_UNIT_RATIO = (0.5, 2.0)
_VWAP_SLACK = 1e-2  # relative; snapshots of a feed miss the day's extremes
_VWAP_LIMIT = 0.1


@dataclass(frozen=True)
class Grid:
    """The calendar and the symbols of a panel.

    Args:
        dates: ``(T,)`` datetime64[D], ascending.
        symbols: ``(N,)`` strings, sorted.
    """

    dates: NDArray[np.datetime64]
    symbols: NDArray[np.str_]

    @property
    def shape(self) -> tuple[int, int]:
        """``(T, N)``."""
        return len(self.dates), len(self.symbols)

    def columns_of(self, frame: pl.DataFrame) -> NDArray[np.intp]:
        """Column of each row's symbol, -1 where the panel does not know it."""
        place = {symbol: k for k, symbol in enumerate(self.symbols.tolist())}
        found = frame["symbol"].replace_strict(place, default=-1, return_dtype=pl.Int64)
        return found.to_numpy().astype(np.intp)

    def cells_of(self, frame: pl.DataFrame) -> NDArray[np.intp]:
        """Place of each row in the flattened grid; every date and symbol is in it."""
        rows = np.searchsorted(self.dates, _days(frame))
        return rows * len(self.symbols) + self.columns_of(frame)

    def scatter(self, values: pl.Series, cells: NDArray[np.intp]) -> Matrix:
        """Numbers as ``(T, N)``; NaN where the table has no row."""
        out = np.full(self.shape, np.nan)
        out.ravel()[cells] = values.cast(pl.Float64).to_numpy()
        return out

    def as_of(self, frame: pl.DataFrame, column: str) -> Matrix:
        """A numeric column known from its row's date on, ``(T, N)``; NaN before the first row."""
        out = np.full(self.shape, np.nan)
        ordered = frame.sort("date", maintain_order=True)
        rows = np.searchsorted(self.dates, _days(ordered))
        columns = self.columns_of(ordered)
        keep = (rows < len(self.dates)) & (columns >= 0)
        out[rows[keep], columns[keep]] = ordered[column].cast(pl.Float64).to_numpy()[keep]
        return carry_forward(out)


def market_arrays(frame: pl.DataFrame, grid: Grid) -> tuple[dict[str, Matrix], dict[str, Any]]:
    """Daily bars as market arrays and flags, each ``(T, N)``.

    A stock traded when it has a close, a positive volume and is not marked suspended. Prices of
    other days are NaN, their volume and amount 0; nothing is known before the listing. The
    adjustment factor is divided by each symbol's first, so that it does not depend on splits and
    dividends still to come, and carried over days without one; so are market values.

    Args:
        frame: the sifted daily table.
        grid: dates and symbols.

    Returns:
        Market arrays by field, and the flags ``traded``, ``listed`` and, if given, ``st``.
    """
    numeric = [c for c, d in frame.schema.items() if d == pl.Float64 and frame[c].count()]
    cells = grid.cells_of(frame)
    market = {column: grid.scatter(frame[column], cells) for column in numeric}
    has_row = np.zeros(grid.shape, dtype=bool)
    has_row.ravel()[cells] = True
    traded = ~np.isnan(market["close"]) & (market["volume"] > 0)
    if "suspended" in frame.columns:
        traded &= grid.scatter(frame["suspended"], cells) != 1
    listed = _listed(frame, grid, has_row)
    traded &= listed
    _derive_vwap_and_amount(market)
    market["adj_factor"] = _point_in_time_factor(market.get("adj_factor"), grid)
    for field in ("total_cap", "float_cap"):
        if field in market:
            market[field] = carry_forward(market[field])
    for field in set(PRICES) & set(market):
        market[field] = np.where(traded, market[field], np.nan)
    for field in {"volume", "amount"} & set(market):
        idle = np.where(listed, 0.0, np.nan)
        market[field] = np.where(traded, market[field], idle)
    flags = {"traded": traded, "listed": listed}
    if "st" in frame.columns:
        flags["st"] = carry_forward(grid.scatter(frame["st"], cells)) == 1
    return market, flags


def membership(
    frame: pl.DataFrame, grid: Grid
) -> tuple[NDArray[np.bool_], NDArray[np.float32] | None]:
    """Members of one index by date, from its latest list on or before the date.

    Args:
        frame: rows of one index: date, symbol and, if known, weight.
        grid: dates and symbols.

    Returns:
        ``(T, N)`` membership, and weights ``(T, N)`` float32 (0 outside) or None.
    """
    lists = np.unique(_days(frame))
    listing = Grid(lists, grid.symbols)
    known = frame.filter(pl.Series(grid.columns_of(frame) >= 0))
    weight = "weight" if "weight" in frame.columns and frame["weight"].count() else None
    cells = listing.cells_of(known)
    member = np.zeros(listing.shape, dtype=bool)
    member.ravel()[cells] = True
    latest = np.searchsorted(lists, grid.dates, side="right") - 1
    current = member[np.maximum(latest, 0)] & (latest >= 0)[:, None]
    if weight is None:
        return current, None
    weights = listing.scatter(known[weight], cells)[np.maximum(latest, 0)]
    return current, np.where(current, np.nan_to_num(weights), 0.0).astype(np.float32)


def codes(frame: pl.DataFrame, grid: Grid, column: str) -> tuple[NDArray[np.int16], Sequence[str]]:
    """A text column known from its row's date on, as codes ``(T, N)`` (-1 unknown) and names.

    Names are numbered in the order in which they first appear, so that a name still to come does
    not change the codes of today.
    """
    names = frame.sort("date", column)[column].unique(maintain_order=True).to_list()
    order = {name: float(k) for k, name in enumerate(names)}
    coded = frame.with_columns(pl.col(column).replace_strict(order, default=None))
    return np.nan_to_num(grid.as_of(coded, column), nan=-1).astype(np.int16), names


def _days(frame: pl.DataFrame) -> NDArray[np.datetime64]:
    return frame["date"].to_numpy().astype("datetime64[D]")


def _listed(frame: pl.DataFrame, grid: Grid, has_row: NDArray[np.bool_]) -> NDArray[np.bool_]:
    # From the listing date or the first row on. Without a delisting date a stock stays listed and
    # suspended after its last row: whether it comes back is not known on the day.
    listed: NDArray[np.bool_] = np.logical_or.accumulate(has_row, axis=0)
    day = np.arange(len(grid.dates))[:, None]
    for column in {"list_date", "delist_date"} & set(frame.columns):
        known = frame.drop_nulls(column)
        when = grid.as_of(known.with_columns(pl.col(column).cast(pl.Int64)), column)
        place = np.searchsorted(grid.dates.astype(np.int64), np.nan_to_num(when, nan=0))
        is_known = ~np.isnan(when)
        listed &= ~is_known | ((day >= place) if column == "list_date" else (day < place))
    return listed


def _derive_vwap_and_amount(market: dict[str, Matrix]) -> None:
    volume = market["volume"]
    if "amount" in market:
        with np.errstate(divide="ignore", invalid="ignore"):
            derived = np.where(volume > 0, market["amount"] / volume, np.nan)
        _check_units(derived, market["close"])
        given = market.get("vwap", np.full_like(derived, np.nan))
        market["vwap"] = np.where(np.isnan(given), derived, given)
        market["vwap"][~(market["vwap"] > 0)] = np.nan
    elif "vwap" in market:
        market["amount"] = market["vwap"] * volume
    if "vwap" in market:
        _blank_implausible_vwap(market)


def _blank_implausible_vwap(market: dict[str, Matrix]) -> None:
    vwap = market["vwap"]
    with np.errstate(invalid="ignore"):
        outside = vwap < market["low"] * (1 - _VWAP_SLACK)
        outside |= vwap > market["high"] * (1 + _VWAP_SLACK)
    known = int((~np.isnan(vwap)).sum())
    if outside.sum() > _VWAP_LIMIT * known:
        msg = (
            f"daily: vwap (or amount / volume) lies outside [low, high] on {int(outside.sum()):,}"
            f" of {known:,} rows: the prices look adjusted and the amounts raw; give raw prices"
            " with adj_factor, or leave amount and vwap out"
        )
        raise PanelError(msg)
    # A single one is a slip of the vendor: missing, as the panel's remarks count it.
    vwap[outside] = np.nan


def _check_units(vwap: Matrix, close: Matrix) -> None:
    known = vwap / close
    known = known[~np.isnan(known)]
    if len(known) == 0:
        return
    ratio = float(np.median(known))
    if not _UNIT_RATIO[0] < ratio < _UNIT_RATIO[1]:
        msg = (
            f"daily: amount / volume is {ratio:.4g} times the close (median of all rows): convert"
            " volume to shares (not lots) and amount to the currency of the prices"
        )
        raise PanelError(msg)


def _point_in_time_factor(factor: Matrix | None, grid: Grid) -> Matrix:
    if factor is None:
        return np.ones(grid.shape)
    carried = carry_forward(factor)
    first = np.argmax(~np.isnan(carried), axis=0)
    relative: Matrix = carried / carried[first, np.arange(grid.shape[1])]
    return np.nan_to_num(relative, nan=1.0)
