"""TOP-N by hand, its rules one by one, and a plain twin on random dates."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.portfolio.policy import Hold, Observation, Target
from alpha_lightning.portfolio.top_n import TopN

Array = NDArray[Any]


def seen(
    scores: list[float],
    held: dict[int, float] | None = None,
    outside: tuple[int, ...] = (),
    suspended: tuple[int, ...] = (),
) -> Observation:
    """Stocks 0, 1, ... with their scores; ``held`` gives drifted weights."""
    n = len(scores)
    weights = np.zeros(n)
    for column, weight in (held or {}).items():
        weights[column] = weight
    away = [np.isin(np.arange(n), columns) for columns in (outside, suspended)]
    return Observation(
        date=np.datetime64("2024-01-05"),
        symbols=np.array([f"S{k:03d}" for k in range(n)]),
        scores=np.array(scores),
        universe=~away[0],
        traded=~away[1],
        shares=weights * 100,
        weights=weights,
        value=100.0,
        past=lambda field, days: np.empty((days, len(field))),
    )


def answer(policy: TopN, *given: Any, **more: Any) -> Target:
    target = policy.decide(seen(*given, **more))
    assert isinstance(target, Target)
    assert target.max_names == policy.names
    assert len(target.columns) == len(target.weights) == len(target.keep) <= policy.names
    return target


FALLING = [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0]


def test_the_first_purchase_is_of_the_best_without_a_limit() -> None:
    target = answer(TopN(3, delta=0.0, reserves=2), FALLING)
    assert target.columns.tolist() == [0, 1, 2]
    assert target.weights.tolist() == [1 / 3] * 3
    assert not target.keep.any()
    assert target.reserves.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("delta", "sold"), [(0.0, ()), (0.1, ()), (0.13, (7,)), (0.25, (7,)), (0.5, (7, 6)), (1.0, 4)]
)
def test_the_worst_give_way_to_the_best_up_to_the_limit(delta: float, sold: Any) -> None:
    held = dict.fromkeys((4, 5, 6, 7), 0.25)
    target = answer(TopN(4, delta), FALLING, held)
    gone = (7, 6, 5, 4) if sold == 4 else sold
    assert set(target.columns.tolist()) == {*held, *range(len(gone))} - {*gone}
    assert target.columns.tolist()[4 - len(gone) :] == list(range(len(gone)))
    first = len(gone)
    assert target.reserves.tolist() == list(range(first, 4))


def test_who_is_among_the_best_is_not_sold() -> None:
    # 0 and 2 are among the best three; only 7 may go, and 1 is the best not held.
    target = answer(TopN(3, delta=1.0), FALLING, {0: 0.3, 2: 0.3, 7: 0.4})
    assert target.columns.tolist() == [0, 2, 1]


def test_a_wider_band_of_ranks_keeps_more() -> None:
    held = {3: 0.5, 7: 0.5}
    assert answer(TopN(2, 1.0), FALLING, held).columns.tolist() == [0, 1]
    assert answer(TopN(2, 1.0, keep_within=4), FALLING, held).columns.tolist() == [3, 0]


def test_no_exchange_for_a_score_that_is_not_higher() -> None:
    # Stock 1 has the same score as 0: by columns it is the worse, and nothing is gained.
    assert answer(TopN(1, 1.0), [5.0, 5.0, 1.0], {1: 1.0}).columns.tolist() == [1]
    assert answer(TopN(1, 1.0), [5.1, 5.0, 1.0], {1: 1.0}).columns.tolist() == [0]


def test_without_a_score_or_outside_the_universe_is_the_worst() -> None:
    held = dict.fromkeys((0, 1, 6, 7), 0.25)
    scores = [np.nan, *FALLING[1:]]
    assert answer(TopN(4, 0.25), scores, held).columns.tolist() == [1, 6, 7, 2]
    target = answer(TopN(4, 0.25), scores, held, outside=(1,))
    assert target.columns.tolist() == [0, 6, 7, 2], "of two that are worst the larger column goes"
    # Even the best score outside the universe is neither bought nor a reserve.
    assert 0 not in answer(TopN(4), FALLING, outside=(0,)).columns


def test_what_did_not_trade_is_neither_bought_nor_sold() -> None:
    held = dict.fromkeys((5, 6, 7), 1 / 3)
    target = answer(TopN(3, 0.34), FALLING, held, suspended=(0, 7))
    assert target.columns.tolist() == [5, 7, 1]
    assert 0 not in target.reserves


def test_vacancies_are_filled_and_surplus_is_sold_whatever_the_limit() -> None:
    assert answer(TopN(4, 0.0), FALLING, {7: 0.2}).columns.tolist() == [7, 0, 1, 2]
    held = dict.fromkeys(range(3, 8), 0.2)
    assert answer(TopN(4, 0.0), FALLING, held).columns.tolist() == [3, 4, 5, 6]
    assert answer(TopN(4, 0.25), FALLING, held).columns.tolist() == [3, 4, 5, 0]


def test_too_few_stocks_leave_cash_and_a_short_target() -> None:
    target = answer(TopN(4), [3.0, 2.0, np.nan, 1.0], outside=(3,))
    assert target.columns.tolist() == [0, 1]
    assert target.weights.tolist() == [0.25, 0.25]
    assert not len(target.reserves)


def test_shares_that_stay_as_they_are() -> None:
    held = {0: 0.5, 1: 0.1, 7: 0.3}
    target = answer(TopN(3, 1.0, reweight="never"), FALLING, held)
    assert target.columns.tolist() == [0, 1, 2]
    assert target.keep.tolist() == [True, True, False]
    assert target.weights == pytest.approx([0.5, 0.1, 0.4])
    target = answer(TopN(3, 1.0, reweight="band", band=0.25), FALLING, {0: 0.4, 1: 0.1, 2: 0.3})
    assert target.keep.tolist() == [True, False, True]
    assert target.weights == pytest.approx([0.4, 1 / 3, 0.3])


@pytest.mark.parametrize("reweight", ["never", "band"])
def test_a_first_purchase_is_in_equal_weights(reweight: Any) -> None:
    target = answer(TopN(4, reweight=reweight), FALLING)
    assert target.weights.tolist() == [0.25] * 4
    assert not target.keep.any()


def test_without_scores_the_portfolio_is_held_and_says_why() -> None:
    few = [1.0, *[np.nan] * 4]
    assert TopN(2).decide(seen([np.nan] * 5)) == Hold("no scores")
    assert TopN(2).decide(seen(few)) == Hold("scores for 1 of 5 stocks")
    assert answer(TopN(2, min_coverage=0.2), few).columns.tolist() == [0]
    assert TopN(2).decide(seen(FALLING, outside=tuple(range(8)))) == Hold("no scores")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"names": 0}, "policy.names is 0: it must be 1 or more"),
        ({"reserves": -1}, "policy.reserves is -1: it must be 0 or more"),
        ({"delta": 1.1}, "policy.delta is 1.1: it must lie between 0 and 1"),
        ({"delta": float("nan")}, "policy.delta is nan: it must lie between 0 and 1"),
        ({"min_coverage": -0.1}, "policy.min_coverage is -0.1: it must lie between 0 and 1"),
        ({"names": 10, "keep_within": 9}, "policy.keep_within is 9: it must be at least"),
        ({"band": -0.1}, "policy.band is -0.1: it must be 0 or more"),
        ({"reweight": "often"}, "policy.reweight is often: choose always, never or band"),
    ],
)
def test_settings_outside_their_range(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        TopN(**settings)


def plain(policy: TopN, now: Observation) -> tuple[list[int], list[int], list[int]]:
    """Who stays, who enters and who stands by, stock after stock."""
    good = [k for k in range(len(now.scores)) if now.universe[k] and np.isfinite(now.scores[k])]
    ranked = sorted(good, key=lambda k: (-now.scores[k], k))
    inside = ranked[: policy.keep_within or policy.names]
    held = [k for k in range(len(now.scores)) if now.shares[k] > 0]
    exits = [k for k in held if k not in inside and now.traded[k]]
    exits.sort(key=lambda k: (k in good, now.scores[k] if k in good else 0.0, -k))
    fresh = [k for k in ranked if k not in held and now.traded[k]]
    stay = list(held)
    enter: list[int] = []
    while len(stay) > policy.names and exits:
        stay.remove(exits.pop(0))
    while len(stay) + len(enter) < policy.names and fresh and len(held) < policy.names:
        enter.append(fresh.pop(0))
    left = int(np.floor(policy.delta * policy.names + 0.5))
    while left and exits and fresh:
        if exits[0] in good and now.scores[fresh[0]] <= now.scores[exits[0]]:
            break
        stay.remove(exits.pop(0))
        enter.append(fresh.pop(0))
        left -= 1
    return stay, enter, fresh[: policy.reserves]


@pytest.mark.parametrize("seed", range(300))
def test_a_plain_twin_decides_the_same(seed: int) -> None:
    generator = np.random.default_rng(seed)
    n, names = int(generator.integers(3, 40)), int(generator.integers(1, 12))
    # Few different scores: ties everywhere.
    scores = generator.integers(0, 12, n).astype(np.float64)
    scores[generator.random(n) < 0.2] = np.nan
    held = {k: 0.05 for k in range(n) if generator.random() < 0.3}
    keep = None if generator.random() < 0.5 else names + int(generator.integers(0, 5))
    policy = TopN(names, generator.random(), keep, reserves=3, min_coverage=0.0)
    away = [tuple(np.flatnonzero(generator.random(n) < 0.15).tolist()) for _ in range(2)]
    now = seen(scores.tolist(), held, *away)
    target = policy.decide(now)
    if isinstance(target, Hold):
        assert target == Hold("no scores")
        return
    stay, enter, reserves = plain(policy, now)
    assert target.columns.tolist() == stay + enter
    assert target.reserves.tolist() == reserves
