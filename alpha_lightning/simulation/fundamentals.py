"""Quarterly reports, told from the day they are published; no price enters them."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from alpha_lightning.simulation.arrays import Dates, Flags, Floats
from alpha_lightning.simulation.stocks import Stocks
from alpha_lightning.simulation.streams import Purpose, stream

FIELDS = (
    "book_equity",
    "net_assets",
    "net_profit_ttm",
    "sales_ttm",
    "state_share",
    "fund_share",
    "coverage",
)
"""CNY, but for the shares, 0 to 1, and coverage, the number of analysts."""
_HISTORY = 14
_LAGS = {3: (22, 29), 6: (40, 61), 9: (18, 31), 12: (40, 105)}
_PAID_OUT = 0.3
_Report = Mapping[str, Floats]


@dataclass(frozen=True)
class Publication:
    """What became known on one date.

    Args:
        date: of the publication.
        stocks: ``(N,)`` who reported.
        report: ``(N,)`` by field, of the quarter that each stock reported on.
    """

    date: np.datetime64
    stocks: Flags
    report: _Report


class Companies:
    """The companies behind the stocks, quarter after quarter.

    Book equity starts loosely related to the first capitalisation and grows by the profit that is
    not paid out; the return on it is AR(1) around the company's own level.

    Args:
        stocks: what they are worth at first.
        seed: of the market.
    """

    def __init__(self, stocks: Stocks, seed: int) -> None:
        self._seed, self._quarter = seed, 0
        count = len(stocks.symbols)
        generator = stream(seed, Purpose.FUNDAMENTALS)
        book, roe, turnover, minority, fund = generator.standard_normal((5, count))
        state, owner = generator.random((2, count))
        # Four years of growth lie between the first quarter and the first day.
        self._book = stocks.shares * stocks.price * np.exp(-1.0 + 0.5 * book)
        self._usual_roe = 0.09 + 0.05 * roe
        self._roe = self._usual_roe
        self._turnover = np.exp(0.5 * turnover)
        self._minority = 0.05 * np.exp(0.5 * minority)
        self._state = np.where(owner < 0.35, 0.25 + 0.35 * state, 0.03 * state)
        self._attention = 0.5 * fund + 0.8 * stocks.styles[0]
        self._profits: deque[Floats] = deque(maxlen=4)
        self._sales: deque[Floats] = deque(maxlen=4)

    def step(self) -> tuple[_Report, Floats]:
        """The next quarter: its report, and where in the season it comes out, 0 to 1, ``(N,)``."""
        self._quarter += 1
        generator = stream(self._seed, Purpose.FUNDAMENTALS, self._quarter)
        count = len(self._book)
        roe, sales, attention = generator.standard_normal((3, count))
        lag, sold = generator.random((2, count))
        self._roe = self._usual_roe + 0.9 * (self._roe - self._usual_roe) + 0.012 * roe
        profit = self._book * self._roe / 4
        self._profits.append(profit)
        self._sales.append(self._book * self._turnover * np.exp(0.06 * sales) / 4)
        self._book = self._book + np.where(profit > 0, (1 - _PAID_OUT) * profit, profit)
        self._state = self._state * np.where(sold < 0.02, 0.95, 1.0)
        self._attention = self._attention + 0.1 * attention
        report = (
            self._book,
            self._book * (1 + self._minority),
            np.sum(self._profits, axis=0),
            np.sum(self._sales, axis=0),
            self._state,
            0.4 / (1 + np.exp(3.0 - self._attention)),
            np.floor(6 * np.exp(0.6 * self._attention)),
        )
        rounded = (np.round(values, 4 if k in (4, 5) else 0) for k, values in enumerate(report))
        return dict(zip(FIELDS, rounded, strict=True)), lag


class Fundamentals:
    """What is published day after day, point in time.

    Reports come out 22 to 29 days after the first quarter, 40 to 61 after the second, 18 to 31
    after the third and 40 to 105 after the fourth; a date without trading waits for the next with.
    A stock reports while it is listed, and on its first day shows its latest report.

    Args:
        stocks: of the market.
        seed: of the market.
        first: day of the market; the reports of the three years before it come out before it.
    """

    def __init__(self, stocks: Stocks, seed: int, first: np.datetime64) -> None:
        self._companies = Companies(stocks, seed)
        self._end = first.astype("datetime64[M]") - 3 * (_HISTORY + 4)
        self._end -= int(self._end.astype(np.int64)) % 3 + 1
        self._waiting: list[tuple[Dates, _Report]] = []
        self._latest = {name: np.zeros(len(stocks.symbols)) for name in FIELDS}
        self._listed: Flags | None = None
        # A report over four quarters needs three before it.
        for _ in range(3):
            self._next_quarter()
        self._waiting.clear()

    def step(self, date: np.datetime64, listed: Flags) -> Iterator[Publication]:
        """What comes out on a trading day; on the first one also what came out before it."""
        before, self._listed = self._listed, listed
        while self._end.astype("datetime64[D]") <= date:
            self._next_quarter()
        if before is None:
            past = np.unique(np.concatenate([dates for dates, _ in self._waiting]))
            for day in past[past < date]:
                due = self._publish(day)
                if (due & listed).any():
                    yield Publication(day, due & listed, dict(self._latest))
            before = listed
        shown = listed & (self._publish(date) | ~before)
        if shown.any():
            yield Publication(date, shown, dict(self._latest))

    def _publish(self, date: np.datetime64) -> Flags:
        published = np.zeros(len(self._latest[FIELDS[0]]), dtype=np.bool_)
        for dates, report in self._waiting:
            due = dates <= date
            published |= due
            for name in FIELDS:
                self._latest[name] = np.where(due, report[name], self._latest[name])
            dates[due] = np.datetime64("NaT")
        self._waiting = [item for item in self._waiting if not np.isnat(item[0]).all()]
        return published

    def _next_quarter(self) -> None:
        self._end += 3
        month = int(self._end.astype(np.int64)) % 12 + 1
        report, lag = self._companies.step()
        shortest, longest = _LAGS[month]
        days = np.floor(shortest + lag * (longest - shortest)).astype(np.int64)
        last_day = (self._end + 1).astype("datetime64[D]") - 1
        self._waiting.append((last_day + days, report))
