"""Settings outside their range are refused, by name."""

from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.risk.settings import STYLES, RiskSettings


def test_the_defaults_are_the_papers() -> None:
    settings = RiskSettings()
    assert settings.kind == "dfq"
    assert settings.regression == "huber"
    assert tuple(settings.styles) == STYLES
    assert len(STYLES) == 10


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("styles", ["size", "sise"], "risk.styles has 'sise': choose each once from size, beta"),
        ("styles", ["size", "size"], "risk.styles names a style twice"),
        ("thin_industry", 0, "risk.thin_industry is 0: it must be 1 or more"),
        ("window", 19, "risk.window is 19: it must be 20 or more"),
        ("min_days", 19, "risk.min_days is 19: it must be 20 or more"),
        ("min_days", 487, "risk.min_days is 487, above risk.window, 486: lower it"),
        ("horizon", 0, "risk.horizon is 0"),
        ("half_life", 0, "risk.half_life is 0"),
        ("correlation_half_life", 0, "risk.correlation_half_life is 0"),
        ("lags", -1, "risk.lags is -1: it must be 0 or more"),
        ("shrinkage", -0.1, "risk.shrinkage is -0.1: it must lie between 0 and 1"),
        ("shrinkage", 1.1, "risk.shrinkage is 1.1"),
        ("shrinkage", float("nan"), "risk.shrinkage is nan"),
        ("huber", 0.0, "risk.huber is 0.0: it must be above 0"),
        ("huber", float("inf"), "risk.huber is inf"),
        ("specific_shrinkage", -1.0, "risk.specific_shrinkage is -1.0: it must be 0 or more"),
        ("specific_shrinkage", float("nan"), "risk.specific_shrinkage is nan"),
    ],
)
def test_a_setting_outside_its_range(name: str, value: Any, told: str) -> None:
    with pytest.raises(UserError, match=told):
        RiskSettings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("styles", []), ("window", 60), ("lags", 0), ("shrinkage", 1.0), ("specific_shrinkage", 0.0)],
)
def test_the_ends_of_the_ranges(name: str, value: Any) -> None:
    assert getattr(RiskSettings(**{name: value}), name) == value
