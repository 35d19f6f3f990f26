"""The data set ``l2chars``: a day's signed trades, by size and by period."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.characteristics.intraday import CLOSING, CONTINUOUS, OPENING, Floats, Prints
from alpha_lightning.characteristics.large import REST, size_classes

Integers = NDArray[np.int64]
_WAPS = [0, 1, 4, 2, 5, 3]
"""Order of bwap, swap, then p5 before p1 of either, among sizes by sides."""


def l2chars(prints: Prints, stocks: int, periods: int, period_seconds: int) -> Floats:
    """Prices, signed amounts and returns of all and of the largest trades of a day.

    A print of sign ``s`` is ``(1 + s) / 2`` of a buy and ``(1 - s) / 2`` of a sell. The opening
    auction is neither and belongs to no period, but its price, the only one it has, opens the price
    path; the closing auction belongs to the last period. A feature ending in p1 (p5) is told of the
    largest 1 % (5 %), rounded up, of the stock's continuous prints by amount, see `size_classes`.

    * ``twap``: each price holds until the stock's next print, the last to the end of the day.
    * ``vwap``: amount over volume of all prints, auctions included.
    * ``bamt``, ``samt``: amount bought and sold; in a period they add up to its amount.
    * ``bwap``, ``swap``: amount bought over shares bought; amount sold over shares sold.
    * ``aret = 100 (prod(1 + r_i) - 1)`` with ``r_i`` of the print's price against the print before,
      whatever its size and period: over all prints of a day ``100 (last / first - 1)``.
    * ``bopct``: buys in percent of the number of large orders; ending in 1, of those begun in the
      first period. An order is the prints of one aggressor, or each print in a feed without order
      numbers; it has the sign of its first print, and is large among the day's orders.
    * ``auction_amount``, ``closing_auction_amount``: money of either auction.

    Args:
        prints: of one day.
        stocks: ``N``.
        periods: ``K``.
        period_seconds: length of a period.

    Returns:
        ``(N, 23 + 9 K)`` in the order of `schema.l2chars_columns`: raw prices, money, percent. A
        stock without prints is NaN throughout, one without continuous prints in all p1 and p5. The
        price of no trade and the share of no order are NaN, the amount and return of none 0.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), data sets.
    """
    stock, amount = prints.stock, prints.price * prints.volume
    by_stock = _Runs.of(stock, stocks)
    period = np.minimum((prints.clock / period_seconds).astype(np.int64), periods - 1)
    period[prints.phase == CLOSING] = periods - 1
    continuous = np.flatnonzero(prints.phase == CONTINUOUS)
    size = np.full(len(stock), REST)
    size[continuous] = size_classes(stock[continuous], amount[continuous], stocks)
    flows = _flows(prints, amount, by_stock, period, size, (stocks, periods))
    flows[np.bincount(stock[continuous], minlength=stocks) == 0, :, 1:] = np.nan
    day = flows.sum(axis=1)
    with np.errstate(invalid="ignore"):  # the price of no trade: 0 / 0
        waps = (day[..., :2] / day[..., 3:]).reshape(stocks, 6)[:, _WAPS]
    earned = 100 * np.expm1(flows[..., 2:3])
    columns = (
        _prices(prints, amount, by_stock, periods * period_seconds),
        waps,
        _of_phase(prints, amount, stocks, OPENING),
        day[..., :2].reshape(stocks, 6),
        100 * np.expm1(day[..., 2]),
        np.concatenate([flows[..., :2], earned], axis=-1).reshape(stocks, 9 * periods),
        _of_phase(prints, amount, stocks, CLOSING),
        _buy_percent(prints, amount, period, size, stocks),
    )
    out = np.concatenate(columns, axis=1)
    out[np.bincount(stock, minlength=stocks) == 0] = np.nan
    return out


@dataclass(frozen=True)
class _Runs:
    """Rows of one cell that lie side by side; the fewer the runs, the quicker the sums.

    Args:
        start: ``(runs,)`` first row of each.
        cell: ``(runs,)`` number of its cell.
        cells: how many cells there are.
    """

    start: Integers
    cell: Integers
    cells: int

    @classmethod
    def of(cls, cell: Integers, cells: int) -> Self:
        """Runs of rows that have these cells, 0 and above."""
        start = np.flatnonzero(np.diff(cell, prepend=-1) != 0)
        return cls(start, cell[start], cells)

    def sums(self, weight: Floats) -> Floats:
        """Sum of the rows of each cell, ``(cells,)``."""
        return _sums(self.cell, np.add.reduceat(weight, self.start), self.cells)


def _flows(
    prints: Prints,
    amount: Floats,
    by_stock: _Runs,
    period: Integers,
    size: Integers,
    shape: tuple[int, int],
) -> Floats:
    """``(N, K, sizes, 5)``: money bought and sold, log return, shares bought and sold.

    Sizes are all, the largest 1 % and the largest 5 %.
    """
    traded = prints.phase != OPENING
    bought = traded * (0.5 + 0.5 * prints.sign)
    sold = traded - bought
    earned = np.diff(np.log(prints.price), prepend=0.0)
    earned[by_stock.start] = 0.0
    weights = (bought * amount, sold * amount, earned, bought * prints.volume, sold * prints.volume)
    cell, cells = prints.stock * shape[1] + period, shape[0] * shape[1]
    every, large = _Runs.of(cell, cells), np.flatnonzero(size != REST)
    cell = cell[large] * 2 + size[large]
    out = np.empty((cells, 3, 5))
    for k, weight in enumerate(weights):
        out[:, 0, k] = every.sums(weight)
        out[:, 1:, k] = _sums(cell, weight[large], cells * 2).reshape(cells, 2).cumsum(axis=1)
    return out.reshape(*shape, 3, 5)


def _prices(prints: Prints, amount: Floats, by_stock: _Runs, day_seconds: int) -> Floats:
    """``(N, 2)``: twap and vwap.

    When all prints of a stock have the day's last second, the last price stands for its twap.
    """
    price = prints.price
    last = np.append(by_stock.start, len(price))[1:] - 1
    seconds = np.diff(prints.clock, append=day_seconds)
    seconds[last] = day_seconds - prints.clock[last]
    final = np.full(by_stock.cells, np.nan)
    final[by_stock.cell] = price[last]
    held = by_stock.sums(seconds)
    with np.errstate(invalid="ignore"):  # stocks without prints
        twap = by_stock.sums(seconds * price) / held
        vwap = by_stock.sums(amount) / by_stock.sums(prints.volume)
    return np.stack([np.where(held > 0, twap, final), vwap], axis=1)


def _of_phase(prints: Prints, amount: Floats, stocks: int, phase: int) -> Floats:
    row = np.flatnonzero(prints.phase == phase)
    return _sums(prints.stock[row], amount[row], stocks)[:, None]


def _buy_percent(
    prints: Prints, amount: Floats, period: Integers, size: Integers, stocks: int
) -> Floats:
    """``(N, 4)``: bopct_p1 and bopct_p5, then both of the first period."""
    row = np.flatnonzero(prints.phase == CONTINUOUS)
    size = size[row]
    if prints.order is not None:
        first, total = _orders(prints.stock[row], prints.order[row], amount[row])
        row = row[first]
        size = size_classes(prints.stock[row], total, stocks)
    large = np.flatnonzero(size != REST)
    row, size = row[large], size[large]
    cell = (prints.stock[row] * 2 + (period[row] > 0)) * 2 + size
    weights = (0.5 + 0.5 * prints.sign[row], np.ones(len(row)))
    # Running sums turn (first period, rest) into (first period, day), and classes into sizes.
    sums = (_sums(cell, weight, stocks * 4).reshape(stocks, 2, 2) for weight in weights)
    buys, orders = (np.cumsum(np.cumsum(counts, axis=1), axis=2) for counts in sums)
    with np.errstate(invalid="ignore"):  # no large order
        percent = 100 * buys / orders
    return percent[:, [1, 1, 0, 0], [0, 1, 0, 1]]


def _orders(stock: Integers, order: Integers, amount: Floats) -> tuple[Integers, Floats]:
    """Row of the first print of each order, in the order of rows, and the order's amount."""
    by_order = np.lexsort((order, stock))
    change = np.diff(stock[by_order], prepend=-1) | np.diff(order[by_order], prepend=0)
    start = np.flatnonzero(change != 0)
    total = np.zeros(len(order))
    total[by_order[start]] = np.add.reduceat(amount[by_order], start)
    first = np.flatnonzero(total > 0)
    return first, total[first]


def _sums(index: Integers, weight: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(index, weight, size), dtype=np.float64)
