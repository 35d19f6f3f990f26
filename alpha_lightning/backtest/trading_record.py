"""What a ledger says of trading: what was blocked and why, held without a price, or short."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from alpha_lightning.backtest.ledger import Ledger, Reason, Trades
from alpha_lightning.backtest.market import Market

STALE_AFTER = 20
"""Trading days without a price after which a held stock is told by name."""


@dataclass(frozen=True)
class Stale:
    """A holding that had no price for long.

    Args:
        symbol: of the stock.
        since: first date without a price while held.
        until: last one.
        days: trading days from the one to the other.
    """

    symbol: str
    since: str
    until: str
    days: int


@dataclass(frozen=True)
class TradingRecord:
    """Counts over a whole ledger.

    Args:
        buys: purchases tried.
        sells: sales tried, delistings left out.
        blocked_buys: those of which nothing was bought, by reason.
        blocked_sells: those of which nothing was sold, by reason.
        partial_buys: those done in part, by reason.
        partial_sells: likewise.
        filled_share: value traded over value wanted; NaN where nothing with a price was wanted.
        delisted: holdings that ended with the stock's listing.
        short: purchases without a substitute, summed over the days.
        short_days: days with one.
        held: signals without a trade, as (date, reason).
        stale: holdings without a price for more than `STALE_AFTER` days, longest first.
        longest_suspension: most consecutive days on which a stock was held without a price.
    """

    buys: int
    sells: int
    blocked_buys: dict[str, int]
    blocked_sells: dict[str, int]
    partial_buys: dict[str, int]
    partial_sells: dict[str, int]
    filled_share: float
    delisted: int
    short: int
    short_days: int
    held: tuple[tuple[str, str], ...]
    stale: tuple[Stale, ...]
    longest_suspension: int


def trading_record(ledger: Ledger, market: Market) -> TradingRecord:
    """Count a ledger's trades.

    Args:
        ledger: of one portfolio.
        market: on which it was run.
    """
    trades = ledger.trades
    gone = trades.reason == Reason.DELISTED
    buys, sells = is_buy(trades) & ~gone, ~is_buy(trades) & ~gone
    blocked = trades.shares == 0
    partial = ~blocked & (trades.reason != Reason.DONE)
    spells = _suspensions(ledger, market)
    return TradingRecord(
        buys=int(buys.sum()),
        sells=int(sells.sum()),
        blocked_buys=_by_reason(trades, buys & blocked),
        blocked_sells=_by_reason(trades, sells & blocked),
        partial_buys=_by_reason(trades, buys & partial),
        partial_sells=_by_reason(trades, sells & partial),
        filled_share=_filled_share(trades, ~gone),
        delisted=int(gone.sum()),
        short=int(ledger.short.sum()),
        short_days=int((ledger.short > 0).sum()),
        held=tuple((str(market.dates[row]), reason) for row, reason in ledger.held),
        stale=tuple(spell for spell in spells if spell.days > STALE_AFTER),
        longest_suspension=max((spell.days for spell in spells), default=0),
    )


def is_buy(trades: Trades) -> Any:
    """Which trades are purchases, ``(n,)``; one of unknown size is: a sale's is always known."""
    return ~(trades.wanted < 0)


def _by_reason(trades: Trades, which: Any) -> dict[str, int]:
    counts = Counter(trades.reason[which].tolist())
    return {Reason(reason).words: count for reason, count in sorted(counts.items())}


def _filled_share(trades: Trades, which: Any) -> float:
    priced = which & ~np.isnan(trades.price) & ~np.isnan(trades.wanted)
    wanted = float(np.abs(trades.wanted[priced] * trades.price[priced]).sum())
    done = float(np.abs(trades.shares[priced] * trades.price[priced]).sum())
    return done / wanted if wanted > 0 else float("nan")


def _suspensions(ledger: Ledger, market: Market) -> list[Stale]:
    holdings = ledger.holdings
    idle = np.flatnonzero(~market.traded[holdings.row, holdings.column])
    order = idle[np.lexsort((holdings.row[idle], holdings.column[idle]))]
    row, column = holdings.row[order], holdings.column[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(column) != 0) | (np.diff(row) != 1)][: len(row)])
    ends = np.r_[starts[1:], len(row)][: len(starts)] - 1
    spells = [
        Stale(
            str(market.symbols[column[a]]),
            str(market.dates[row[a]]),
            str(market.dates[row[b]]),
            int(row[b] - row[a] + 1),
        )
        for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    return sorted(spells, key=lambda spell: (-spell.days, spell.since, spell.symbol))
