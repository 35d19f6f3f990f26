import dataclasses

import numpy as np
import pytest

from alpha_lightning.simulation.indices import INDICES, Index, IndexDay, IndexRule
from alpha_lightning.simulation.market import MarketDay
from alpha_lightning.simulation.settings import SimulationError


def follow(rule: IndexRule, days: list[MarketDay]) -> list[IndexDay]:
    index = Index(rule)
    return [index.step(day) for day in days]


@pytest.mark.parametrize("rule", INDICES)
def test_weights_sum_to_one_and_follow_floating_capitalisation(
    rule: IndexRule, lively_days: list[MarketDay]
) -> None:
    for today, day in zip(follow(rule, lively_days), lively_days, strict=True):
        assert today.weights.sum() == pytest.approx(1, abs=1e-12)
        members = today.weights > 0
        assert not (members & ~day.status.listed).any()
        ratio = today.weights[members] / day.float_cap[members]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-12)


def test_the_level_is_what_the_weights_of_the_night_before_earn(
    lively_days: list[MarketDay],
) -> None:
    path = follow(INDICES[1], lively_days)
    level = 1000.0
    assert path[0].level == level
    for t in range(1, len(path)):
        stays = lively_days[t].status.listed
        money = held = 0.0
        for n in np.flatnonzero((path[t - 1].weights > 0) & stays):
            weight = path[t - 1].weights[n]
            growth = lively_days[t].float_cap[n] / lively_days[t - 1].float_cap[n]
            held += weight
            money += weight * growth
        level *= money / held
        assert path[t].level == pytest.approx(level, rel=1e-10)


def test_members_are_the_largest_of_the_day_before_the_review(
    lively_days: list[MarketDay],
) -> None:
    path = follow(IndexRule("large", 0, 0.2), lively_days)
    reviews = 0
    for t in range(1, len(path)):
        before, day = lively_days[t - 1], lively_days[t]
        was, now = path[t - 1].weights > 0, path[t].weights > 0
        months = [str(d.date)[:7] for d in (before, day)]
        if months[0] != months[1] and months[1][5:] in ("06", "12"):
            listed = np.flatnonzero(before.status.listed)
            ranked = sorted(listed, key=lambda n: -float(before.total_cap[n]))
            expected = set(ranked[: round(0.2 * len(listed))])
            assert set(np.flatnonzero(now)) == {n for n in expected if day.status.listed[n]}
            reviews += 1
        else:
            assert (now == (was & day.status.listed)).all()
    assert reviews == 2


def test_the_all_share_index_holds_every_stock_listed_by_the_review(
    lively_days: list[MarketDay],
) -> None:
    path = follow(INDICES[0], lively_days)
    assert ((path[0].weights > 0) == lively_days[0].status.listed).all()
    waiting = [
        (day.status.listed & ~(today.weights > 0)).sum()
        for today, day in zip(path, lively_days, strict=True)
    ]
    reviewed = [t for t in range(1, 260) if str(lively_days[t].date)[5:7] in ("06", "12")]
    assert waiting[reviewed[0] - 1] > 3
    assert waiting[reviewed[0]] <= 1


def test_an_index_without_a_member_is_a_mistake_of_the_settings(
    lively_days: list[MarketDay],
) -> None:
    index, day = Index(INDICES[0]), lively_days[1]
    index.step(lively_days[0])
    nobody = dataclasses.replace(day.status, listed=np.zeros_like(day.status.listed))
    with pytest.raises(SimulationError, match="000985 is left on 2018-01-03: lower market"):
        index.step(dataclasses.replace(day, status=nobody))


def test_three_indices_split_the_market_by_size(lively_days: list[MarketDay]) -> None:
    everybody, large, middle = (follow(rule, lively_days)[0].weights > 0 for rule in INDICES)
    listed = int(everybody.sum())
    assert [rule.code for rule in INDICES] == ["000985", "000300", "000905"]
    assert (large.sum(), middle.sum()) == (round(listed / 5), round(listed / 3))
    assert not (large & middle).any()
    cap = lively_days[0].total_cap
    assert cap[large].min() > cap[middle].max()
    assert cap[middle].min() > cap[everybody & ~large & ~middle].max()


def test_a_large_market_has_indices_of_300_and_500(lively_days: list[MarketDay]) -> None:
    day, count = lively_days[0], 3000
    status = dataclasses.replace(day.status, listed=np.ones(count, dtype=np.bool_))
    cap = np.arange(1.0, count + 1)
    big = dataclasses.replace(day, status=status, total_cap=cap, float_cap=cap)
    _, large, middle = (follow(rule, [big])[0].weights > 0 for rule in INDICES)
    assert np.flatnonzero(large).tolist() == list(range(2700, 3000))
    assert np.flatnonzero(middle).tolist() == list(range(2200, 2700))
