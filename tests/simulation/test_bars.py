import numpy as np
import pytest

from alpha_lightning.simulation.bars import daily_bars, minute_bars
from alpha_lightning.simulation.prints import Prints
from alpha_lightning.simulation.session import Session

SESSIONS = [Session(30, 1), Session(30, 3), Session(10, 2)]


def prints_of(session: Session, stocks: int = 30, seed: int = 0) -> Prints:
    """Random prints, more than half of which do not happen; the last stock rests."""
    generator = np.random.default_rng(seed)
    shape = (stocks, len(session.volume))
    cents = generator.integers(900, 1100, shape).astype(np.float64)
    lots = generator.integers(1, 50, shape) * (generator.random(shape) < 0.4)
    lots[:, [0, -1]] = np.maximum(lots[:, [0, -1]], 1)
    lots[-1] = 0
    return Prints(cents, lots.astype(np.float64), np.zeros(shape, dtype=np.int64))


@pytest.mark.parametrize("session", SESSIONS, ids=str)
def test_minute_bars_are_those_of_a_plain_loop(session: Session) -> None:
    prints = prints_of(session)
    bars = minute_bars(prints, session)
    empty = 0
    for n in range(29):
        price = prints.cents[n, 0]
        for b in range(session.bars):
            slots = list(range(1 + b * session.prints, 1 + (b + 1) * session.prints))
            slots += [len(session.volume) - 1] * (b == session.bars - 1)
            seen = [(prints.cents[n, k], prints.lots[n, k]) for k in slots if prints.lots[n, k] > 0]
            prices = [cents for cents, _ in seen] or [price]
            empty += not seen
            assert bars.open[n, b] == prices[0]
            assert bars.high[n, b] == max(prices)
            assert bars.low[n, b] == min(prices)
            assert bars.close[n, b] == prices[-1]
            assert bars.lots[n, b] == sum(lots for _, lots in seen)
            assert bars.amount[n, b] == sum(cents * lots for cents, lots in seen)
            price = prices[-1]
    assert empty > 10
    assert not bars.lots[29].any()


@pytest.mark.parametrize("session", SESSIONS, ids=str)
def test_daily_bars_are_those_of_a_plain_loop(session: Session) -> None:
    prints = prints_of(session, seed=1)
    bars = daily_bars(prints, np.full(30, 7.77))
    for n in range(29):
        cents = [c for c, lots in zip(prints.cents[n], prints.lots[n], strict=True) if lots > 0]
        assert bars.open[n] == cents[0] / 100
        assert bars.high[n] == max(cents) / 100
        assert bars.low[n] == min(cents) / 100
        assert bars.close[n] == cents[-1] / 100
        assert bars.volume[n] == 100 * prints.lots[n].sum()
        assert bars.amount[n] == (prints.cents[n] * prints.lots[n]).sum()
    resting = [getattr(bars, name)[29] for name in ("open", "high", "low", "close")]
    assert resting == [7.77] * 4
    assert (bars.volume[29], bars.amount[29]) == (0, 0)
