import numpy as np

from alpha_lightning.weighting.design_matrix import DesignMatrix
from alpha_lightning.weighting.equal_model import EqualWeights
from alpha_lightning.weighting.weighting_model import LabelledRows


def test_is_the_mean_of_the_factors_z_scored_by_date() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 3)) * [1, 10, 100] + [0, 5, -3]
    values[rng.random(values.shape) < 0.1] = np.nan
    date = np.repeat([4, 5, 9], 20)
    design = DesignMatrix(date, np.tile(np.arange(20), 3), values.astype(np.float32), tuple("abc"))
    model = EqualWeights()
    nothing = LabelledRows(np.empty((0, 3)), np.empty(0))
    fit = model.fit(nothing, nothing, 1)
    assert fit.explain is None
    found = fit.predict(model.prepare(design).values)
    for day in (4, 5, 9):
        x = values[date == day]
        z = np.nan_to_num((x - np.nanmean(x, axis=0)) / np.nanstd(x, axis=0))
        np.testing.assert_allclose(found[date == day], z.mean(axis=1), atol=2e-5)


def test_the_order_of_columns_changes_no_bit() -> None:
    values = np.random.default_rng(1).normal(size=(500, 37)).astype(np.float32)
    place = np.zeros(500, dtype=int)
    names = tuple(map(str, range(37)))
    model = EqualWeights()
    nothing = LabelledRows(np.empty((0, 37)), np.empty(0))
    fit = model.fit(nothing, nothing, 1)
    one, other = (
        fit.predict(model.prepare(DesignMatrix(place, np.arange(500), x, names)).values)
        for x in (values, values[:, ::-1])
    )
    np.testing.assert_array_equal(one, other)
