from itertools import pairwise

import numpy as np
import pytest

from alpha_lightning.simulation.orders import Trades, draw_trades
from alpha_lightning.simulation.prints import Prints, draw_lots, draw_sides
from alpha_lightning.simulation.session import Session

SECOND = 1_000_000


def day(session: Session, shares: float = 40_000.0) -> tuple[Prints, Trades]:
    generator, stocks = np.random.default_rng(0), 50
    lots = draw_lots(generator, np.full(stocks, shares), session, 1.0)
    sides = draw_sides(generator, stocks, session)
    prints = Prints(np.full(lots.shape, 1000.0), lots, sides)
    return prints, draw_trades(generator, prints, session)


@pytest.mark.parametrize(("minutes", "count"), [(10, 3), (5, 7), (30, 50)])
def test_prints_lie_strictly_inside_their_bars_and_ascend(minutes: int, count: int) -> None:
    session = Session(minutes, count)
    prints, trades = day(session, 200.0 * len(session.volume))
    assert len(trades.stock) == (prints.lots > 0).sum() < prints.lots.size
    assert (prints.lots[trades.stock, trades.slot] > 0).all()
    for k, slot in enumerate(trades.slot):
        clock = trades.clock[k] / (60 * SECOND)
        if slot == 0:
            assert clock == 565
        elif slot == len(session.volume) - 1:
            assert clock == 900
        else:
            start = session.starts[(slot - 1) // count]
            assert start < clock < start + minutes
    for (a, b), (s, t) in zip(pairwise(trades.stock), pairwise(trades.clock), strict=True):
        assert a < b or (a == b and s < t)


def test_orders_are_unique_in_the_day_grow_in_time_and_the_later_one_attacks() -> None:
    prints, trades = day(Session(10, 3))
    side = prints.sides[trades.stock, trades.slot]
    aggressor = np.where(side < 0, trades.sell_order, trades.buy_order)
    other = np.where(side < 0, trades.buy_order, trades.sell_order)
    assert (other < aggressor).all()
    assert len(np.unique(other)) == len(other)
    assert not set(other) & set(aggressor)
    numbers = sorted(set(other) | set(aggressor))
    assert numbers == list(range(1, len(numbers) + 1))
    # The first fill of each aggressor is when it came: numbers grow with that time.
    first: dict[int, int] = {}
    for number, clock in zip(aggressor, trades.clock, strict=True):
        first.setdefault(int(number), int(clock))
    clocks = [first[number] for number in sorted(first)]
    assert clocks == sorted(clocks)


def test_some_orders_fill_in_several_prints_in_a_row() -> None:
    prints, trades = day(Session(10, 3))
    side = prints.sides[trades.stock, trades.slot]
    aggressor = np.where(side < 0, trades.sell_order, trades.buy_order)
    fills: dict[int, list[int]] = {}
    for k, number in enumerate(aggressor):
        fills.setdefault(int(number), []).append(k)
    several = [rows for rows in fills.values() if len(rows) > 1]
    assert 0.05 < len(several) / len(fills) < 0.3
    for rows in several:
        assert rows == list(range(rows[0], rows[-1] + 1))
        assert len({int(side[k]) for k in rows}) == 1
        assert len({int(trades.stock[k]) for k in rows}) == 1
