from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.weighting.lightgbm_model import LabelledRows, LightGBMSettings, fit_lightgbm


def sample(rows: int, seed: int, columns: int = 6) -> LabelledRows:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, columns)).astype(np.float32)
    label = 0.5 * features[:, 0] - 0.3 * features[:, 1] + 0.5 * rng.normal(size=rows)
    return LabelledRows(features, label)


def settings(**changes: Any) -> LightGBMSettings:
    return LightGBMSettings(**({"rounds": 60, "early_stop": 10, "threads": 1} | changes))


TRAIN, VALID, LATER = sample(4000, 1), sample(1000, 2), sample(500, 3)


def test_learns_a_linear_signal_and_stops_early() -> None:
    fit = fit_lightgbm(TRAIN, VALID, settings(learning_rate=0.3, rounds=300), seed=0)
    assert np.corrcoef(fit.predict(LATER.features), LATER.label)[0, 1] > 0.6
    assert 5 < fit.best_iteration < 200
    assert not fit.constant


def test_keeps_the_trees_with_the_lowest_validation_error() -> None:
    chosen = settings(learning_rate=0.5, min_data_in_leaf=5, rounds=40)
    fit = fit_lightgbm(TRAIN, VALID, chosen, seed=0)
    errors = []
    for rounds in range(1, fit.best_iteration + 6):
        # The best of the first `rounds` trees: a running minimum.
        shorter = settings(learning_rate=0.5, min_data_in_leaf=5, rounds=rounds, early_stop=99)
        prediction = fit_lightgbm(TRAIN, VALID, shorter, seed=0).predict(VALID.features)
        errors.append(np.mean((prediction - VALID.label) ** 2))
    kept = np.mean((fit.predict(VALID.features) - VALID.label) ** 2)
    assert kept == min(errors)
    assert np.argmin(errors) + 1 == fit.best_iteration


def test_two_runs_are_bit_equal_whatever_the_threads() -> None:
    # Few trees: threads that wait for one another on a busy machine take their time.
    few = {"rounds": 6, "num_leaves": 15}
    first = fit_lightgbm(TRAIN, VALID, settings(threads=1, **few), seed=5)
    again = fit_lightgbm(TRAIN, VALID, settings(threads=1, **few), seed=5)
    threads = fit_lightgbm(TRAIN, VALID, settings(threads=2, **few), seed=5)
    expected = first.predict(LATER.features)
    for other in (again, threads):
        assert other.best_iteration == first.best_iteration
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
    assert fit.constant
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
        ({"extra": {"seed": 1, "num_leaves": 3}}, "extra may not set num_leaves, seed"),
    ],
)
def test_refuses_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        LightGBMSettings(**changes)


def test_names_what_lightgbm_refuses() -> None:
    with pytest.raises(UserError, match=r"LightGBM refused its settings.*bagging_fraction"):
        fit_lightgbm(TRAIN, VALID, settings(bagging_fraction=1.5), seed=0)
