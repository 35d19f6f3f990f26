"""The ridge regression against its closed form, penalty by penalty."""

import subprocess
import sys

import numpy as np
import pytest

from alpha_lightning.weighting.design_matrix import DesignMatrix
from alpha_lightning.weighting.linear_model import PENALTIES, Ridge, fit_ridge
from alpha_lightning.weighting.standardised_rows import standardised_rows
from alpha_lightning.weighting.weighting_model import Fit, LabelledRows

WEIGHTS = np.array([0.3, -0.2, 0.1, 0, 0, 0])


def sample(dates: int, seed: int, noise: float = 1.0, stocks: int = 100) -> LabelledRows:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(dates * stocks, len(WEIGHTS)))
    values[:, 1] += values[:, 0]
    date = np.repeat(np.arange(dates), stocks)
    names = tuple(map(str, range(len(WEIGHTS))))
    rows = standardised_rows(DesignMatrix(date, date, values.astype(np.float32), names))
    label = rows.values @ WEIGHTS + noise * rng.normal(size=len(rows))
    return LabelledRows(rows.values, label.astype(np.float32))


def closed_form(train: LabelledRows, penalty: float) -> np.ndarray:
    x, y = train.features.astype(float), train.label.astype(float)
    return np.asarray(np.linalg.solve(x.T @ x + penalty * len(y) * np.eye(x.shape[1]), x.T @ y))


def coefficients(fit: Fit) -> np.ndarray:
    return fit.predict(np.eye(len(WEIGHTS), dtype=np.float32))


def error(weights: np.ndarray, rows: LabelledRows) -> float:
    return float(np.mean((rows.features.astype(float) @ weights - rows.label) ** 2))


@pytest.mark.parametrize(("days", "noise"), [(2, 6.0), (3, 3.0), (20, 1.0), (40, 0.1)])
def test_equals_the_closed_form_at_the_best_penalty(days: int, noise: float) -> None:
    train, valid = sample(days, 1, noise), sample(10, 2, noise)
    fit = fit_ridge(train, valid)
    candidates = [closed_form(train, penalty) for penalty in PENALTIES]
    best = int(np.argmin([error(weights, valid) for weights in candidates]))
    assert fit.record == {"penalty": round(PENALTIES[best], 6)}
    np.testing.assert_allclose(coefficients(fit), candidates[best], atol=2e-5)
    assert not fit.unusable


def test_the_grid_is_used() -> None:
    chosen = [
        fit_ridge(sample(2, seed, noise), sample(10, 9, noise)).record["penalty"]
        for seed, noise in ((1, 10.0), (2, 0.1))
    ]
    assert chosen[0] > chosen[1]
    assert PENALTIES[0] == pytest.approx(0.001)
    assert PENALTIES[-1] == pytest.approx(100)


def test_more_rows_than_a_block() -> None:
    train, valid = sample(400, 1), sample(200, 2)
    fit = fit_ridge(train, valid)
    expected = closed_form(train, fit.record["penalty"])
    np.testing.assert_allclose(coefficients(fit), expected, atol=2e-5)
    whole = fit.predict(train.features)
    np.testing.assert_allclose(whole, train.features.astype(float) @ expected, atol=1e-4)
    assert len(whole) == 40_000


def test_linearly_dependent_factors_share_their_weight() -> None:
    one, valid = sample(30, 1), sample(10, 2)
    twice = [
        LabelledRows(np.hstack([part.features, part.features]), part.label) for part in (one, valid)
    ]
    fit = fit_ridge(*twice)
    weights = fit.predict(np.eye(12, dtype=np.float32))
    np.testing.assert_allclose(weights[:6], weights[6:], atol=1e-5)
    np.testing.assert_allclose(2 * weights[:3], WEIGHTS[:3], atol=0.05)


def test_explains_by_the_coefficients() -> None:
    fit, rows = fit_ridge(sample(20, 1), sample(10, 2)), sample(5, 3).features
    assert fit.explain is not None
    importance, weights = fit.explain(rows), np.abs(coefficients(fit))
    np.testing.assert_allclose(importance.gain, weights / weights.sum())
    # The SHAP value of a linear model is the coefficient times the distance from the mean, 0.
    np.testing.assert_allclose(importance.shap, np.abs(rows * weights).mean(axis=0), rtol=1e-5)


def test_says_when_nothing_varies() -> None:
    flat = LabelledRows(np.zeros((50, 3), dtype=np.float32), np.ones(50, dtype=np.float32))
    assert fit_ridge(flat, flat).unusable == "no factor tells apart the 50 rows to learn from"


def test_prepares_by_date_and_ignores_threads() -> None:
    values = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    design = DesignMatrix(np.repeat([0, 1], 25), np.arange(50), values, ("a", "b"))
    np.testing.assert_array_equal(Ridge().prepare(design).values, standardised_rows(design).values)
    train, valid = sample(10, 1), sample(5, 2)
    one, two = (Ridge().fit(train, valid, threads) for threads in (1, 2))
    np.testing.assert_array_equal(coefficients(one), coefficients(two))


def test_any_number_of_threads_gives_the_same_bits() -> None:
    # Of 300 columns LAPACK itself gives other last bits on two threads than on one.
    program = """
import hashlib, numpy as np
from alpha_lightning.weighting.design_matrix import DesignMatrix
from alpha_lightning.weighting.linear_model import fit_ridge
from alpha_lightning.weighting.standardised_rows import standardised_rows
from alpha_lightning.weighting.weighting_model import LabelledRows
rng = np.random.default_rng(0)
x = (rng.normal(size=(6000, 300)) + rng.normal(size=(6000, 1))).astype(np.float32)
x = standardised_rows(DesignMatrix(np.repeat(np.arange(6), 1000), np.arange(6000), x, ())).values
rows = LabelledRows(x, rng.normal(size=6000).astype(np.float32))
print(hashlib.sha256(fit_ridge(rows, rows).predict(x).tobytes()).hexdigest())
"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            check=True,
            capture_output=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(digests) == 1
