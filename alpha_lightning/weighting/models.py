"""Which weighting model the settings ask for."""

from collections.abc import Callable

from alpha_lightning.weighting.equal_model import EqualWeights
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings, Trees
from alpha_lightning.weighting.linear_model import Ridge
from alpha_lightning.weighting.weighting_model import WeightingModel


def choose_model(settings: LightGBMSettings, seed: int) -> WeightingModel:
    """The model of ``settings.model``.

    Args:
        settings: of the model.
        seed: of LightGBM; the others draw nothing.
    """
    models: dict[str, Callable[[], WeightingModel]] = {
        "lightgbm": lambda: Trees(settings, seed),
        "linear": Ridge,
        "equal": EqualWeights,
    }
    return models[settings.model]()
