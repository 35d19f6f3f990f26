"""The command `characterise`: minute bars and trades into data sets of a panel."""

import contextlib
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.characteristics.build_days import build_days, undated
from alpha_lightning.characteristics.day_recipe import (
    Recipe,
    of_minutes,
    of_minutes_for_trades,
    of_trades,
)
from alpha_lightning.characteristics.day_store import DayStore
from alpha_lightning.characteristics.exchange import Exchange
from alpha_lightning.characteristics.feed import Feed, minute_feed, trade_feed
from alpha_lightning.characteristics.feed_index import FeedIndex, index_feed
from alpha_lightning.characteristics.feed_scan import columns_given
from alpha_lightning.characteristics.sifting import Mode, Sifting, refuse
from alpha_lightning.panel.assemble import Source, assemble, no_shared_symbol
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import DESCRIPTION, Panel


def characterise(
    panel: str,
    exchange: Exchange,
    minute: str | None = None,
    trades: str | None = None,
    *,
    bad_rows: Mode = "refuse",
    store: str | None = None,
) -> Path:
    """Add the data sets mschars (from minute bars) and l2chars (from trades) to a panel.

    Each day is made once and kept in a file of its own, raw; a day whose sources have not changed
    is not read again, and what was interrupted goes on where it stopped. The sources of a day are
    the files that hold it: of a table with one file a day only new days are made; where a file
    holds many days, or one symbol, any change to it makes all its days again. Without trades
    l2chars is made of minute bars, as a proxy, unless the panel has l2chars of trades already.

    Args:
        panel: a panel's folder, as written by ingest.
        exchange: hours, auctions and lots, and how the vendor writes its tables.
        minute: minute bars: time, symbol, open, high, low, close, volume, amount.
        trades: trades: time, symbol, price, volume, side and, if known, buy_order and sell_order.
        bad_rows: refuse (list them and stop) or drop (and count them).
        store: folder of the day files, outside the tables'; beside the panel, its name ending in
            .days, by default.

    Raises:
        CharacteristicsError: a table cannot be used; file, time and symbol are named.
        PanelError: table and panel have no date or no symbol in common, or lie in one another.
        ArtefactError: no panel there, or something cannot be written.
    """
    if minute is None and trades is None:
        msg = "characterise reads --minute (bars), --trades, or both: give at least one of them"
        raise PanelError(msg)
    target = Panel.open(panel)
    root = _store_folder(target, store)
    _check_apart(target, root, {"minute": minute, "trades": trades})
    sources = []
    for recipe in _recipes(target, exchange, minute, trades, root):
        known = _trading_days(target, recipe)
        wanted = [day for day in known if day >= target.dates[0].item()]
        days = DayStore(root / recipe.folder, recipe.columns)
        _check_symbols(target, recipe, wanted)
        build_days(recipe, days, known, wanted, bad_rows)
        lost = undated(recipe.index) if bad_rows == "drop" else Sifting()
        notes = _on_proxy(target, recipe, trades)
        sources.append(Source(recipe, days, frozenset(wanted), lost, bad_rows, notes))
    _write(target, sources)
    return target.path


def _store_folder(panel: Panel, store: str | None) -> Path:
    if store is not None:
        return Path(store)
    folder = panel.path.resolve()
    return folder.with_name(f"{folder.name}.days")


def _check_apart(panel: Panel, root: Path, tables: Mapping[str, str | None]) -> None:
    # What we write would be read as the vendor's the next time.
    ours = {"the panel": panel.path.resolve(), "the store": root.resolve()}
    for name, path in tables.items():
        table = Path(path).resolve() if path else None
        for what, folder in ours.items():
            if table and table.is_dir() and folder.is_relative_to(table):
                remedy = "give --store a" if what == "the store" else "ingest the panel into a"
                msg = f"{what} {folder} lies inside the {name} table {table}: {remedy} folder"
                raise PanelError(f"{msg} outside it")


def _recipes(
    panel: Panel, exchange: Exchange, minute: str | None, trades: str | None, root: Path
) -> list[Recipe]:
    recipes = []
    if minute is not None:
        bars = of_minutes(_index(minute_feed(minute, exchange), root / "minute.parquet"))
        recipes.append(bars)
        if _wants_proxy(panel, trades) and "amount" in columns_given(bars.index.feed):
            recipes.append(of_minutes_for_trades(bars))
    if trades is not None:
        recipes.append(of_trades(_index(trade_feed(trades, exchange), root / "trades.parquet")))
    return recipes


def _index(feed: Feed, keep: Path) -> FeedIndex:
    index = index_feed(feed, keep)
    if not index.by_date:
        raise refuse(undated(index), index.feed, all_rows=True)
    return index


def _wants_proxy(panel: Panel, trades: str | None) -> bool:
    own = panel.meta["datasets"].get("l2chars", {"proxy": True})
    return trades is None and bool(own["proxy"])


def _on_proxy(panel: Panel, recipe: Recipe, trades: str | None) -> tuple[str, ...]:
    feed = recipe.index.feed
    without = feed.name == "minute" and "amount" not in columns_given(feed)
    if not (without and _wants_proxy(panel, trades)):
        return ()
    return (f"No proxy l2chars: minute has no column {feed.theirs('amount')!r}.",)


def _trading_days(panel: Panel, recipe: Recipe) -> list[dt.date]:
    # Days before the panel begins serve the windows of its first days.
    dates = set(panel.dates.tolist())
    first = panel.dates[0].item()
    theirs = sorted(recipe.index.by_date)
    if not dates & set(theirs):
        if recipe.index.untimed():
            raise refuse(undated(recipe.index), recipe.index.feed, all_rows=True)
        msg = (
            f"{recipe.index.feed.name}: none of its dates ({theirs[0]} to {theirs[-1]}) is in the"
            f" panel {panel.path} ({panel.dates[0]} to {panel.dates[-1]}): give tables of the same"
            " time"
        )
        raise PanelError(msg)
    return [day for day in theirs if day in dates or day < first]


def _check_symbols(panel: Panel, recipe: Recipe, wanted: Sequence[dt.date]) -> None:
    # A look ahead saves hours on a table that names its stocks in another way; where one day
    # shares no symbol with the panel, another one may.
    ours, theirs = set(panel.symbols.tolist()), set[str]()
    for days in (wanted[:1], wanted[len(wanted) // 2 :][:1], wanted[-1:], wanted):
        rows = recipe.index.read(days, lambda scan: scan.frame.select(pl.col("symbol").unique()))
        theirs |= {symbol.strip() for symbol in rows["symbol"].drop_nulls()}
        if theirs & ours:
            return
    raise no_shared_symbol(panel, recipe, theirs)


def _write(panel: Panel, sources: Sequence[Source]) -> None:
    folder = panel.path / "datasets"
    told: dict[str, Any] = {}
    with contextlib.ExitStack() as drafts:
        for source in sources:
            name = source.recipe.name
            array = drafts.enter_context(atomic_file(folder / f"{name}.npy"))
            checks = drafts.enter_context(atomic_file(folder / f"{name}.checks.csv"))
            told[name] = assemble(panel, source, array, checks)
        old = panel.meta["datasets"]
        kept = {
            name: about
            for name, about in old.items()
            if name not in told or about["fingerprint"] == told[name]["fingerprint"]
        }
        # While arrays change places, the panel does not speak of them.
        if kept != old:
            _describe(panel, kept)
    _describe(panel, old | told)
    for name in set(old) - set(kept):
        for sidecar in folder.glob(f"{name}.scale-*.npy"):
            sidecar.unlink()


def _describe(panel: Panel, datasets: Mapping[str, Any]) -> None:
    text = json.dumps(panel.meta | {"datasets": datasets}, indent=1)
    with atomic_file(panel.path / DESCRIPTION) as draft:
        draft.write_text(text, encoding="utf-8")
