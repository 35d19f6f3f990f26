"""Day files into a data set of the panel: one pass over the dates, a row in memory at a time."""

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from alpha_lightning.characteristics.day_recipe import Recipe
from alpha_lightning.characteristics.day_store import DayStore, StockDay
from alpha_lightning.characteristics.schema import idle_value
from alpha_lightning.characteristics.sifting import Mode, Sifting, advice, summary
from alpha_lightning.panel.day_checks import DailyRow, DayChecks
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.lacking import sentences, symbol_hint
from alpha_lightning.panel.store import Panel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Source:
    """Where the rows of a data set come from.

    Args:
        recipe: how its days were made.
        store: where they lie.
        dates: those that were made.
        undated: rows that belong to no day.
        mode: what was done to bad rows.
        notes: sentences to be said of the data set before all others.
    """

    recipe: Recipe
    store: DayStore
    dates: Collection[dt.date]
    undated: Sifting
    mode: Mode
    notes: tuple[str, ...] = ()


class AdjustedRows:
    """Raw characteristics of one date after another as rows of the panel.

    Prices are multiplied by the adjustment factor of the day, share counts divided by it. On a day
    that the panel says a stock was suspended, its prices are its last close, shares and amounts 0
    and statistics neutral. NaN where the stock was not listed, had not traded yet, or traded
    without a row.

    Args:
        panel: the panel.
        recipe: names and kinds of the features.
    """

    def __init__(self, panel: Panel, recipe: Recipe) -> None:
        names = [name for name, _ in recipe.columns]
        kinds = [kind for _, kind in recipe.columns]
        self.panel = panel
        self.factor = panel.market("adj_factor")
        self.prices = np.array([kind == "price" for kind in kinds])
        self.shares = np.array([kind == "shares" for kind in kinds])
        idle = [idle_value(name, kind) for name, kind in recipe.columns]
        self.idle = np.array([np.nan if value is None else value for value in idle])
        # Level-2 features have no close of their own.
        self.close = names.index("close") if "close" in names else None
        self.last_close = np.full(len(panel.symbols), np.nan)
        self.has_traded = np.zeros(len(panel.symbols), dtype=bool)

    def row(self, t: int, day: StockDay | None, place: NDArray[np.intp]) -> Floats:
        """The next date's row.

        Args:
            t: of the date; dates come in order, none is left out.
            day: characteristics of the date, or None.
            place: column of each of the day's symbols, -1 where the panel has none.

        Returns:
            ``(N, F)``.
        """
        traded, listed = self.panel.traded[t], self.panel.listed[t]
        factor = np.asarray(self.factor[t])
        out = np.full((len(traded), len(self.idle)), np.nan)
        if day is not None:
            here = (place >= 0) & traded[place]
            out[place[here]] = day.values[here]
        out[:, self.prices] *= factor[:, None]
        out[:, self.shares] /= factor[:, None]
        suspended = listed & ~traded & self.has_traded
        out[suspended] = np.where(self.prices, self.last_close[suspended, None], self.idle)
        self._remember(t, out, traded, factor)
        return out

    def _remember(self, t: int, row: Floats, traded: NDArray[np.bool_], factor: Floats) -> None:
        self.has_traded |= traded
        own = self.panel.market("close")[t] * factor
        if self.close is not None:
            # A day that the table lacks has a close all the same.
            own = np.where(np.isnan(row[:, self.close]), own, row[:, self.close])
        known = traded & ~np.isnan(own)
        self.last_close[known] = own[known]


def assemble(panel: Panel, source: Source, array: Path, checks: Path) -> dict[str, Any]:
    """Write the array and the list of checks of a data set.

    Args:
        panel: the panel.
        source: its day files.
        array: the ``.npy`` file to write, ``(T, N, F)`` float32.
        checks: the CSV file to write: date, symbol, what, value.

    Returns:
        What ``panel.json`` says of the data set.

    Raises:
        PanelError: no row of a symbol of the panel is left.
        ArtefactError: a day file is damaged.
    """
    recipe = source.recipe
    shape = (len(panel.dates), len(panel.symbols), len(recipe.columns))
    rows, digest = AdjustedRows(panel, recipe), hashlib.sha256()
    seen, found = np.zeros(shape[2], dtype=bool), source.undated
    with array.open("wb") as out, checks.open("w", encoding="utf-8") as lines:
        exchange = recipe.index.feed.exchange
        checked = DayChecks(lines, panel.symbols, exchange.volume_tolerance, exchange.lot)
        _write_header(out, shape)
        for t, date in enumerate(tqdm(panel.dates, recipe.name, unit="date", disable=None)):
            day = source.store.read(date.item()) if date.item() in source.dates else None
            place = _place(panel.symbols, day)
            row = rows.row(t, day, place).astype("<f4")
            out.write(row.data)
            digest.update(row.data)
            daily = _daily(panel, t)
            checked.add(daily, day, place)
            if day is not None:
                seen |= ~np.isnan(row[daily.traded]).all(axis=0)
                found = found.add([day.sifting])
    if not checked.heard:
        raise _nothing_left(panel, recipe, checked, found)
    checked.unknown_dates = _unknown_dates(panel, recipe)
    told = sentences(recipe, checked, found, seen, shape[0])
    counts = {what: checked.counts[what] for what in sorted(checked.counts)}
    return _description(source, found) | {
        "fingerprint": digest.hexdigest()[:16],
        "lacking": [*source.notes, *told],
        "checks": counts,
    }


def _nothing_left(panel: Panel, recipe: Recipe, checks: DayChecks, found: Sifting) -> PanelError:
    if not found.bad and not found.left_out:
        return no_shared_symbol(panel, recipe, checks.strangers)
    feed = recipe.index.feed
    reasons = [summary(found)] if found.bad else []
    reasons += [f"{count:,} left out: {why}" for why, count in found.left_out.items()]
    told = [
        f"{feed.name}: of {found.rows:,} rows none of a symbol of the panel is left:"
        f" {'; '.join(reasons)}.",
        *advice(found, feed),
        "Mend the table or the exchange's file.",
    ]
    return PanelError(" ".join(told))


def _unknown_dates(panel: Panel, recipe: Recipe) -> list[dt.date]:
    # Those before the panel's first date serve the windows of its first days.
    known, first = set(panel.dates.tolist()), panel.dates[0].item()
    return [date for date in recipe.index.by_date if date > first and date not in known]


def no_shared_symbol(panel: Panel, recipe: Recipe, theirs: Iterable[str]) -> PanelError:
    """The error that a table and a panel name different stocks."""
    names, ours = sorted(theirs), panel.symbols.tolist()
    first = f" (the first is {names[0]!r})" if names else ""
    return PanelError(
        f"{recipe.index.feed.name}: none of its symbols{first} is in the panel {panel.path} (the"
        f" first is {ours[0]!r}){symbol_hint(names, ours)}: write them alike in both"
    )


def _daily(panel: Panel, t: int) -> DailyRow:
    fields = {
        name: np.asarray(panel.market(name)[t]) for name in ("volume", "close", "high", "low")
    }
    return DailyRow(panel.dates[t], panel.traded[t], **fields)


def _write_header(out: BinaryIO, shape: tuple[int, int, int]) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, header)


def _place(symbols: NDArray[np.str_], day: StockDay | None) -> NDArray[np.intp]:
    if day is None:
        return np.empty(0, dtype=np.intp)
    place = np.minimum(np.searchsorted(symbols, day.symbols), len(symbols) - 1)
    return np.where(symbols[place] == day.symbols, place, -1)


def _description(source: Source, found: Sifting) -> dict[str, Any]:
    recipe = source.recipe
    told: dict[str, Any] = {
        "features": [{"name": name, "kind": kind} for name, kind in recipe.columns],
        "proxy": recipe.proxy,
        "exchange": recipe.index.feed.exchange.name,
        "sources": [{"table": recipe.index.feed.name, "files": recipe.index.source()}],
        "rows": found.rows,
        "left_out": found.left_out,
        "bad_rows": {"mode": source.mode, "counts": found.bad, "first": list(found.first)},
    }
    minutes = sorted({seconds // 60 for seconds in recipe.bar_seconds.values()})
    return told | ({"bar_minutes": minutes} if minutes else {})
