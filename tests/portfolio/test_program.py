"""Limits that make no sense, and what a solution has when nothing is said."""

import math

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.portfolio.program import RELAXED_FIRST, Audit, Limits, Solution


@pytest.mark.parametrize("name", RELAXED_FIRST)
@pytest.mark.parametrize("value", [-0.01, math.nan, math.inf])
def test_a_limit_is_a_number_of_0_or_more(name: str, value: float) -> None:
    with pytest.raises(UserError, match=f"^limit {name} is {value}: ") as told:
        Limits(**{name: value})
    assert "\n" not in str(told.value)
    assert getattr(Limits(**{name: 0.0}), name) == 0


def test_a_floor_is_a_share() -> None:
    assert Limits(floor=1.0).floor == 1
    with pytest.raises(UserError, match="limit floor is 80: a share"):
        Limits(floor=80)
    # The others are no shares of 1.
    assert Limits(style=3.0, turnover=2.0).style == 3


def test_without_limits_all_are_none() -> None:
    assert [getattr(Limits(), name) for name in RELAXED_FIRST] == [None] * 6


def test_the_worst_of_an_audit() -> None:
    assert Audit({}, {}).worst == 0
    assert Audit({"turnover": 0.2}, {"turnover": 0.01, "style": 0.2, "bounds": 0.0}).worst == 0.2


def test_a_failed_solution_has_no_weights_and_no_objective() -> None:
    failed = Solution(None, "failed", reason="why")
    assert failed.weights is None
    assert math.isnan(failed.objective)
    assert failed.slacks == {}
    assert failed.audit.worst == 0
