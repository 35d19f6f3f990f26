"""What intraday data lack and what that means for a data set, in plain sentences."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.characteristics.day_recipe import Recipe
from alpha_lightning.characteristics.exchange import Exchange
from alpha_lightning.characteristics.feed_scan import columns_given
from alpha_lightning.characteristics.schema import REALISED
from alpha_lightning.characteristics.sifting import (
    Sifting,
    mostly_outside,
    outside_hint,
    summary,
)
from alpha_lightning.panel.day_checks import (
    CLOSE,
    MONEY,
    PRICE_TOLERANCE,
    RANGE,
    VOLUME,
    DayChecks,
)

_SHOWN = 5
_FEWEST_BARS = 3
_FEW = 0.1  # of all trades may lack a side before it is worth a sentence


def sentences(
    recipe: Recipe, checks: DayChecks, found: Sifting, seen: NDArray[np.bool_], dates: int
) -> list[str]:
    """Everything that is missing or odd, most far-reaching first.

    Args:
        recipe: how the data set was made.
        checks: of all dates.
        found: bad rows and rows left out, of all dates.
        seen: ``(F,)``, whether a feature has a value anywhere.
        dates: number of dates of the panel.
    """
    table = recipe.index.feed.name
    rows = "bars" if table == "minute" else "trades"
    told = [*on_features(recipe, seen), *_on_sides(recipe, checks)]
    empty = recipe.index.empty
    if empty:
        told.append(f"{len(empty)} files of {table} have no row: {_some(empty)}.")
    absent = checks.absent_dates
    if absent:
        told.append(f"{table} has no {rows} on {len(absent)} of {dates} dates: first {absent[0]}.")
    unknown = checks.unknown_dates
    if unknown:
        told.append(
            f"{table} has {len(unknown)} dates that the panel lacks, passed over: first"
            f" {unknown[0]}."
        )
    unheard = checks.unheard()
    if unheard:
        told.append(f"No {rows} for {len(unheard)} symbols of the panel: {_some(unheard)}.")
    if checks.strangers:
        names = sorted(checks.strangers)
        told.append(f"{len(names)} symbols of {table} are not in the panel: {_some(names)}.")
    if found.bad:
        told.append(f"{table} had {summary(found)}: left out.")
    if found.left_out:
        counts = "; ".join(f"{why}: {count:,}" for why, count in found.left_out.items())
        told.append(f"{table} had rows that were left out ({counts}).")
    if mostly_outside(found):
        told.append(f"{outside_hint(recipe.index.feed)}.")
    return [*told, *_on_volumes(recipe, checks), *_on_prices(checks)]


def on_features(recipe: Recipe, seen: NDArray[np.bool_]) -> list[str]:
    """Features without a single value, grouped by reason."""
    reasons: dict[str, list[str]] = {}
    for (name, _), there in zip(recipe.columns, seen, strict=True):
        if not there:
            reasons.setdefault(_reason(recipe, name), []).append(name)
    return [
        f"{recipe.name}: {_span(names)} {'is' if len(names) == 1 else 'are'} missing: {reason}."
        for reason, names in reasons.items()
    ]


def symbol_hint(theirs: Iterable[str], ours: Iterable[str]) -> str:
    """A pair of symbols that may mean the same stock, in words; empty without one."""
    folded = {_folded(symbol): symbol for symbol in ours}
    for symbol in theirs:
        near = folded.get(_folded(symbol))
        if near is not None and near != symbol:
            return f" ({symbol!r} here and {near!r} there may be the same)"
    return ""


def _reason(recipe: Recipe, name: str) -> str:
    feed = recipe.index.feed
    stem = name.rpartition("_")[0]
    minutes = max(recipe.bar_seconds.values(), default=0) // 60
    if stem in dict(REALISED) and feed.exchange.period_minutes < _FEWEST_BARS * minutes:
        return f"bars of {minutes} minutes leave fewer than three in {_period(feed.exchange)}"
    if minutes and "amount" in name and "amount" not in columns_given(feed):
        return f"{feed.name} has no column {feed.theirs('amount')!r}"
    if minutes and name in ("auction_volume", "auction_amount"):
        return "the opening auction is not told apart from the first bar"
    if minutes and name == "closing_auction_amount":
        return "no bar begins as the closing auction does"
    return f"{feed.name} gives no value of it on any date"


def _period(exchange: Exchange) -> str:
    minutes = exchange.period_minutes
    return "a half-hour" if minutes == 30 else f"a period of {minutes} minutes"


def _on_sides(recipe: Recipe, checks: DayChecks) -> list[str]:
    feed = recipe.index.feed
    if "side" not in feed.optional:
        return []
    trades, lost, by_order = (checks.totals[n] for n in ("continuous", "unsided", "by_order"))
    missing = "trades name no side"
    if "side" in columns_given(feed):
        if lost <= trades * _FEW:
            return []
        empty = f"missing on {lost:,} of {trades:,} trades"
        empty = "empty throughout" if lost == trades else empty
        missing = f"trades have a column {feed.theirs('side')!r} that is {empty}"
    else:
        lost = trades
    told = "the later of its two orders tells the aggressor"
    rest = {
        "half": "half of each trade counts as bought and half as sold",
        "tick": "tick rule (each takes the sign of the last price change)",
    }[feed.exchange.trades.missing_side]
    if not by_order:
        return [f"{missing}: {rest}."]
    if by_order == lost:
        return [f"{missing}: {told} of each."]
    return [f"{missing}: {told} of {by_order:,} of these {lost:,}; for the others: {rest}."]


def _on_volumes(recipe: Recipe, checks: DayChecks) -> list[str]:
    if not checks.counts[VOLUME]:
        return []
    days = f"{checks.counts[VOLUME]:,} of {checks.compared:,} stock-days"
    limit = f"{100 * checks.tolerance:g}%"
    told = [f"Day volumes differ from the daily bars' by more than {limit} on {days}."]
    if checks.many_times > checks.compared / 2:
        feed = recipe.index.feed
        told.append(
            f"On most the one is about {checks.lot} times the other: is the {feed.name} table's"
            f" volume_unit {feed.volume_unit}, as the exchange's file says?"
        )
    return told


def _on_prices(checks: DayChecks) -> list[str]:
    limit = f"{100 * PRICE_TOLERANCE:g}%"
    meanings = {
        CLOSE: f"the close differs from the daily bar's by more than {limit}",
        RANGE: "the high or the low lies outside the daily bar's",
        MONEY: "amount / volume lies outside the day's low to high",
    }
    found = {what: checks.counts[what] for what in meanings if checks.counts[what]}
    if not found:
        return []
    parts = ", ".join(f"{meanings[what]} on {count:,}" for what, count in found.items())
    told = f"Prices or money do not fit: {parts} of {checks.compared:,} stock-days."
    if max(found.values()) > checks.compared / 2:
        told += " Are all prices raw (not adjusted), and prices and amounts in one unit of money?"
    return [told]


def _folded(symbol: str) -> str:
    # 600000.SH, SH600000 and sh.600000 share their longest run of digits or of letters.
    runs = re.findall(r"[A-Z]+|[0-9]+", symbol.upper())
    return max(runs, key=len, default="")


def _span(names: Sequence[str]) -> str:
    if len(names) <= _SHOWN:
        return ", ".join(names)
    return f"{names[0]} ... {names[-1]} ({len(names)} features)"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + ", ..." * (len(names) > _SHOWN)
