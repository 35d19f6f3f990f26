import dataclasses

import numpy as np
import pytest

from alpha_lightning.simulation import arrays
from alpha_lightning.simulation.bars import Bars
from alpha_lightning.simulation.market import MarketDay

KINDS = {np.float64: "Floats", np.bool_: "Flags", np.int64: "Numbers", np.datetime64: "Dates"}


@pytest.mark.parametrize("part", ["bars", "status", "limits", "minutes", "prints", None])
def test_every_array_of_a_day_is_of_the_type_it_is_annotated_with(
    lively_days: list[MarketDay], part: str | None
) -> None:
    day = lively_days[100]
    holder = getattr(day, part) if part else day
    columns = {"minutes": day.minutes.lots.shape[1:], "prints": day.prints.lots.shape[1:]}
    shape = (len(day.bars.close), *columns.get(part or "", ()))
    checked = 0
    for field in dataclasses.fields(holder):
        value = getattr(holder, field.name)
        if isinstance(value, np.ndarray):
            assert field.type == getattr(arrays, KINDS[value.dtype.type]), field.name
            assert value.shape == shape, field.name
            checked += 1
    assert checked >= 2
    assert isinstance(day.bars, Bars)
