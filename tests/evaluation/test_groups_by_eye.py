"""The group simulation on a market of three stocks and six days, worked out by hand.

Raw prices at the close, the VWAP in brackets; ``-`` is a day without a trade.

    day  what happens                      A           B            C
    0    signal: A, B | C                  10 (10)     20 (20)      5 (5)
    1    both groups are bought            10 (10)     22 (20)      5 (5)
    2    A is suspended                    -           22 (22)      6 (6)
    3    B pays 2 and drops by it;         12 (11)     20 (20)      6 (6)
         signal: C, B | A
    4    C locked at limit-up all day      12 (12)     18 (20)      6.6 (6.6)
    5    end                               15 (15)     18 (18)      6.6 (6.6)

B's adjustment factor is 1.1 from day 3 on, 22 / 20: its adjusted prices are 22 on day 3, 19.8 (22)
on day 4 and 19.8 on day 5.

First group, one unit of money, from day 1:
  day 1: 1/2 into A at 10 (0.05 shares), 1/2 into B at 20 (0.025). Close 0.05*10 + 0.025*22 = 1.05.
  day 2: A keeps 10, B keeps 22: 1.05, return 0.
  day 3: A 12, B 22 adjusted (the dividend is no loss): 0.6 + 0.55 = 1.15.
  day 4: old book at the VWAP: A 0.05*12 = 0.6, B 0.025*22 = 0.55, together 1.15; weights A 12/23,
         B 11/23. Half of it into C at 6.6, bought though locked at its limit: these groups measure
         a score and know no trading limits. Half into B at 22. At the close C stays, B falls to
         19.8, 9/10: 0.575 + 0.5175 = 1.0925, return -5 %.
         Turnover: A 12/23 -> 0, B 11/23 -> 1/2, C 0 -> 1/2; half of the sum of changes is 12/23.
  day 5: nothing moves: return 0.
Second group: C at 5: 1, then 6/5, 6/5, then sold at 6.6 (1.32) and put into A at 12, then 15:
  returns 0, 1/5, 0, 1/10, 1/4. Turnover 1.
All three: 1/3 each, A 1/30, B 1/60, C 1/15 shares.
  day 1: 1/3 + 22/60 + 1/3 = 31/30.
  day 2: 1/3 + 22/60 + 6/15 = 33/30.
  day 3: 12/30 + 22/60 + 12/30 = 35/30.
  day 4: at the VWAP 12/30 + 11/30 + 13.2/30 = 36.2/30; then 1/3 each: A and C stay, B 9/10:
         times 29/30, so that the day's return is 36.2/35 * 29/30 - 1.
  day 5: weights 10/29, 9/29, 10/29; A grows by a quarter: 2.5/29.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.evaluation.execution import Prices, execution_prices
from alpha_lightning.evaluation.groups import GroupReturns, group_labels, run_groups

Array = NDArray[Any]
NONE = np.nan
CLOSE = [[10, 20, 5], [10, 22, 5], [NONE, 22, 6], [12, 20, 6], [12, 18, 6.6], [15, 18, 6.6]]
VWAP = [[10, 20, 5], [10, 20, 5], [NONE, 22, 6], [11, 20, 6], [12, 20, 6.6], [15, 18, 6.6]]
FACTOR = [[1, 1, 1]] * 3 + [[1, 1.1, 1]] * 3
SIGNALS = np.array([0, 3])
LABELS = np.array([[0, 0, 1], [1, 0, 0]])
FIRST = [0.05, 0, 1.15 / 1.05 - 1, -0.05, 0]
SECOND = [0, 1 / 5, 0, 1 / 10, 1 / 4]
EVERYTHING = [31 / 30 - 1, 33 / 31 - 1, 35 / 33 - 1, 36.2 / 35 * 29 / 30 - 1, 2.5 / 29]


@pytest.fixture
def prices(tmp_path: Path, market: Any) -> Prices:
    """Through the real ingestion, so that the suspension and the dividend are the panel's."""
    given = type(market(2, 2))(np.array(CLOSE), np.array(VWAP), np.array(FACTOR))
    return execution_prices(given.write(tmp_path / "market"), 0, 5)


def by_hand(labels: Array, signals: Array, prices: Prices, last: int) -> tuple[Array, Array]:
    """Cash and shares of each group, day by day and stock by stock; the last group is all stocks.

    Returns:
        Values ``(D, G + 1)`` from 1, and turnover ``(R, G + 1)``.
    """
    groups = int(labels.max()) + 1
    values, turnover = [], []
    for group in range(groups + 1):
        shares: dict[int, float] = {}
        own, moved = [1.0], []
        for day in range(int(signals[0]) + 1, last + 1):
            if day - 1 in signals:
                labelled = labels[signals.tolist().index(day - 1)]
                wanted = [n for n, p in enumerate(labelled) if p >= 0 and group in (p, groups)]
                worth = {n: held * prices.trade[day, n] for n, held in shares.items()}
                money = sum(worth.values()) if shares else own[-1]
                if shares:
                    apart = 0.0
                    for n in {*worth, *wanted}:
                        target = 1 / len(wanted) if n in wanted else 0.0
                        apart += abs(target - worth.get(n, 0.0) / money)
                    moved.append(apart / 2)
                shares = {n: money / len(wanted) / prices.trade[day, n] for n in wanted}
            own.append(sum(held * prices.mark[day, n] for n, held in shares.items()))
        values.append(own)
        turnover.append(moved)
    return np.array(values).T, np.array(turnover).T


def check_against_loops(found: GroupReturns, labels: Array, signals: Array, prices: Prices) -> None:
    values, turnover = by_hand(labels, signals, prices, int(found.rows[-1]))
    returns = values[1:] / values[:-1] - 1
    np.testing.assert_allclose(found.returns, returns[:, :-1], atol=1e-12)
    np.testing.assert_allclose(found.benchmark, returns[:, -1], atol=1e-12)
    np.testing.assert_allclose(found.turnover, turnover[:, :-1], atol=1e-12)


def test_six_days_of_three_stocks(prices: Prices) -> None:
    found = run_groups(LABELS, SIGNALS, prices, 5)
    np.testing.assert_allclose(found.returns[:, 0], FIRST, atol=1e-12)
    np.testing.assert_allclose(found.returns[:, 1], SECOND, atol=1e-12)
    np.testing.assert_allclose(found.benchmark, EVERYTHING, atol=1e-12)
    np.testing.assert_allclose(found.turnover, [[12 / 23, 1]], atol=1e-12)
    assert (found.rows.tolist(), found.turnover_rows.tolist()) == ([1, 2, 3, 4, 5], [4])
    check_against_loops(found, LABELS, SIGNALS, prices)


def test_a_dividend_taken_for_a_loss_would_show(tmp_path: Path, market: Any) -> None:
    plain = type(market(2, 2))(np.array(CLOSE), np.array(VWAP), np.ones((6, 3)))
    prices = execution_prices(plain.write(tmp_path / "market"), 0, 5)
    found = run_groups(LABELS, SIGNALS, prices, 5)
    assert found.returns[2, 0] == pytest.approx((0.6 + 0.5) / 1.05 - 1, abs=1e-12)


def test_a_suspended_stock_is_bought_at_its_last_close(prices: Prices) -> None:
    # A signal of day 1 trades on day 2, on which A is suspended: it changes hands at 10.
    labels = np.array([[0, 1, 1], [1, 0, 0]])
    found = run_groups(labels, np.array([1, 3]), prices, 5)
    assert found.returns[:, 0] == pytest.approx([0, 0.2, 1 * (0.5 + 0.5 * 0.9) - 1, 0], abs=1e-12)
    check_against_loops(found, labels, np.array([1, 3]), prices)


@pytest.mark.parametrize("seed", range(4))
def test_random_markets_against_loops(seed: int, tmp_path: Path, market: Any) -> None:
    given = market(60, 45, seed=seed, suspended=0.1)
    prices = execution_prices(given.write(tmp_path / "market"), 0, 59)
    signals = np.arange(4, 59, 5)
    score = np.random.default_rng(seed + 50).normal(size=(len(signals), 45))
    labels = group_labels(score, np.isfinite(prices.mark[signals]))
    found = run_groups(labels, signals, prices, 59)
    check_against_loops(found, labels, signals, prices)
    assert np.abs(found.hedged).max() > 1e-3


@pytest.mark.parametrize("stocks", [40, 400])
def test_the_groups_together_are_hedged(stocks: int, tmp_path: Path, market: Any) -> None:
    given = market(250, stocks, seed=3)
    prices = execution_prices(given.write(tmp_path / "market"), 0, 249)
    signals = np.arange(4, 249, 5)
    score = np.random.default_rng(1).normal(size=(len(signals), stocks))
    mask = np.isfinite(prices.mark[signals])
    # As many stocks in each group: otherwise a group's stock weighs more or less than another's.
    for row in mask:
        row[np.flatnonzero(row)[: row.sum() % 20]] = False
    hedged = run_groups(group_labels(score, mask), signals, prices, 249).hedged
    daily = hedged.mean(axis=1)
    bought = np.isin(np.arange(5, 250), signals + 1)
    first = int(np.flatnonzero(bought)[0])
    # On the first day all weights are equal and the mean is zero but for rounding.
    assert abs(daily[first]) < 1e-15
    # Later a group still counts 1/20 in the mean, but in the benchmark it has drifted by its own
    # return since the purchase: what is left is a product of two returns, second order in the
    # spread, with either sign, and gone again at the next purchase.
    spread = hedged.std()
    assert np.abs(daily).max() < 20 * spread**2
    assert abs(daily.mean()) < 0.02 * spread
