import pytest

from alpha_lightning.weighting.equal_model import EqualWeights
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings, Trees
from alpha_lightning.weighting.linear_model import Ridge
from alpha_lightning.weighting.models import choose_model


def test_every_model_of_the_settings_is_there() -> None:
    trees = LightGBMSettings()
    assert choose_model(trees, 7) == Trees(trees, 7)
    assert choose_model(LightGBMSettings(model="linear"), 7) == Ridge()
    assert choose_model(LightGBMSettings(model="equal"), 7) == EqualWeights()


@pytest.mark.parametrize(("name", "learns"), [("lightgbm", 1), ("linear", 1), ("equal", 0)])
def test_equal_weights_alone_are_not_learnt(name: str, learns: int) -> None:
    settings = LightGBMSettings(model=name)  # type: ignore[arg-type]
    assert choose_model(settings, 0).learns == bool(learns)
