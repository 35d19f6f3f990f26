"""Weights that are played back whatever is seen."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.portfolio.fixed_weights import FixedWeights
from alpha_lightning.portfolio.policy import Hold, Observation, Policy, Target


def seen(date: str) -> Observation:
    n: NDArray[Any] = np.zeros(3)
    return Observation(
        np.datetime64(date), np.array(["A", "B", "C"]), n, n > 0, n > 0, n, n, 1.0,
        lambda field, days: np.empty((days, len(field))),
    )  # fmt: skip


def test_each_date_has_its_own_and_the_others_hold() -> None:
    target = Target(np.array([1]), np.ones(1), np.zeros(1, np.bool_), np.empty(0, np.intp))
    day, other = np.datetime64("2024-01-05"), np.datetime64("2024-01-12")
    policy: Policy = FixedWeights({day: target, other: Hold("no scores")})
    assert policy.decide(seen("2024-01-05")) is target
    assert policy.decide(seen("2024-01-05T00:00:00.000000")) is target
    assert policy.decide(seen("2024-01-12")) == Hold("no scores")
    assert policy.decide(seen("2024-01-19")) == Hold("no target weights for the date")
