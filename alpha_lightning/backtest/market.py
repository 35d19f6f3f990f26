"""The market that a portfolio trades in: prices, who can be traded, limits, corporate actions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.board_limits import BoardLimits
from alpha_lightning.backtest.corporate_actions import Booking, CorporateActions
from alpha_lightning.backtest.corporate_events import CorporateEvents
from alpha_lightning.backtest.price_limits import LimitColumns, PriceLimits
from alpha_lightning.backtest.settings import ExecutionSettings, LimitRule, LimitSource, TradePrice
from alpha_lightning.panel.execution_price import (
    MISSING_VWAP_LIMIT,
    adjusted_twap,
    missing_vwap,
)
from alpha_lightning.panel.special_treatment import special_treatment
from alpha_lightning.panel.store import Panel
from alpha_lightning.portfolio.policy import Flags, Floats, Index

TRAILING = 20
"""Trading days of usual volatility and amount."""
_FEWEST_RETURNS = 5
_USUAL_VOLATILITY = 0.03
_HALF_TICK = 0.005
_QUARTER = 61  # trading days for which a table of corporate actions may well have nothing to tell
_TOUCHING = {"locked": ("low", "high"), "open": ("open", "open"), "close": ("close", "close")}


@dataclass(frozen=True)
class Market:
    """Arrays by date and stock, ``(T, N)``; views of the panel's files, never copies.

    Args:
        dates: ``(T,)``.
        symbols: ``(N,)``.
        prices: raw ``open``, ``high``, ``low``, ``close``, and if known ``vwap`` and ``twap``.
        volume: shares traded.
        factor: adjustment factor; raw price times factor is the adjusted price.
        traded: whether the stock traded.
        listed: whether it was listed, suspended or not.
        amount: money traded; close times volume where None or NaN.
        limits: price limits; None is without any.
        events: corporate actions; None books changes of the factor.
        warnings: what was decided about prices, limits and events, for reports.
        others: further fields for `history`.
        at_close: names of prices in whose place every trade is done at the close.
        adjusted: names of prices that are adjusted, not raw.

    NaN rule: a price is NaN where the stock did not trade; a traded stock without the wanted price
    trades at its close.
    """

    dates: NDArray[Any]
    symbols: NDArray[Any]
    prices: Mapping[str, NDArray[Any]]
    volume: Floats
    factor: Floats
    traded: Flags
    listed: Flags
    amount: Floats | None = None
    limits: PriceLimits | None = None
    events: CorporateEvents | None = None
    warnings: tuple[str, ...] = ()
    others: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    at_close: frozenset[str] = frozenset()
    adjusted: frozenset[str] = frozenset()

    @classmethod
    def of_panel(
        cls,
        panel: Panel,
        first: int,
        last: int,
        limits: LimitSource = "auto",
        events: CorporateEvents | None = None,
    ) -> Self:
        """The market of a panel; rows are the panel's.

        Args:
            panel: the panel.
            first: first row of the run.
            last: last row of the run, included.
            limits: where price limits are from.
            events: corporate actions.

        Raises:
            UserError: limits from columns that the panel does not have.
        """
        fields = {name: np.asarray(panel.market(name)) for name in panel.meta["market"]}
        prices: dict[str, NDArray[Any]] = {
            n: fields[n] for n in ("open", "high", "low", "close", "vwap") if n in fields
        }
        twap = adjusted_twap(panel)
        if twap is not None:
            prices["twap"] = twap
        known = {*prices, "volume", "adj_factor", "amount"}
        found, notes = _limits_of(panel, limits, fields)
        missing = missing_vwap(panel, first, last)
        gaps = missing > MISSING_VWAP_LIMIT
        return cls(
            dates=panel.dates,
            symbols=panel.symbols,
            prices=prices,
            volume=fields["volume"],
            factor=fields["adj_factor"],
            traded=panel.traded,
            listed=panel.listed,
            amount=fields.get("amount"),
            limits=found,
            events=events,
            warnings=(
                *((_no_vwap(missing),) if gaps else ()),
                *notes,
                *(events.warnings if events else ()),
                *(_not_covered(events, panel.dates, first, last) if events else ()),
            ),
            others={name: values for name, values in fields.items() if name not in known},
            at_close=frozenset(("vwap",)) if gaps else frozenset(),
            adjusted=frozenset(("twap",)) if twap is not None else frozenset(),
        )

    def trade_price(self, row: int, columns: Index, which: TradePrice) -> Floats:
        """What trades are done at, ``(n,)`` raw; NaN for a stock that does not trade.

        Raises:
            UserError: a TWAP is wanted, and the market has none.
        """
        close = self.prices["close"][row][columns]
        if which == "close" or which in self.at_close or which not in self.prices:
            if which == "twap":
                msg = (
                    "execution.price is twap, and the panel has no data set mschars, which has it:"
                    " run `characterise` first, or choose vwap, open or close"
                )
                raise UserError(msg)
            price = close
        else:
            price = self.prices[which][row][columns]
            if which in self.adjusted:
                price = price / self.factor[row][columns]
            price = np.where(np.isnan(price), close, price)
        return np.where(self.traded[row][columns], price, np.nan)

    def at_limit_up(self, row: int, columns: Index, rule: LimitRule) -> Flags:
        """Whether stocks cannot be bought because of their upper limit, ``(n,)``.

        Args:
            row: of the trade.
            columns: ``(n,)``.
            rule: ``locked`` when no price of the day was below the limit, ``open`` and ``close``
                when that price was at it.
        """
        if self.limits is None or rule == "off":
            return np.zeros(len(columns), dtype=np.bool_)
        price = self.prices[_TOUCHING[rule][0]][row][columns]
        return np.asarray(price >= self.limits.up(row, columns) - _HALF_TICK)

    def at_limit_down(self, row: int, columns: Index, rule: LimitRule) -> Flags:
        """Whether stocks cannot be sold because of their lower limit, ``(n,)``."""
        if self.limits is None or rule == "off":
            return np.zeros(len(columns), dtype=np.bool_)
        price = self.prices[_TOUCHING[rule][1]][row][columns]
        return np.asarray(price <= self.limits.down(row, columns) + _HALF_TICK)

    def actions(
        self, row: int, columns: Index, marks: Floats, execution: ExecutionSettings
    ) -> Booking | None:
        """Corporate actions of held stocks before the open: see `CorporateActions.on`."""
        return self._actions.on(row, columns, marks, execution)

    def volatility(self, row: int, columns: Index) -> Floats:
        """Standard deviation of daily returns before a date, ``(n,)``.

        Of adjusted closes of the 20 rows before it, between rows on both of which the stock traded
        (over their number); 0.03 where there are fewer than 5.
        """
        rows = slice(max(row - TRAILING, 0), row)
        if row < _FEWEST_RETURNS + 1:
            return np.full(len(columns), _USUAL_VOLATILITY)
        close = self.prices["close"][rows, columns] * self.factor[rows, columns]
        close = np.where(self.traded[rows, columns], close, np.nan)
        returns = close[1:] / close[:-1] - 1
        known = np.isfinite(returns)
        count = known.sum(axis=0)
        returns = np.where(known, returns, 0.0)
        mean = returns.sum(axis=0) / np.maximum(count, 1)
        squares = (np.where(known, returns - mean, 0.0) ** 2).sum(axis=0)
        deviation = np.sqrt(squares / np.maximum(count, 1))
        return np.where(count < _FEWEST_RETURNS, _USUAL_VOLATILITY, deviation)

    def usual_amount(self, row: int, columns: Index) -> Floats:
        """Mean money traded a day before a date, ``(n,)``.

        Over the days of the 20 rows before it on which the stock traded; that of the date itself
        where there is none.
        """
        rows = slice(max(row - TRAILING, 0), row)
        days = self.traded[rows, columns].sum(axis=0)
        mean: Floats = self._amounts(rows, columns).sum(axis=0) / np.maximum(days, 1)
        if days.all():
            return mean
        return np.where(days == 0, self._amounts(slice(row, row + 1), columns)[0], mean)

    def history(self, name: str, row: int, days: int) -> NDArray[Any]:
        """A copy of the last rows of a field up to a row, ``(days, N)``.

        Raises:
            UserError: no such field.
        """
        fields = {**self.prices, **self.others, "volume": self.volume, "adj_factor": self.factor}
        fields |= {"traded": self.traded, "listed": self.listed}
        if self.amount is not None:
            fields["amount"] = self.amount
        if name not in fields:
            msg = f"the market has no field {name!r}; it has {', '.join(sorted(fields))}"
            raise UserError(msg)
        rows = slice(max(row + 1 - days, 0), row + 1)
        values = np.array(fields[name][rows])
        return values / self.factor[rows] if name in self.adjusted else values

    def _amounts(self, rows: slice, columns: Index) -> Floats:
        traded = self.traded[rows, columns]
        if self.amount is None:
            amount = self.prices["close"][rows, columns] * self.volume[rows, columns]
        else:
            amount = self.amount[rows, columns]
            gaps = traded & np.isnan(amount)
            if gaps.any():
                turnover = self.prices["close"][rows, columns] * self.volume[rows, columns]
                amount = np.where(gaps, turnover, amount)
        return np.where(traded, amount, 0.0)

    @cached_property
    def _actions(self) -> CorporateActions:
        return CorporateActions(
            self.dates, self.symbols, self.factor, self.prices["open"], self.traded, self.events
        )


def _no_vwap(missing: float) -> str:
    return (
        f"What is to be traded at the VWAP is traded at the close: {missing:.0%} of the traded"
        " stock-days of the run have no VWAP."
    )


def _not_covered(
    events: CorporateEvents, dates: NDArray[Any], first: int, last: int
) -> tuple[str, ...]:
    begin, end = max(events.first, first), min(events.last, last)
    if begin <= end and begin - first + last - end <= _QUARTER:
        return ()
    told = f"{dates[begin]} to {dates[end]}" if begin <= end else "no date of the run"
    return (
        f"The table of corporate actions covers {told}; on other days the change of the adjustment"
        " factor is booked.",
    )


def _limits_of(
    panel: Panel, source: LimitSource, fields: Mapping[str, Floats]
) -> tuple[PriceLimits | None, tuple[str, ...]]:
    columns = "limit_up" in fields and "limit_down" in fields
    if source == "columns" and not columns:
        msg = (
            f"execution.limits is columns, and the panel {panel.path} has no limit_up and"
            " limit_down: ingest a daily table with them, or choose auto or board"
        )
        raise UserError(msg)
    if columns and source != "board":
        return LimitColumns(fields["limit_up"], fields["limit_down"]), ()
    special = special_treatment(panel)
    board = BoardLimits(
        panel.dates,
        panel.symbols,
        fields["close"],
        fields["adj_factor"],
        panel.traded,
        panel.listed,
        special,
    )
    if not board.known:
        return None, ("No stock has a price limit: neither a column nor a board's rule tells one.",)
    lacking = "" if special is not None else "; who is under special treatment is not known"
    return board, (f"Price limits are those of the boards' rules{lacking}.",)
