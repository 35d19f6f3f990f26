import dataclasses
from typing import Any

import numpy as np
import pytest

from alpha_lightning.portfolio.policy import Hold, Observation, Policy, Target


class Everything:
    def decide(self, seen: Observation) -> Target | Hold:
        chosen = np.flatnonzero(seen.universe)
        weights = np.full(len(chosen), 1 / len(chosen))
        none = np.empty(0, dtype=np.intp)
        return Target(chosen, weights, np.zeros(len(chosen), dtype=bool), none)


def test_a_policy_is_anything_that_decides_and_history_asks_for_the_past() -> None:
    past = np.arange(12.0).reshape(4, 3)
    seen = Observation(
        date=np.datetime64("2024-01-05"),
        symbols=np.array(["a", "b", "c"]),
        scores=np.zeros(3),
        universe=np.array([True, False, True]),
        traded=np.ones(3, dtype=bool),
        shares=np.zeros(3),
        weights=np.zeros(3),
        value=1.0,
        past=lambda _, days: past[-days:].copy(),
    )
    policy: Policy = Everything()
    target = policy.decide(seen)
    assert isinstance(target, Target)
    assert target.columns.tolist() == [0, 2]
    np.testing.assert_array_equal(seen.history("close", 2), past[2:])
    assert [flags.tolist() for flags in seen.at_limits()] == [[False] * 3] * 2
    up, down = np.array([True, False, False]), np.array([False, False, True])
    limited = dataclasses.replace(seen, limits=lambda: (up, down))
    assert limited.at_limits() == (up, down)
    with pytest.raises(dataclasses.FrozenInstanceError):
        seen.value = 2.0  # type: ignore[misc]


def target(columns: list[int], weights: list[float], **changes: Any) -> Target:
    given = {"keep": [False] * len(columns), "reserves": []} | changes
    return Target(
        np.array(columns, dtype=np.intp),
        np.array(weights),
        np.array(given["keep"], dtype=np.bool_),
        np.array(given["reserves"], dtype=np.intp),
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (target([0, 1], [0.5]), "columns, weights and keep are 2, 1 and 2 long"),
        (target([0, 3], [0.5, 0.5]), "columns are not all from 0 to 2"),
        (target([-1, 0], [0.5, 0.5]), "columns are not all from 0 to 2"),
        (target([1, 1], [0.5, 0.5]), "columns name a stock twice"),
        (target([0], [1.0], reserves=[1, 1]), "reserves name a stock twice"),
        (target([0], [1.0], reserves=[3]), "reserves are not all from 0 to 2"),
        (target([0, 1], [1.5, -0.5]), "weights are negative or NaN"),
        (target([0, 1], [0.5, np.nan]), "weights are negative or NaN"),
        (target([0, 1], [0.5, 0.6]), "weights sum to 1.1, above 1"),
    ],
)
def test_what_cannot_be_traded(wrong: Target, told: str) -> None:
    assert wrong.fault(3) == told


def test_what_can_be_traded() -> None:
    for good in (
        target([], []),
        target([0, 1], [0.5, 0.5 + 1e-7], reserves=[2]),
        target([0, 1], [0.9, 0.5], keep=[True, False]),
        target([2], [np.nan], keep=[True]),
    ):
        assert good.fault(3) == ""
