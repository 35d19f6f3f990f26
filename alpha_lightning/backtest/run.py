"""Portfolios side by side through the days of one market, in one pass over its data."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from alpha_lightning.backtest.book import Book, Outcome, Setting
from alpha_lightning.backtest.ledger import Index
from alpha_lightning.backtest.market import Market

_BLOCK = 32
"""Days that a portfolio goes on before the next one's turn: what it works on stays in the cache."""
__all__ = ["Outcome", "Setting", "run_backtests"]


def run_backtests(
    market: Market,
    signals: Index,
    universe: NDArray[np.bool_],
    settings: Sequence[Setting],
    last: int,
) -> list[Outcome]:
    """Run every setting; a month of the market is read once for all of them.

    A policy is asked at the close of each signal date and its answer traded ``delay`` days later; a
    signal before that trade is passed over, for nobody knows yet what will be held.
    Nothing that is recorded of a day depends on a later one.

    Args:
        market: the market.
        signals: ``(S,)`` panel rows of the signal dates, ascending.
        universe: ``(S, N)`` members on the signal dates.
        settings: portfolios.
        last: last panel row of the run.

    Returns:
        In the order of the settings.

    Raises:
        UserError: an adjustment factor of a held stock jumps without a corporate action.
    """
    books = [Book(market, setting) for setting in settings]
    place = {int(row): k for k, row in enumerate(signals)}
    unknown = np.full(len(market.symbols), np.nan)
    first = int(signals[0]) if len(signals) else last + 1
    with tqdm(
        total=last + 1 - first, desc="backtest", unit="day", disable=None, leave=False
    ) as bar:
        for begin in range(first, last + 1, _BLOCK):
            rows = range(begin, min(begin + _BLOCK, last + 1))
            for book in books:
                scores = book.setting.scores
                for row in rows:
                    book.step(row)
                    if (k := place.get(row)) is not None:
                        book.decide(row, unknown if scores is None else scores[k], universe[k])
            bar.update(len(rows))
    # What a book has noted is let go as its ledger is made.
    return [books.pop(0).close() for _ in settings]
