"""What a reader must be told before a portfolio's numbers."""

import re
from collections import Counter, defaultdict

import numpy as np

from alpha_lightning.backtest.ledger import Ledger
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.price_limits import LimitColumns
from alpha_lightning.backtest.settings import ExecutionSettings
from alpha_lightning.backtest.trading_record import STALE_AFTER, TradingRecord

BLOCKED_LIMIT = 0.05
"""Share of the purchases above which it is told that they were blocked."""
PARTIAL_LIMIT = 0.05
"""Share of the trades above which it is told that they were done in part."""
GAPS_LIMIT = 0.05
"""Share of the trades above which it is told that they lacked a price, or a limit to heed."""
_NAMED = 5


def remarks(
    record: TradingRecord, ledger: Ledger, market: Market, execution: ExecutionSettings
) -> tuple[str, ...]:
    """Sentences on prices, limits, signals held, blocked trades, short falls and stale holdings.

    Args:
        record: of the ledger.
        ledger: of the portfolio.
        market: on which it was run.
        execution: how it was traded.
    """
    return (
        *market.warnings,
        *_prices(ledger, market, execution),
        *_limits(execution),
        *_without_limit(ledger, market, execution),
        *_held(record),
        *_blocked(record),
        *_partial(record),
        *_short(record),
        *_stale(record),
        *_delisted(record, execution),
    )


def _prices(ledger: Ledger, market: Market, execution: ExecutionSettings) -> list[str]:
    which = execution.price
    if which == "close" or which in market.at_close or which not in market.prices:
        return []
    done = ledger.trades.shares != 0
    price = market.prices[which][ledger.trades.row[done], ledger.trades.column[done]]
    # What is delisted is paid out without a price.
    lacking = np.isnan(price) & (ledger.trades.signal[done] >= 0)
    if lacking.sum() <= GAPS_LIMIT * len(price):
        return []
    name = which if which == "open" else which.upper()
    return [
        f"{int(lacking.sum()):,} of {len(price):,} trades were done at the close: on their"
        f" days the stock has no {name}."
    ]


def _without_limit(ledger: Ledger, market: Market, execution: ExecutionSettings) -> list[str]:
    if not isinstance(market.limits, LimitColumns) or execution.limit == "off":
        return []
    trades = ledger.trades
    tried = trades.signal >= 0
    row, column = trades.row[tried], trades.column[tried]
    limit = np.where(
        trades.wanted[tried] > 0,
        market.limits.highest[row, column],
        market.limits.lowest[row, column],
    )
    lacking = np.isnan(limit) & market.traded[row, column]
    if lacking.sum() <= GAPS_LIMIT * len(row):
        return []
    return [
        f"{int(lacking.sum()):,} of {len(row):,} trades were tried without a price limit:"
        " the panel's columns have none for the stock and day."
    ]


def _limits(execution: ExecutionSettings) -> list[str]:
    return ["Price limits are not honoured."] if execution.limit == "off" else []


def _held(record: TradingRecord) -> list[str]:
    # Reasons that differ in their numbers only are one.
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for date, reason in record.held:
        found[re.sub(r"\d[\d,.]*", "#", reason)].append((date, reason))
    return [
        f"{_count(len(held), 'signal')} led to no trade, the holdings were kept: {held[0][1]}"
        f" ({'first ' if len(held) > 1 else ''}{held[0][0]})."
        for held in found.values()
    ]


def _blocked(record: TradingRecord) -> list[str]:
    blocked = sum(record.blocked_buys.values())
    if blocked <= BLOCKED_LIMIT * record.buys:
        return []
    why = ", ".join(f"{reason} {count}" for reason, count in record.blocked_buys.items())
    return [f"{blocked:,} of {record.buys:,} purchases were blocked: {why}."]


def _partial(record: TradingRecord) -> list[str]:
    parts = Counter(record.partial_buys) + Counter(record.partial_sells)
    if parts.total() <= PARTIAL_LIMIT * (record.buys + record.sells):
        return []
    why = ", ".join(f"{reason} {count:,}" for reason, count in parts.most_common())
    tried = record.buys + record.sells
    return [f"{parts.total():,} of {tried:,} trades were done only in part: {why}."]


def _short(record: TradingRecord) -> list[str]:
    if not record.short:
        return []
    return [
        f"On {_count(record.short_days, 'trade day')} {_count(record.short, 'stock')} in all found"
        " no substitute: the portfolio held fewer names and more cash than wanted."
    ]


def _stale(record: TradingRecord) -> list[str]:
    if not record.stale:
        return []
    named = [f"{stale.symbol} since {stale.since}" for stale in record.stale[:_NAMED]]
    more = len(record.stale) - len(named)
    further = f" and {more} more" if more else ""
    return [
        f"Held without a price for more than {STALE_AFTER} days, at the last one:"
        f" {', '.join(named)}{further}; the longest for {record.longest_suspension} days."
    ]


def _delisted(record: TradingRecord, execution: ExecutionSettings) -> list[str]:
    if not record.delisted:
        return []
    verb = "was" if record.delisted == 1 else "were"
    return [
        f"{_count(record.delisted, 'holding')} {verb} delisted and paid out at"
        f" {execution.delist_value:.4g} times the last price."
    ]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
