"""How the day files of each data set are made from rows."""

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.provenance import fingerprint_json
from alpha_lightning.characteristics.ahead import one_ahead
from alpha_lightning.characteristics.bar_length import bar_seconds
from alpha_lightning.characteristics.day_store import StockDay
from alpha_lightning.characteristics.feed_index import FeedIndex
from alpha_lightning.characteristics.intraday import Floats
from alpha_lightning.characteristics.l2chars import l2chars
from alpha_lightning.characteristics.minute_table import DayBars, minute_days
from alpha_lightning.characteristics.mschars import mschars
from alpha_lightning.characteristics.proxy import l2chars_proxy
from alpha_lightning.characteristics.schema import Columns, l2chars_columns, mschars_columns
from alpha_lightning.characteristics.trade_table import DayPrints, trade_days
from alpha_lightning.characteristics.trailing_amounts import TrailingAmounts

FORMAT_VERSION = 3
_PROXY_DAYS = 20


@dataclass(frozen=True)
class Recipe:
    """What one data set is made of, and how.

    Args:
        name: of the data set.
        columns: its features.
        index: the vendor's table and where its days are.
        make: makes some days of the table, ascending.
        bar_seconds: length of the bars of each date; empty for trades.
        before: number of days before a day that it is made of, too.
        proxy: stands in for a data set that is made of other data.
    """

    name: str
    columns: Columns
    index: FeedIndex
    make: Callable[[Sequence[dt.date]], Iterator[StockDay]]
    bar_seconds: Mapping[dt.date, int] = field(default_factory=dict)
    before: int = 0
    proxy: bool = False

    @property
    def folder(self) -> str:
        """Where its day files lie in a store."""
        return f"{self.name}_proxy" if self.proxy else self.name

    def key(self, date: dt.date, before: Sequence[dt.date]) -> str:
        """Fingerprint of everything that a day's numbers depend on.

        Args:
            date: of the day.
            before: the days before it that it is made of.
        """
        feed = self.index.feed
        hours = asdict(feed.exchange)
        habits = hours[feed.name]
        for other in ("name", "volume_tolerance", "minute", "trades"):
            del hours[other]
        days = [[self.index.prints_of(d), self.bar_seconds.get(d)] for d in (*before, date)]
        return fingerprint_json([FORMAT_VERSION, self.folder, self.columns, hours, habits, days])


def of_minutes(index: FeedIndex) -> Recipe:
    """The data set mschars.

    Raises:
        CharacteristicsError: bars that do not tile the periods.
    """
    periods = index.feed.exchange.periods
    lengths = bar_seconds(index)

    def features(day: DayBars) -> StockDay:
        return _stock_day(day, mschars(day.bars, periods))

    def make(days: Sequence[dt.date]) -> Iterator[StockDay]:
        return one_ahead(features, minute_days(index, days, lengths))

    return Recipe("mschars", mschars_columns(periods), index, make, lengths)


def of_trades(index: FeedIndex) -> Recipe:
    """The data set l2chars."""
    exchange = index.feed.exchange

    def features(day: DayPrints) -> StockDay:
        values = l2chars(day.prints, len(day.symbols), exchange.periods, exchange.period_seconds)
        return StockDay(day.date, day.symbols, values, day.facts.matrix(), day.sifting)

    def make(days: Sequence[dt.date]) -> Iterator[StockDay]:
        return one_ahead(features, trade_days(index, days))

    return Recipe("l2chars", l2chars_columns(exchange.periods), index, make)


def of_minutes_for_trades(minutes: Recipe) -> Recipe:
    """The data set l2chars without trades: each bar stands for one.

    Args:
        minutes: the recipe of mschars from the same table.
    """
    periods = minutes.index.feed.exchange.periods
    recent: deque[_Amounts] = deque(maxlen=_PROXY_DAYS - 1)

    def make(days: Sequence[dt.date]) -> Iterator[StockDay]:
        for day in minute_days(minutes.index, days, minutes.bar_seconds):
            yield _stock_day(day, _proxy(day, recent, periods))
            recent.append(_Amounts(day.symbols, _traded_amounts(day)))

    columns = l2chars_columns(periods)
    before = _PROXY_DAYS - 1
    return Recipe(
        "l2chars", columns, minutes.index, make, minutes.bar_seconds, before=before, proxy=True
    )


@dataclass(frozen=True)
class _Amounts:
    """Amounts ``(N, B)`` of a day's bars, NaN where one has no trade, by symbol."""

    symbols: NDArray[np.str_]
    amounts: Floats

    def of(self, symbols: NDArray[np.str_], shape: tuple[int, ...]) -> Floats:
        out = np.full(shape, np.nan)
        # Bars of another length are no measure of these.
        if self.amounts.shape[1] == shape[1] and len(self.symbols):
            place = np.minimum(np.searchsorted(self.symbols, symbols), len(self.symbols) - 1)
            known = self.symbols[place] == symbols
            out[known] = self.amounts[place[known]]
        return out


def _proxy(day: DayBars, recent: Sequence[_Amounts], periods: int) -> Floats:
    amounts = _traded_amounts(day)
    trailing = TrailingAmounts(_PROXY_DAYS)
    for other in recent:
        trailing.add(other.of(day.symbols, amounts.shape))
    values = l2chars_proxy(day.bars, trailing.add(amounts), periods)
    # Without the money of its bars nothing can be said of a stock.
    values[np.isnan(day.bars.amount.sum(axis=1))] = np.nan
    return values


def _traded_amounts(day: DayBars) -> Floats:
    return np.where(day.bars.volume > 0, day.bars.amount, np.nan)


def _stock_day(day: DayBars, values: Floats) -> StockDay:
    return StockDay(day.date, day.symbols, values, day.facts.matrix(), day.sifting)


def describe(recipe: Recipe, date: dt.date) -> dict[str, Any]:
    """Provenance of a day."""
    told: dict[str, Any] = {
        "data_set": recipe.name,
        "proxy": recipe.proxy,
        "exchange": recipe.index.feed.exchange.name,
        "format_version": FORMAT_VERSION,
        "files": recipe.index.source(date),
    }
    length = recipe.bar_seconds.get(date)
    return told | ({} if length is None else {"bar_minutes": length // 60})
