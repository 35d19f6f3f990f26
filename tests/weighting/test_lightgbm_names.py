"""Names of LightGBM's parameters."""

import pytest

from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.lightgbm_names import unknown_parameters


@pytest.mark.parametrize("slip", ["max_dept", "n_estimators", "Max_depth", "learning rate", ""])
def test_slips_and_aliases_are_unknown(slip: str) -> None:
    assert unknown_parameters(["max_depth", slip, "max_bin"]) == [slip]


def test_what_we_set_ourselves_is_known() -> None:
    assert unknown_parameters(LightGBMSettings().parameters(seed=0)) == []
