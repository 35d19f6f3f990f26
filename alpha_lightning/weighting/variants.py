"""Names of scores: runs of a model, variants of a model's score, integrations of several models."""

import re
from typing import Literal

LINEAR = "linear weighting"
EQUAL = "equal weighting"
IN_SAMPLE = "in-sample stacking"
_RUN = re.compile(r"/s\d+$")


def run_name(model: str, seed: int) -> str:
    """What the score of one run of a model is called.

    Example:
        >>> run_name("gru", 0)
        'gru/s0'
    """
    return f"{model}/s{seed}"


def model_of(name: str) -> str:
    """The model of a run's score; any other name as it is.

    Example:
        >>> model_of("gru/s0"), model_of("RNNv1")
        ('gru', 'RNNv1')
    """
    return _RUN.sub("", name)


def variant_name(model: str, variant: str) -> str:
    """What a model's score is called when it is made in another way than the study's first.

    Args:
        model: the score's usual name.
        variant: `LINEAR`, `EQUAL` or `IN_SAMPLE`.

    Example:
        >>> variant_name("gru", LINEAR)
        'gru, linear weighting'
    """
    return f"{model}, {variant}"


def variant_of(name: str) -> tuple[str, str]:
    """A score's usual name and its variant, empty when it is no variant.

    Example:
        >>> variant_of("gru, in-sample stacking"), variant_of("gru, mean of factors")
        (('gru', 'in-sample stacking'), ('gru, mean of factors', ''))
    """
    for variant in (LINEAR, EQUAL, IN_SAMPLE):
        model = name.removesuffix(f", {variant}")
        if model != name:
            return model, variant
    return name, ""


def integrated_name(group: str, how: Literal["v0", "v1", "opt"]) -> str:
    """What the integration of a group of models is called.

    Args:
        group: its name, empty for the one group of all models.
        how: ``v0`` (one weighting model on the factors of all), ``v1`` (equal mean of the
            members' scores) or ``opt`` (mean with weights ``R^-1 IC``).

    Example:
        >>> integrated_name("RNN", "v1"), integrated_name("", "v0")
        ('RNNv1', 'v0')
    """
    return f"{group}{how}"
