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
from alpha_lightning.characteristics.feed import minute_feed, trade_feed
from alpha_lightning.characteristics.feed_index import index_feed
from alpha_lightning.characteristics.feed_scan import columns_given
from alpha_lightning.characteristics.sifting import Mode, Sifting
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
    is not read again, and what was interrupted goes on where it stopped. Without trades l2chars is
    made of minute bars, as a proxy, unless the panel has l2chars of trades already.

    Args:
        panel: a panel's folder, as written by ingest.
        exchange: hours, auctions and lots, and how the vendor writes its tables.
        minute: minute bars: time, symbol, open, high, low, close, volume, amount.
        trades: trades: time, symbol, price, volume, side and, if known, buy_order and sell_order.
        bad_rows: refuse (list them and stop) or drop (and count them).
        store: folder of the day files; beside the panel, its name ending in .days, by default.

    Raises:
        CharacteristicsError: a table cannot be used; file, time and symbol are named.
        PanelError: table and panel have no date or no symbol in common.
        ArtefactError: no panel there, or something cannot be written.
    """
    if minute is None and trades is None:
        msg = "characterise reads --minute (bars), --trades, or both: give at least one of them"
        raise PanelError(msg)
    target = Panel.open(panel)
    root = _store_folder(target, store)
    sources = []
    for recipe in _recipes(target, exchange, minute, trades, root):
        known = _trading_days(target, recipe)
        wanted = [day for day in known if day >= target.dates[0].item()]
        days = DayStore(root / recipe.folder, recipe.columns)
        _check_symbols(target, recipe, wanted)
        build_days(recipe, days, known, wanted, bad_rows)
        lost = undated(recipe.index) if bad_rows == "drop" else Sifting()
        sources.append(Source(recipe, days, frozenset(wanted), lost, bad_rows))
    _write(target, sources)
    return target.path


def _store_folder(panel: Panel, store: str | None) -> Path:
    if store is not None:
        return Path(store)
    folder = panel.path.resolve()
    return folder.with_name(f"{folder.name}.days")


def _recipes(
    panel: Panel, exchange: Exchange, minute: str | None, trades: str | None, root: Path
) -> list[Recipe]:
    recipes = []
    if minute is not None:
        bars = of_minutes(index_feed(minute_feed(minute, exchange), root / "minute.parquet"))
        recipes.append(bars)
        own = panel.meta["datasets"].get("l2chars", {"proxy": True})
        if trades is None and own["proxy"] and "amount" in columns_given(bars.index.feed):
            recipes.append(of_minutes_for_trades(bars))
    if trades is not None:
        recipes.append(of_trades(index_feed(trade_feed(trades, exchange), root / "trades.parquet")))
    return recipes


def _trading_days(panel: Panel, recipe: Recipe) -> list[dt.date]:
    # Days before the panel begins serve the windows of its first days.
    dates = set(panel.dates.tolist())
    first = panel.dates[0].item()
    theirs = sorted(recipe.index.by_date)
    if not dates & set(theirs):
        span = f"{theirs[0]} to {theirs[-1]}" if theirs else "none that can be read"
        msg = (
            f"{recipe.index.feed.name}: none of its dates ({span}) is in the panel {panel.path}"
            f" ({panel.dates[0]} to {panel.dates[-1]}): give tables of the same time"
        )
        raise PanelError(msg)
    return [day for day in theirs if day in dates or day < first]


def _check_symbols(panel: Panel, recipe: Recipe, wanted: Sequence[dt.date]) -> None:
    # A look at three days saves hours on a table that names its stocks in another way.
    some = sorted({wanted[0], wanted[len(wanted) // 2], wanted[-1]})
    symbols: set[str] = set()
    for day in some:
        rows = recipe.index.read([day], lambda scan: scan.frame.select(pl.col("symbol").unique()))
        symbols |= {symbol.strip() for symbol in rows["symbol"].drop_nulls()}
    if not symbols & set(panel.symbols.tolist()):
        raise no_shared_symbol(panel, recipe, symbols)


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
