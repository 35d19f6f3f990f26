import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.evaluation.execution import Prices
from alpha_lightning.evaluation.groups import GroupReturns, group_labels, run_groups

Array = NDArray[Any]


def by_loops(labels: Array, signals: Array, prices: Prices, last: int, group: int) -> list[float]:
    """One group (or all, -1), told in legs: the old book to the trade, the new one from it."""
    mark, trade = prices.mark, prices.trade
    signal_of_trade_day = {int(t) + 1: place for place, t in enumerate(signals) if t < last}
    weights: dict[int, float] = {}
    returns = []
    for day in range(min(signal_of_trade_day), last + 1):
        place = signal_of_trade_day.get(day)
        new = [] if place is None else chosen(labels[place], group)
        if not new:
            growth = {n: mark[day, n] / mark[day - 1, n] for n in weights}
            total = sum(weights[n] * growth[n] for n in weights)
            weights = {n: weights[n] * growth[n] / total for n in weights}
            returns.append(total - 1)
            continue
        old = sum(w * trade[day, n] / mark[day - 1, n] for n, w in weights.items())
        growth = {n: mark[day, n] / trade[day, n] for n in new}
        fresh = sum(growth.values()) / len(new)
        weights = {n: growth[n] / len(new) / fresh for n in new}
        returns.append((old if returns else 1) * fresh - 1)
    return returns


def chosen(labels: Array, group: int) -> list[int]:
    return [n for n, label in enumerate(labels.tolist()) if label >= 0 and group in (label, -1)]


def random_prices(dates: int, stocks: int, seed: int) -> Prices:
    generator = np.random.default_rng(seed)
    mark = 10 * np.exp(np.cumsum(generator.normal(0, 0.02, (dates, stocks)), axis=0))
    trade = mark * np.exp(generator.normal(0, 0.01, mark.shape))
    mark[: dates // 3, 0] = trade[: dates // 3, 0] = np.nan
    return Prices(mark, trade, "vwap", 0.0)


def random_run(seed: int, groups: int = 20, stocks: int = 67) -> tuple[Any, ...]:
    prices = random_prices(60, stocks, seed)
    signals = np.arange(4, 60, 5)
    score = np.random.default_rng(seed + 100).normal(size=(len(signals), stocks))
    mask = np.isfinite(prices.mark[signals])
    mask[3, 15:] = False
    return group_labels(score, mask, groups), signals, prices, 59


def test_three_stocks_and_six_days_by_eye() -> None:
    # Day 1: A and B are bought at 10 each, C is the other group. Day 4: A and C change places.
    mark = np.array([[10, 10, 10], [11, 9, 10], [12, 9, 10], [12, 9, 20], [12, 9, 20], [6, 9, 40]])
    trade = np.array([[1, 1, 1], [10, 10, 10], [1, 1, 1], [1, 1, 1], [18, 9, 20], [1, 1, 1]])
    prices = Prices(mark.astype(float), trade.astype(float), "vwap", 0.0)
    labels = np.array([[0, 0, 1], [1, 0, 0]])
    result = run_groups(labels, np.array([0, 3]), prices, 5)
    assert result.rows.tolist() == [1, 2, 3, 4, 5]
    # A + B: 20 -> 20 -> 21 -> 21; at the trade 27, put into B and C at 9 and 20, which close there.
    # Then C doubles: half of 27 becomes 27.
    top = np.array([1, 20 / 20, 21 / 20, 21 / 20, 27 / 20, 40.5 / 20])
    # C: 10 -> 10 -> 10 -> 20; at the trade 20, put into A at 18, which closes at 12 and then at 6.
    bottom = np.array([1, 1, 1, 2, 2 * 12 / 18, 2 * 6 / 18])
    np.testing.assert_allclose(result.returns[:, 0], top[1:] / top[:-1] - 1, atol=1e-15)
    np.testing.assert_allclose(result.returns[:, 1], bottom[1:] / bottom[:-1] - 1, atol=1e-15)
    # Benchmark: 1/3 each of 10; before the trade 30 -> 30 -> 31 -> 41, at it 47 / 30.
    everything = [0, 31 / 30 - 1, 41 / 31 - 1]
    np.testing.assert_allclose(result.benchmark[:3], everything, atol=1e-15)
    # Drifted weights of the top group at the trade: A 18/27, B 9/27; target B 1/2, C 1/2.
    np.testing.assert_allclose(result.turnover, [[2 / 3, 1]], atol=1e-15)
    assert result.turnover_rows.tolist() == [4]


@pytest.mark.parametrize("seed", range(3))
def test_random_markets_against_plain_loops(seed: int) -> None:
    labels, signals, prices, last = random_run(seed)
    result = run_groups(labels, signals, prices, last)
    assert result.rows.tolist() == list(range(5, 60))
    for group in range(20):
        expected = by_loops(labels, signals, prices, last, group)
        np.testing.assert_allclose(result.returns[:, group], expected, atol=1e-10)
    np.testing.assert_allclose(
        result.benchmark, by_loops(labels, signals, prices, last, -1), atol=1e-10
    )


def test_turnover_against_plain_loops() -> None:
    labels, signals, prices, last = random_run(7)
    result = run_groups(labels, signals, prices, last)
    live = [place for place in range(len(signals) - 1) if (labels[place] >= 0).any()]
    assert result.turnover_rows.tolist() == [signals[place] + 1 for place in live[1:]]
    for row, (before, now) in enumerate(itertools.pairwise(live)):
        bought, sold = signals[before] + 1, signals[now] + 1
        for group in range(20):
            old, new = chosen(labels[before], group), chosen(labels[now], group)
            worth = {n: prices.trade[sold, n] / prices.trade[bought, n] for n in old}
            total = sum(worth.values())
            gap = [worth.get(n, 0) / total - (n in new) / len(new) for n in {*old, *new}]
            expected = sum(abs(x) for x in gap) / 2
            assert result.turnover[row, group] == pytest.approx(expected, abs=1e-10)


def test_groups_are_hedged_on_average() -> None:
    labels, signals, prices, last = random_run(11, stocks=200)
    hedged = run_groups(labels, signals, prices, last).hedged
    assert np.abs(hedged).max() > 1e-2
    # Equal weights make it exact on the day of the purchase; drift between trades is second order.
    assert np.abs(hedged.mean(axis=1)).max() < 3e-4
    assert abs(hedged.mean()) < 3e-5


def test_prices_after_a_day_leave_everything_up_to_it() -> None:
    labels, signals, prices, last = random_run(13)
    before = run_groups(labels, signals, prices, last)
    for row in (5, 24, 25, 40):
        mark, trade = prices.mark.copy(), prices.trade.copy()
        mark[row + 1 :] *= 1.7
        trade[row + 1 :] *= 0.6
        after = run_groups(labels, signals, Prices(mark, trade, "vwap", 0.0), last)
        past = before.rows <= row
        assert np.array_equal(before.returns[past], after.returns[past])
        assert np.array_equal(before.benchmark[past], after.benchmark[past])
        assert np.array_equal(before.hedged_value()[past], after.hedged_value()[past])
        assert not np.array_equal(before.returns, after.returns)


def test_a_week_without_enough_stocks_keeps_the_old_book() -> None:
    labels, signals, prices, last = random_run(17)
    assert (labels[3] == -1).all()
    result = run_groups(labels, signals, prices, last)
    assert result.missed == 1
    assert signals[3] + 1 not in result.turnover_rows
    dropped = run_groups(np.delete(labels, 3, axis=0), np.delete(signals, 3), prices, last)
    assert np.array_equal(result.returns, dropped.returns)


def test_nothing_to_trade_gives_an_empty_run() -> None:
    prices = random_prices(6, 30, 0)
    nothing = run_groups(np.full((1, 30), -1), np.array([2]), prices, 5)
    too_late = run_groups(np.zeros((1, 30), dtype=np.int64), np.array([5]), prices, 5)
    assert len(nothing.rows) == len(too_late.rows) == len(nothing.turnover_rows) == 0
    assert (nothing.missed, too_late.missed) == (1, 0)


def test_labels_cut_equal_counts_from_the_top() -> None:
    score = np.random.default_rng(19).normal(size=(2, 53))
    mask = np.ones(score.shape, dtype=bool)
    mask[0, :4] = False
    labels = group_labels(score, mask)
    for date in range(2):
        sizes = np.bincount(labels[date][labels[date] >= 0], minlength=20)
        assert sizes.max() - sizes.min() <= 1
        assert sizes.sum() == mask[date].sum()
        for group in range(19):
            assert score[date][labels[date] == group].min() > (
                score[date][labels[date] == group + 1].max()
            )
    assert (labels[0, :4] == -1).all()
    assert (group_labels(score[:, :19], mask[:, :19]) == -1).all()


def test_figures_since_a_date_use_only_what_follows_it() -> None:
    labels, signals, prices, last = random_run(23)
    result = run_groups(labels, signals, prices, last)
    hedged = result.hedged[result.rows >= 30]
    expected = np.prod(1 + hedged, axis=0) ** (243 / 30) - 1
    np.testing.assert_allclose(result.annualised(30), expected, atol=1e-12)
    late = result.turnover[result.turnover_rows >= 30].mean(axis=0)
    np.testing.assert_allclose(result.mean_turnover(30), late, atol=1e-15)
    assert np.isnan(result.mean_turnover(59)).all()
    assert isinstance(result, GroupReturns)
