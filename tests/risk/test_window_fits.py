"""Regressions of many stocks at once against statsmodels, one at a time."""

import numpy as np
import pytest
from statsmodels.api import WLS, add_constant

from alpha_lightning.risk.factor_risk import Floats
from alpha_lightning.risk.window_fits import Window, WindowFit, by_blocks, window_fit

DAYS = 80


def random_window(stocks: int = 12, seed: int = 0) -> tuple[Window, Floats]:
    generator = np.random.default_rng(seed)
    regressors = generator.normal(size=(DAYS, 3))
    loads = generator.normal(size=(stocks, 3))
    values = loads @ regressors.T + generator.normal(0.5, 1, (stocks, DAYS))
    known = generator.random(values.shape) > np.linspace(0, 0.6, stocks)[:, None]
    return Window(np.where(known, values, 0.0), known.astype(np.float64)), regressors


def assert_same(made: WindowFit, window: Window, x: Floats, weights: Floats) -> None:
    for stock in range(len(window.values)):
        days = (window.known[stock] > 0) & np.isfinite(x).all(axis=1)
        scale = weights[np.isfinite(x).all(axis=1)].mean()
        fit = WLS(
            window.values[stock, days], add_constant(x[days]), weights=weights[days] / scale
        ).fit()
        assert made.slope[stock] == pytest.approx(fit.params[-1], rel=1e-9)
        assert made.error[stock] == pytest.approx(fit.bse[-1] ** 2, rel=1e-9)
        assert made.residual[stock] == pytest.approx(fit.scale, rel=1e-9)


@pytest.mark.parametrize("columns", [1, 3])
def test_it_is_weighted_least_squares(columns: int) -> None:
    window, x = random_window()
    x = x[:, :columns]
    x[[3, 40]] = np.nan
    weights = 0.5 ** (np.arange(DAYS)[::-1] / 30)
    assert_same(window_fit(window, x, weights, 20), window, x, weights)
    scaled = window_fit(window, x, 1e6 * weights, 20)
    assert_same(scaled, window, x, weights)


def test_redundant_regressors_are_left_out() -> None:
    window, x = random_window()
    alone = window_fit(window, x[:, :1], np.ones(DAYS), 20)
    doubled = np.column_stack([x[:, 0], 2 * x[:, 0], np.zeros(DAYS)])
    made = window_fit(window, doubled, np.ones(DAYS), 20)
    np.testing.assert_allclose(made.residual, alone.residual, rtol=1e-9)
    assert np.isnan(made.slope).all(), "nothing is said of a regressor that is left out"


def test_too_few_days_say_nothing() -> None:
    window, x = random_window()
    window.known[0, 19:] = window.values[0, 19:] = 0.0
    window.known[0, :19] = 1.0
    window.known[1] = window.values[1] = 0.0
    made = window_fit(window, x, np.ones(DAYS), 20)
    for part in (made.slope, made.error, made.residual):
        assert np.isnan(part[:2]).all()
        assert np.isfinite(part[2:]).all()


def test_days_without_regressors_say_nothing() -> None:
    window, x = random_window()
    made = window_fit(window, np.full_like(x, np.nan), np.ones(DAYS), 20)
    assert np.isnan(made.slope).all()
    assert np.isnan(made.residual).all()


@pytest.mark.parametrize("lines", [0, 1, 63, 64, 65, 200])
def test_blocks_make_the_whole_product(lines: int) -> None:
    generator = np.random.default_rng(0)
    values, columns = generator.normal(size=(lines, 9)), generator.normal(size=(9, 4))
    np.testing.assert_allclose(by_blocks(values, columns), values @ columns, rtol=1e-12)
