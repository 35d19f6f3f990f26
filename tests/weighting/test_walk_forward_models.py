"""What the walk owes to every model: the same months, no look ahead, the same bits in parallel."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from alpha_lightning.panel.returns import Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.universe import universe
from alpha_lightning.panel.vintages import cut_vintage
from alpha_lightning.weighting.design_matrix import from_dense
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.walk_forward import Month, WalkForward
from alpha_lightning.windows.sample import SampleRule, take_sample

Array = NDArray[Any]
LABEL = Horizon(10, 1)
SMALL: dict[str, Any] = {"min_data_in_leaf": 20, "rounds": 8, "threads": 1}
MODELS = ["lightgbm", "linear", "equal"]


@pytest.fixture(scope="module")
def panel(make_panel: Callable[..., Panel]) -> Panel:
    steps = np.random.default_rng(0).normal(size=(460, 40)) * 0.02
    return make_panel(10 * np.exp(np.cumsum(steps, axis=0)), first="2020-07-01")


@pytest.fixture(scope="module")
def factors(panel: Panel) -> Array:
    """Four factors, the first three of which add up to the label and noise; some are missing."""
    rng = np.random.default_rng(1)
    label = np.nan_to_num(take_sample(panel, SampleRule()).label)
    values = rng.normal(size=(*label.shape, 4)) + 0.3 * label[..., None]
    values[rng.random(values.shape) < 0.05] = np.nan
    return values.astype(np.float32)


def months_of(
    panel: Panel, factors: Array, *, explain: bool = False, **changes: Any
) -> tuple[WalkForward, list[Month]]:
    settings = LightGBMSettings(**(SMALL | changes))
    walk = WalkForward.over(panel, "all", LABEL, settings, seed=0)
    vintage = cut_vintage(panel.dates, 2022)
    columns = tuple(f"gru/rawbar/f{k:02d}" for k in range(factors.shape[-1]))
    design = from_dense(factors, universe(panel), vintage.output, columns)
    return walk, walk.serve(design, walk.plan(vintage, design), explain=explain)


def scored(panel: Panel, factors: Array, **changes: Any) -> Array:
    walk, months = months_of(panel, factors, **changes)
    return walk.scores(months)


@pytest.mark.parametrize("model", MODELS)
def test_finds_a_planted_signal(panel: Panel, factors: Array, model: str) -> None:
    scores, label = scored(panel, factors, model=model), take_sample(panel, SampleRule()).label
    both = np.isfinite(scores) & np.isfinite(label)
    assert np.corrcoef(scores[both], label[both])[0, 1] > 0.25


@pytest.mark.parametrize("model", MODELS)
def test_many_fits_at_once_give_the_bits_of_one_after_another(
    panel: Panel, factors: Array, model: str
) -> None:
    serial = months_of(panel, factors, model=model, explain=True)[1]
    for threads in (2, 3, 8):
        parallel = months_of(panel, factors, model=model, threads=threads, explain=True)[1]
        for one, other in zip(serial, parallel, strict=True):
            assert one.record == other.record
            np.testing.assert_array_equal(one.predictions, other.predictions)
            if one.importance and other.importance:
                np.testing.assert_array_equal(
                    one.importance.values.shap, other.importance.values.shap
                )


@pytest.mark.parametrize("model", MODELS)
def test_changing_the_future_leaves_the_past_bit_equal(
    panel: Panel, factors: Array, make_panel: Callable[..., Panel], model: str
) -> None:
    t = int(np.searchsorted(panel.dates, np.datetime64("2022-02-28")))
    close = np.array(panel.market("close"))
    close[t + 1 :] *= np.random.default_rng(9).uniform(0.5, 2, size=close[t + 1 :].shape)
    changed = factors.copy()
    changed[t + 1 :] = -3 * changed[t + 1 :]
    changed[t + 1 :, :5] = np.nan
    other = make_panel(close, "2020-07-01")
    walk, before = months_of(panel, factors, model=model, explain=True)
    twin, after = months_of(other, changed, model=model, explain=True)
    one, two = walk.scores(before), twin.scores(after)
    np.testing.assert_array_equal(one[: t + 1], two[: t + 1])
    assert np.isfinite(one[t]).any()
    assert not np.array_equal(one[t + 1 :], two[t + 1 :], equal_nan=True)
    # The importance of January and February is known at the end of February.
    for month, same in zip(before[:2], after[:2], strict=True):
        assert month.record == same.record
        if model == "equal":
            assert month.importance is None
        else:
            assert month.importance is not None
            assert same.importance is not None
            assert month.importance.until <= panel.dates[t]
            np.testing.assert_array_equal(month.importance.values.gain, same.importance.values.gain)
            np.testing.assert_array_equal(month.importance.values.shap, same.importance.values.shap)


def test_the_gain_knows_nothing_of_the_months_it_is_dated(panel: Panel, factors: Array) -> None:
    t = int(np.searchsorted(panel.dates, np.datetime64("2022-02-01")))
    changed = factors.copy()
    changed[t:] = -3 * changed[t:]
    for model in ("lightgbm", "linear"):
        before, after = (
            months_of(panel, x, model=model, explain=True)[1][1].importance
            for x in (factors, changed)
        )
        assert before is not None
        assert after is not None
        assert before.date == panel.dates[t]
        np.testing.assert_array_equal(before.values.gain, after.values.gain)


@pytest.mark.parametrize("model", ["lightgbm", "linear"])
def test_records_what_a_fit_promises(panel: Panel, factors: Array, model: str) -> None:
    walk, months = months_of(panel, factors, model=model, window=100)
    # A fit's own month, had it been the validation dates: they are served by the same fit.
    record = months[0].record
    first, last = (int(np.searchsorted(panel.dates, np.datetime64(d))) for d in record["valid"])
    shifted = WalkForward(walk.dates, walk.members, walk.label, LABEL, walk.settings, 0)
    vintage = cut_vintage(panel.dates, 2022)
    design = from_dense(factors, universe(panel), vintage.output, ("a/b/c",) * 4)
    refit = walk.plan(vintage, design)[0]
    assert refit.valid.tolist() == list(range(first, last + 1))
    moved = type(refit)(refit.train, refit.valid, refit.valid)
    served = shifted.scores(shifted.serve(design, (moved,)))
    ics = []
    for x, y in zip(served[first : last + 1], walk.label[first : last + 1], strict=True):
        both = np.isfinite(x) & np.isfinite(y)
        ics.append(stats.spearmanr(x[both], y[both]).statistic)
    assert record["valid_rank_ic"] == pytest.approx(np.mean(ics), abs=1e-6)
    assert record["valid_rank_ic"] > 0.2


def test_equal_weights_need_nothing_to_learn_from(panel: Panel, factors: Array) -> None:
    late = factors.copy()
    late[: int(np.searchsorted(panel.dates, np.datetime64("2021-12-20")))] = np.nan
    walk, months = months_of(panel, late, model="equal", min_dates=200)
    assert [month.record for month in months] == [
        {"date": date, "dates": 0, "rows": 0}
        for date in ("2022-01-03", "2022-02-01", "2022-03-01", "2022-04-01")
    ]
    about = walk.describe(months)
    assert (about["model"], about["weighting"], about["skipped"]) == ("equal", "equal", [])
    scores = walk.scores(months)
    t = int(np.searchsorted(panel.dates, np.datetime64("2022-03-08")))
    x = factors[t].astype(float)
    z = np.nan_to_num((x - np.nanmean(x, axis=0)) / np.nanstd(x, axis=0))
    np.testing.assert_allclose(scores[t], z.mean(axis=1), atol=3e-5)


def test_the_linear_model_is_fitted_on_the_training_dates(panel: Panel, factors: Array) -> None:
    walk, months = months_of(panel, factors, model="linear")
    record = months[2].record
    assert sorted(record) == [
        *("date", "dates", "penalty", "rows", "train", "valid", "valid_rank_ic"),
    ]
    first, last = (np.searchsorted(panel.dates, np.datetime64(d)) for d in record["train"])
    x = factors.astype(float)
    mean, std = np.nanmean(x, axis=1, keepdims=True), np.nanstd(x, axis=1, keepdims=True)
    z = np.nan_to_num((x - mean) / std)
    learnt = np.zeros(walk.label.shape, dtype=bool)
    learnt[first : last + 1] = np.isfinite(walk.label[first : last + 1])
    assert learnt.sum() == record["rows"]
    a, y = z[learnt], walk.label[learnt].astype(float)
    ridge = a.T @ a + record["penalty"] * len(y) * np.eye(4)
    expected = z[months[2].cells] @ np.linalg.solve(ridge, a.T @ y)
    np.testing.assert_allclose(months[2].predictions, expected, atol=2e-4)


def test_a_fit_may_serve_several_months(panel: Panel, factors: Array) -> None:
    monthly = months_of(panel, factors)[1]
    months = months_of(panel, factors, refit_every=3, explain=True)[1]
    assert [month.record["date"] for month in months] == ["2022-01-03", "2022-04-01"]
    np.testing.assert_array_equal(
        months[0].predictions[: len(monthly[0].predictions)], monthly[0].predictions
    )
    assert str(panel.dates[months[0].cells[0]][-1]) == "2022-03-31"
    assert months[0].importance is not None
    assert str(months[0].importance.until) == "2022-03-31"
    assert months[0].importance.values.gain.sum() == pytest.approx(1)


def test_importance_only_when_asked_for(panel: Panel, factors: Array) -> None:
    assert all(month.importance is None for month in months_of(panel, factors)[1])


@pytest.mark.parametrize("value", [np.nan, 3.0])
def test_factors_that_tell_nothing_are_not_averaged(
    panel: Panel, factors: Array, value: float
) -> None:
    march = panel.dates.astype("datetime64[M]") == np.datetime64("2022-03")
    silent = factors.copy()
    silent[march] = value
    walk, months = months_of(panel, silent, model="equal")
    (skipped,) = walk.describe(months)["skipped"]
    assert skipped["date"] == "2022-03-01"
    assert skipped["reason"] == "the factors tell no stock from another"
    assert np.isnan(walk.scores(months)[march]).all()
