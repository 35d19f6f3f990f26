"""What every weighting model owes to the walk."""

from typing import Any

import numpy as np
import pytest

from alpha_lightning.weighting.design_matrix import DesignMatrix
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.models import choose_model
from alpha_lightning.weighting.weighting_model import Fit, LabelledRows

MODELS: list[Any] = ["lightgbm", "linear", "equal"]


def prepared(model: Any, seed: int, dates: int = 8, stocks: int = 50) -> tuple[Any, DesignMatrix]:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(dates * stocks, 4)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    date = np.repeat(np.arange(dates), stocks)
    design = DesignMatrix(date, np.tile(np.arange(stocks), dates), values, tuple("abcd"))
    chosen = choose_model(LightGBMSettings(model=model, min_data_in_leaf=10, rounds=5), seed=0)
    return chosen, chosen.prepare(design)


@pytest.mark.parametrize("name", MODELS)
def test_predicts_each_row_by_itself(name: Any) -> None:
    model, rows = prepared(name, 0)
    label = np.nan_to_num(rows.values[:, 0]) + 0.1 * np.nan_to_num(rows.values[:, 1])
    part = LabelledRows(rows.values, label)
    fit = model.fit(part, part, 1)
    assert not fit.unusable
    whole = fit.predict(rows.values)
    assert whole.shape == (len(rows),)
    np.testing.assert_array_equal(fit.predict(rows.values[50:60]), whole[50:60])
    assert np.corrcoef(whole, label)[0, 1] > 0.3


@pytest.mark.parametrize("name", MODELS)
def test_a_date_is_prepared_by_itself(name: Any) -> None:
    model, rows = prepared(name, 1)
    _, other = prepared(name, 2)
    before, after = rows.date_index < 5, rows.date_index >= 5
    mixed = DesignMatrix(
        rows.date_index,
        rows.symbol_index,
        np.where(before[:, None], rows.values, other.values),
        rows.columns,
    )
    twice, once = model.prepare(mixed).values, model.prepare(rows).values
    np.testing.assert_array_equal(twice[before], once[before])
    assert not np.array_equal(twice[after], once[after])


def test_a_fit_is_usable_and_silent_unless_it_says_otherwise() -> None:
    fit = Fit(np.sum)
    assert (dict(fit.record), fit.unusable, fit.explain) == ({}, "", None)
