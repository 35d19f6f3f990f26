from types import SimpleNamespace
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.grid_settings import GridSettings
from alpha_lightning.study.groups_of_settings import refuse_groups_without_names

GROUPS = ("replacement", "signals", "execution", "costs", "benchmark", "conventions", "curves")


def given(**changes: Any) -> dict[str, Any]:
    return {name: SimpleNamespace() for name in GROUPS} | changes


def test_settings_below_their_names_are_fine() -> None:
    refuse_groups_without_names(GridSettings, given())


@pytest.mark.parametrize(("value", "told"), [([5], r"\[5\]"), (3, "3"), ("off", "'off'")])
def test_a_value_in_their_place_is_refused(value: Any, told: str) -> None:
    with pytest.raises(UserError, match=f"costs is {told}: write its settings below it"):
        refuse_groups_without_names(GridSettings, given(costs=value))


def test_null_is_the_default_of_a_group_and_no_setting_of_a_group_in_it() -> None:
    refuse_groups_without_names(GridSettings, given(costs=None))
    with pytest.raises(UserError, match=r"portfolios\.costs is null"):
        refuse_groups_without_names(GridSettings, given(costs=None), "portfolios.")
