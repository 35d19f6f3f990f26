import dataclasses

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
    with pytest.raises(dataclasses.FrozenInstanceError):
        seen.value = 2.0  # type: ignore[misc]
