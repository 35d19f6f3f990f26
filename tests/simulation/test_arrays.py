import dataclasses

import numpy as np
import pytest

from alpha_lightning.simulation import arrays
from alpha_lightning.simulation.market import Bars, MarketDay

KINDS = {np.float64: "Floats", np.bool_: "Flags", np.int64: "Numbers", np.datetime64: "Dates"}


@pytest.mark.parametrize("part", ["bars", "status", None])
def test_every_array_of_a_day_is_of_the_type_it_is_annotated_with(
    lively_days: list[MarketDay], part: str | None
) -> None:
    day = lively_days[100]
    holder = getattr(day, part) if part else day
    stocks = len(day.bars.close)
    checked = 0
    for field in dataclasses.fields(holder):
        value = getattr(holder, field.name)
        if isinstance(value, np.ndarray):
            assert field.type == getattr(arrays, KINDS[value.dtype.type]), field.name
            assert value.shape == (stocks,), field.name
            checked += 1
    assert checked >= 4
    assert isinstance(day.bars, Bars)
