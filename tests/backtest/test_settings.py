import dataclasses
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.settings import (
    Conventions,
    CostSettings,
    ExecutionSettings,
    SignalSettings,
)


@pytest.mark.parametrize(
    ("settings", "value", "words"),
    [
        (SignalSettings, {"every": 0}, "signals.every is 0"),
        (ExecutionSettings, {"delay": 0}, "execution.delay is 0"),
        (ExecutionSettings, {"capital": -1.0}, "execution.capital is -1.0"),
        (ExecutionSettings, {"capital": float("nan")}, "execution.capital is nan"),
        (ExecutionSettings, {"participation": 0.0}, "participation is 0.0: .* between 0 and 1"),
        (ExecutionSettings, {"participation": 1.5}, "participation is 1.5"),
        (ExecutionSettings, {"delist_value": 1.1}, "delist_value is 1.1"),
        (ExecutionSettings, {"dividend_tax": -0.1}, "dividend_tax is -0.1"),
        (ExecutionSettings, {"lot": 0}, "execution.lot is 0"),
        (ExecutionSettings, {"split_from": 1.0}, "split_from is 1.0"),
        (CostSettings, {"buy": 1.2}, "costs.buy is 1.2: a rate lies between 0 and 1"),
        (CostSettings, {"sell": -0.1}, "costs.sell is -0.1"),
        (CostSettings, {"sell": float("nan")}, "costs.sell is nan"),
        (CostSettings, {"stamp_duty": {"2008-09-19": 2.0}}, "stamp_duty from 2008-09-19 is 2.0"),
        (CostSettings, {"sell": 0.6, "stamp_duty": {"2008-09-19": 0.6}}, "above 100 %"),
        (CostSettings, {"minimum": -5.0}, "costs.minimum is -5.0"),
        (CostSettings, {"impact": float("inf")}, "costs.impact is inf"),
        (Conventions, {"year": 0}, "conventions.year is 0"),
    ],
)
def test_settings_that_cannot_be_meant(settings: Any, value: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        settings(**value)


@pytest.mark.parametrize("settings", [SignalSettings, ExecutionSettings, CostSettings, Conventions])
def test_defaults_are_legal_and_every_field_is_told(settings: Any) -> None:
    assert dataclasses.asdict(settings())


def test_the_papers_rates_are_the_default() -> None:
    assert (CostSettings().buy, CostSettings().sell) == (0.001, 0.002)
    assert (ExecutionSettings().price, ExecutionSettings().delay) == ("vwap", 1)
