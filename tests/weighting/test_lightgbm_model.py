from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.weighting import lightgbm_model
from alpha_lightning.weighting.design_matrix import DesignMatrix
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings, Trees
from alpha_lightning.weighting.weighting_model import Fit, LabelledRows


def sample(rows: int, seed: int, columns: int = 6) -> LabelledRows:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, columns)).astype(np.float32)
    label = 0.5 * features[:, 0] - 0.3 * features[:, 1] + 0.5 * rng.normal(size=rows)
    return LabelledRows(features, label)


def settings(**changes: Any) -> LightGBMSettings:
    return LightGBMSettings(**({"rounds": 60, "early_stop": 10, "threads": 1} | changes))


def fit_lightgbm(
    train: LabelledRows, valid: LabelledRows, chosen: LightGBMSettings, seed: int
) -> Fit:
    return lightgbm_model.fit_lightgbm(train, valid, chosen, seed, chosen.threads)


TRAIN, VALID, LATER = sample(4000, 1), sample(1000, 2), sample(500, 3)


def test_learns_a_linear_signal_and_stops_early() -> None:
    fit = fit_lightgbm(TRAIN, VALID, settings(learning_rate=0.3, rounds=300), seed=0)
    assert np.corrcoef(fit.predict(LATER.features), LATER.label)[0, 1] > 0.6
    assert 5 < fit.record["best_iteration"] < 200
    assert not fit.unusable


def test_keeps_the_trees_with_the_lowest_validation_error() -> None:
    chosen = settings(learning_rate=0.5, min_data_in_leaf=5, rounds=40)
    fit = fit_lightgbm(TRAIN, VALID, chosen, seed=0)
    errors = []
    for rounds in range(1, fit.record["best_iteration"] + 6):
        # The best of the first `rounds` trees: a running minimum.
        shorter = settings(learning_rate=0.5, min_data_in_leaf=5, rounds=rounds, early_stop=99)
        prediction = fit_lightgbm(TRAIN, VALID, shorter, seed=0).predict(VALID.features)
        errors.append(np.mean((prediction - VALID.label) ** 2))
    kept = np.mean((fit.predict(VALID.features) - VALID.label) ** 2)
    assert kept == min(errors)
    assert np.argmin(errors) + 1 == fit.record["best_iteration"]


def test_two_runs_are_bit_equal_whatever_the_threads() -> None:
    # Few trees: threads that wait for one another on a busy machine take their time.
    few = {"rounds": 6, "num_leaves": 15}
    first = fit_lightgbm(TRAIN, VALID, settings(threads=1, **few), seed=5)
    again = fit_lightgbm(TRAIN, VALID, settings(threads=1, **few), seed=5)
    threads = fit_lightgbm(TRAIN, VALID, settings(threads=2, **few), seed=5)
    expected = first.predict(LATER.features)
    for other in (again, threads):
        assert other.record["best_iteration"] == first.record["best_iteration"]
        np.testing.assert_array_equal(other.predict(LATER.features), expected)


def test_the_seed_matters() -> None:
    one, two = (fit_lightgbm(TRAIN, VALID, settings(), seed=seed) for seed in (1, 2))
    assert not np.array_equal(one.predict(LATER.features), two.predict(LATER.features))


def test_missing_features_are_learnt_from() -> None:
    features = TRAIN.features.copy()
    features[TRAIN.label > 0.5, 2] = np.nan
    fit = fit_lightgbm(
        LabelledRows(features, TRAIN.label), LabelledRows(features, TRAIN.label), settings(), 0
    )
    row = np.zeros((2, 6), dtype=np.float32)
    row[1, 2] = np.nan
    low, high = fit.predict(row)
    assert high > low + 0.3


def test_says_when_no_tree_could_split() -> None:
    fit = fit_lightgbm(TRAIN, VALID, settings(min_data_in_leaf=3000), seed=0)
    assert fit.unusable == "no tree could split 4000 rows at min_data_in_leaf 3000: lower it"
    assert np.ptp(fit.predict(LATER.features)) == 0


def test_defaults_are_the_published_ones() -> None:
    parameters = LightGBMSettings().parameters(seed=7)
    expected = {
        "learning_rate": 0.05,
        "num_leaves": 31,
        "feature_fraction": 0.9,
        "bagging_fraction": 0.8,
        "bagging_freq": 5,
        "min_data_in_leaf": 200,
        "lambda_l2": 1.0,
        "objective": "regression",
        "seed": 7,
        "deterministic": True,
    }
    assert expected.items() <= parameters.items()


def test_extra_is_passed_through() -> None:
    chosen = settings(extra={"max_depth": 1, "num_grad_quant_bins": 4})
    assert chosen.parameters(seed=0)["max_depth"] == 1
    stumps = fit_lightgbm(TRAIN, VALID, chosen, seed=0).predict(LATER.features)
    deep = fit_lightgbm(TRAIN, VALID, settings(), seed=0).predict(LATER.features)
    assert not np.array_equal(stumps, deep)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rounds": 0}, "rounds is 0: it must be at least 1"),
        ({"early_stop": 0}, "early_stop is 0"),
        ({"window": 0}, "window is 0"),
        ({"min_dates": -1}, "min_dates is -1"),
        ({"valid_share": 1.0}, "valid_share is 1.0: it must lie between 0 and 1"),
        ({"valid_share": 0.0}, "valid_share is 0.0"),
        ({"refit_every": 0}, "refit_every is 0"),
        ({"model": "forest"}, "model is forest: choose one of lightgbm, linear, equal"),
        ({"device": "tpu"}, "device is tpu: choose one of cpu, gpu, cuda"),
        ({"extra": {"device_type": "gpu"}}, "extra may not set device_type"),
        ({"extra": {"device": "gpu"}}, "extra may not set device:"),
        ({"extra": {"seed": 1, "num_leaves": 3}}, "extra may not set num_leaves, seed"),
    ],
)
def test_refuses_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        LightGBMSettings(**changes)


def test_names_what_lightgbm_refuses() -> None:
    with pytest.raises(UserError, match=r"LightGBM refused its settings.*bagging_fraction"):
        fit_lightgbm(TRAIN, VALID, settings(bagging_fraction=1.5), seed=0)


def test_only_a_cpu_is_asked_for_the_same_bits() -> None:
    cpu, gpu = (LightGBMSettings(device=device).parameters(seed=0) for device in ("cpu", "gpu"))
    assert (cpu["device_type"], gpu["device_type"]) == ("cpu", "gpu")
    assert cpu["deterministic"]
    assert cpu["force_col_wise"]
    assert not {"deterministic", "force_col_wise"} & set(gpu)


@pytest.mark.parametrize(
    ("device", "error", "build"),
    [
        ("gpu", "No OpenCL device found", "OpenCL (USE_GPU)"),
        ("cuda", "CUDA Tree Learner was not enabled in this build.\nRecompile", "CUDA (USE_CUDA)"),
    ],
)
def test_a_device_that_lightgbm_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, device: str, error: str, build: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise lgb.basic.LightGBMError(error)

    monkeypatch.setattr(lgb, "train", refuse)
    with pytest.raises(UserError) as refused:
        fit_lightgbm(TRAIN, VALID, settings(device=device), seed=0)
    first = error.splitlines()[0]
    assert str(refused.value) == (
        f"LightGBM cannot run on device {device} ({first}): set device to cpu, or install a"
        f" LightGBM built with {build} where such a device is"
    )


def test_explains_what_it_learnt_from() -> None:
    fit = fit_lightgbm(TRAIN, VALID, settings(), seed=0)
    assert fit.explain is not None
    importance = fit.explain(LATER.features)
    assert importance.gain.sum() == pytest.approx(1)
    assert np.argsort(importance.gain)[::-1][:2].tolist() == [0, 1]
    # The label is 0.5 x0 - 0.3 x1 + noise, and E|x| of a normal is sqrt(2 / pi).
    expected = np.sqrt(2 / np.pi) * np.array([0.5, 0.3])
    np.testing.assert_allclose(importance.shap[:2], expected, rtol=0.15)
    assert (importance.shap[2:] < 0.05).all()


def test_shap_values_add_up_to_the_prediction() -> None:
    fit = fit_lightgbm(TRAIN, VALID, settings(rounds=20), seed=0)
    assert fit.explain is not None
    rows = LATER.features[:40]
    alone = np.array([fit.explain(rows[k : k + 1]).shap.sum() for k in range(len(rows))])
    centre = fit.predict(TRAIN.features).mean()
    assert (alone >= np.abs(fit.predict(rows) - centre) - 0.02).all()


def test_trees_take_rows_as_they_are() -> None:
    place = np.zeros(5, dtype=int)
    design = DesignMatrix(place, np.arange(5), TRAIN.features[:5], tuple("abcdef"))
    model = Trees(settings(), seed=3)
    assert model.learns
    assert model.prepare(design) is design
    expected = fit_lightgbm(TRAIN, VALID, settings(), seed=3).predict(LATER.features)
    found = model.fit(TRAIN, VALID, 1).predict(LATER.features)
    np.testing.assert_array_equal(found, expected)
