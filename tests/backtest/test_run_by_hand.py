"""Four stocks on eight days, worked out by hand; both the engine and its plain twin must agree.

Trades are done at the open, a day after the signal; a purchase costs 0.1 %, a sale 0.2 %; a factor
below 1.15 is a cash dividend of which 10 % is tax; a delisted share is worth half its last price.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from alpha_lightning.backtest.book import Setting
from alpha_lightning.backtest.ledger import Reason
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.price_limits import LimitColumns
from alpha_lightning.backtest.run import run_backtests
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings
from alpha_lightning.portfolio.fixed_weights import FixedWeights
from tests.backtest.run_both import engine_target
from tests.backtest.run_plain import PlainRun
from tests.backtest.run_plain_market import Bars
from tests.backtest.run_plain_policies import PlainReplay, Wanted

A, B, C, D = range(4)
NO = float("nan")
DATES = np.busday_offset(np.datetime64("2024-01-01"), np.arange(8))
# Row by row: A, B, C, D. C is suspended from row 4 on and gone on row 7.
OPEN = np.array(
    [
        [10, 10, 20, 5],
        [10, 11, 20, 5],
        [10, 11, 21, 5],
        [9.18, 11, 20, 5],
        [9.3, 11, NO, 2.75],
        [10, 12, NO, 3],
        [10, 12, NO, 3.1],
        [10, 12.5, NO, 3],
    ]
)
CLOSE = np.array(
    [
        [10, 10, 20, 5],
        [10.5, 11, 21, 5],
        [10.2, 11, 22, 5],
        [9.18, 11, 21, 5.5],
        [9.5, 11.5, NO, 3],
        [10.1, 12, NO, 3.1],
        [10, 12.5, NO, 3],
        [10, 13, NO, 3.2],
    ]
)
TRADED = np.isfinite(CLOSE)
LISTED = np.ones((8, 4), dtype=np.bool_)
LISTED[7, C] = False
FACTOR = np.ones((8, 4))
FACTOR[2:, A] = 1.05  # ex dividend: 10.5 becomes 10, 0.5 a share
FACTOR[4:, D] = 2  # two for one
UP, DOWN = np.full((8, 4), NO), np.full((8, 4), NO)
UP[1, B] = 11  # locked: low and open are the limit
DOWN[3, A] = 9.18  # locked: high and open are the limit
PRICES = {
    "open": OPEN,
    "close": CLOSE,
    "high": np.maximum(OPEN, CLOSE),
    "low": np.minimum(OPEN, CLOSE),
}
VOLUME = np.where(TRADED, 1e6, 0.0)
EXECUTION = ExecutionSettings(
    price="open", corporate_actions="cash", dividend_tax=0.1, delist_value=0.5, capital=1e5
)
COSTS = CostSettings(buy=0.001, sell=0.002)
SIGNALS = [0, 2, 4, 5]
WANTED: dict[int, Wanted | str] = {
    0: Wanted({A: 0.4, B: 0.4}, set(), [C, D], 2),
    2: Wanted({D: 0.4, C: 0.2}, set(), [], 3),
    4: Wanted({B: 0.3, D: 0.45}, set(), [], 3),
    5: Wanted({B: 0.5, D: 0.5}, set(), [], 3),
}

# Row 6. Value at the opens as at the closes before: 112 041.4705. B is to have half of it, which is
# 22 870.85525 more than it has, and D 4 638.42125 more; the cash of 6 836.8765 pays for this part
# of it:
VALUE_6 = Fraction("112041.4705")
MORE_B = VALUE_6 / 2 - Fraction("33149.88")
MORE_D = VALUE_6 / 2 - Fraction("51382.314")
PART = Fraction("6836.8765") / ((MORE_B + MORE_D) * Fraction("1.001"))
SHARES_B = Fraction("2762.49") + PART * MORE_B / 12
SHARES_D = Fraction("16574.94") + PART * MORE_D / Fraction("3.1")
P = Fraction("3.1")
COST_6 = PART * (MORE_B + MORE_D) / 1000
C_WORTH = Fraction("20672.4")  # 984.4 x 21
CLOSE_6 = C_WORTH + SHARES_B * Fraction("12.5") + SHARES_D * 3
CLOSE_7 = C_WORTH / 2 + SHARES_B * 13 + SHARES_D * Fraction("3.2")

DAYS: list[tuple[Any, ...]] = [
    # row, value, cash, gain, dividends, cost, value traded, value before the trade
    # 1: B is locked at its upper limit, C takes its place. A 4000 x 10 and C 2000 x 20, each costs
    #    40; cash 100 000 - 80 000 - 80; gain 4000 x 0.5 + 2000 x 1.
    (1, 103_920, 19_920, 4_000, 0, 80, 80_000, 100_000),
    # 2: A pays 4000 x 0.5 less 10 %: 1800. gain 4000 x (10.2 - 10.5) + 2000 x 1.
    (2, 106_520, 21_720, 800, 1_800, 0, None, None),
    # 3: value 21 720 + 4000 x 9.18 + 2000 x 20 = 98 440. A is locked at its lower limit and stays.
    #    C comes down to 19 688: 1015.6 shares for 20 312 less 40.624. D: 39 376 / 5 = 7875.2
    #    shares, 39.376. Cash 21 720 + 20 312 - 40.624 - 39 376 - 39.376.
    #    gain A 4000 x -1.02, C 2000 x -2 + 984.4 x 1, D 7875.2 x 0.5.
    (3, 103_282, 2_576, -3_158, 0, 80, 59_688, 98_440),
    # 4: C is suspended; D splits into 15 750.4. gain A 4000 x 0.32, D 15 750.4 x 0.25.
    (4, 108_499.6, 2_576, 5_217.6, 0, 0, None, None),
    # 5: value 2 576 + 4000 x 10 + 984.4 x 21 + 15 750.4 x 3 = 110 499.6. A is sold for 40 000
    #    less 80, C is suspended. D rises to 49 724.82: 824.54 shares for 2 473.62, 2.47362. B:
    #    33 149.88 / 12 = 2762.49 shares, 33.14988. gain A 4000 x 0.5, D 16 574.94 x 0.1.
    (5, 112_041.4705, 6_836.8765, 3_657.494, 0, 115.6235, 75_623.5, 110_499.6),
    # 6: as above. gain from the opens on: B 0.5 a share, D -0.1.
    (
        6,
        CLOSE_6,
        0,
        SHARES_B / 2 - SHARES_D / 10,
        0,
        COST_6,
        PART * (MORE_B + MORE_D),
        VALUE_6,
    ),
    # 7: C is gone for 984.4 x 10.5 in cash.
    (
        7,
        CLOSE_7,
        C_WORTH / 2,
        -C_WORTH / 2 + SHARES_B / 2 + SHARES_D / 5,
        0,
        0,
        None,
        None,
    ),
]
TRADES: list[tuple[Any, ...]] = [
    # row, signal, stock, wanted, traded, price, fee, reason
    (1, 0, B, 40_000 / 11, 0, 11, 0, Reason.LIMIT_UP),
    (1, 0, A, 4000, 4000, 10, 40, Reason.DONE),
    (1, 0, C, 2000, 2000, 20, 40, Reason.DONE),
    (3, 2, A, -4000, 0, 9.18, 0, Reason.LIMIT_DOWN),
    (3, 2, C, -1015.6, -1015.6, 20, 40.624, Reason.DONE),
    (3, 2, D, 7875.2, 7875.2, 5, 39.376, Reason.DONE),
    (5, 4, A, -4000, -4000, 10, 80, Reason.DONE),
    (5, 4, C, -984.4, 0, 21, 0, Reason.SUSPENDED),
    (5, 4, D, 824.54, 824.54, 3, 2.47362, Reason.DONE),
    (5, 4, B, 2762.49, 2762.49, 12, 33.14988, Reason.DONE),
    (6, 5, C, -984.4, 0, 21, 0, Reason.SUSPENDED),
    (6, 5, B, MORE_B / 12, PART * MORE_B / 12, 12, PART * MORE_B / 1000, Reason.CASH),
    (6, 5, D, MORE_D / P, PART * MORE_D / P, P, PART * MORE_D / 1000, Reason.CASH),
    (7, -1, C, -984.4, -984.4, 10.5, 0, Reason.DELISTED),
]
HOLDINGS: dict[int, dict[int, Any]] = {
    1: {A: 4000, C: 2000},
    3: {A: 4000, C: 984.4, D: 7875.2},
    4: {A: 4000, C: 984.4, D: 15_750.4},
    5: {B: 2762.49, C: 984.4, D: 16_574.94},
    6: {B: SHARES_B, C: 984.4, D: SHARES_D},
    7: {B: SHARES_B, D: SHARES_D},
}


@dataclass
class Told:
    """What one of the two says: days as in `DAYS`, trades as in `TRADES`, shares by row."""

    days: list[tuple[float, ...]]
    trades: list[tuple[float, ...]]
    shares: dict[int, dict[int, float]]


def by_the_engine() -> Told:
    market = Market(
        DATES,
        np.array(["A", "B", "C", "D"]),
        PRICES,
        VOLUME,
        FACTOR,
        TRADED,
        LISTED,
        limits=LimitColumns(UP, DOWN),
    )
    policy = FixedWeights({DATES[row]: engine_target(want) for row, want in WANTED.items()})
    universe = np.ones((len(SIGNALS), 4), dtype=np.bool_)
    setting = Setting("by hand", policy, None, EXECUTION, COSTS)
    (outcome,) = run_backtests(market, np.array(SIGNALS), universe, [setting], 7)
    told = outcome.ledger
    names = ("rows", "value", "cash", "gain", "dividends", "cost", "turnover")
    columns = ("row", "signal", "column", "wanted", "shares", "price", "fee", "reason")
    held = told.holdings
    shares: dict[int, dict[int, float]] = {}
    for row, column, n in zip(held.row, held.column, held.shares, strict=True):
        shares.setdefault(int(row), {})[int(column)] = float(n)
    return Told(
        list(zip(*(getattr(told, name).tolist() for name in names), strict=True)),
        list(zip(*(getattr(told.trades, name).tolist() for name in columns), strict=True)),
        shares,
    )


def by_the_twin() -> Told:
    prices = {name: values.tolist() for name, values in PRICES.items()}
    flags = (TRADED.tolist(), LISTED.tolist())
    bars = Bars(
        [str(date) for date in DATES],
        ["A", "B", "C", "D"],
        prices,
        VOLUME.tolist(),
        FACTOR.tolist(),
        *flags,
        up=UP.tolist(),
        down=DOWN.tolist(),
    )
    universe, scores = [[True] * 4] * len(SIGNALS), [[NO] * 4] * len(SIGNALS)
    policy = PlainReplay(WANTED)
    run = PlainRun(bars, policy, EXECUTION, COSTS, SIGNALS, universe, scores).run(7)
    return Told(
        [(d.row, d.value, d.cash, d.gain, d.dividends, d.cost, d.turnover) for d in run.days],
        [
            (t.row, t.signal, t.column, t.wanted, t.shares, t.price, t.fee, t.reason)
            for t in run.trades
        ],
        {d.row: {j: n for j, (n, _) in d.holdings.items()} for d in run.days},
    )


@pytest.fixture(params=[by_the_engine, by_the_twin], ids=["engine", "twin"])
def told(request: pytest.FixtureRequest) -> Told:
    found: Told = request.param()
    return found


def test_days(told: Told) -> None:
    assert len(told.days) == len(DAYS)
    for (*numbers, turnover), (*expected, traded, before) in zip(told.days, DAYS, strict=True):
        assert numbers == pytest.approx([float(x) for x in expected], rel=1e-12, abs=1e-9)
        share = NO if traded is None or before is None else float(traded / before / 2)
        assert turnover == pytest.approx(share, rel=1e-12, nan_ok=True)


def test_trades(told: Told) -> None:
    assert len(told.trades) == len(TRADES)
    ordered = sorted(told.trades, key=lambda trade: (trade[0], trade[2]))
    for trade, expected in zip(ordered, sorted(TRADES, key=lambda t: (t[0], t[2])), strict=True):
        *numbers, fee, reason = (float(x) for x in expected)
        assert trade[-1] == reason
        assert list(trade[:-2]) == pytest.approx(numbers, rel=1e-12)
        assert trade[-2] == pytest.approx(fee, rel=1e-12)


def test_holdings(told: Told) -> None:
    for row, expected in HOLDINGS.items():
        assert sorted(told.shares[row]) == sorted(expected)
        for stock, shares in expected.items():
            assert told.shares[row][stock] == pytest.approx(float(shares), rel=1e-12)
