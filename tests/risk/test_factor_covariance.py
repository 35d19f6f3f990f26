from dataclasses import replace

import numpy as np
import pytest

from alpha_lightning.risk.arma import fit_arma
from alpha_lightning.risk.factor_covariance import (
    CovarianceSeries,
    Dates,
    Floats,
    rows_before_month,
)
from alpha_lightning.risk.factor_risk import Kind
from alpha_lightning.risk.garch import fit_garch
from alpha_lightning.risk.newey_west import newey_west, shrunk_correlations
from alpha_lightning.risk.settings import RiskSettings

KINDS: tuple[Kind, ...] = ("style", "style", "industry", "industry", "industry", "market")
DFQ = RiskSettings(kind="dfq", window=150, min_days=60, horizon=10)
SIMPLE = replace(DFQ, kind="simple")
BOTH = pytest.mark.parametrize("settings", [DFQ, SIMPLE], ids=["dfq", "simple"])


def trading_days(days: int) -> Dates:
    all_days = np.arange("2018-01-01", "2024-01-01", dtype="datetime64[D]")
    return all_days[np.is_busday(all_days)][:days]


def draw(days: int, seed: int = 0) -> Floats:
    """Correlated factor returns with clustered volatility and some autocorrelation."""
    generator = np.random.default_rng(seed)
    root = np.linalg.cholesky(0.3 + 0.7 * np.eye(6)) * np.array([3, 4, 8, 7, 9, 12])[:, None]
    made, variance, before = np.empty((days, 6)), 1.0, np.zeros(6)
    for row in made:
        shock = np.sqrt(variance) * generator.standard_normal(6)
        variance = 0.1 + 0.1 * float(shock @ shock) / 6 + 0.8 * variance
        now = 1e-3 * root @ shock
        row[:] = now + 0.1 * before
        before = now
    return made


def at(settings: RiskSettings, history: Floats, series: CovarianceSeries | None = None) -> Floats:
    made = series or CovarianceSeries(settings, KINDS)
    return made.covariance(history, trading_days(len(history)))


def test_the_fit_ends_before_the_month() -> None:
    dates = trading_days(60)
    assert dates[44].astype(object).isoformat() == "2018-03-02"
    assert rows_before_month(dates[:45], 30) == slice(13, 43)
    assert rows_before_month(dates[:44], 30) == slice(13, 43)
    assert rows_before_month(dates[:43], 30) == slice(0, 23)
    assert rows_before_month(dates[:23], 30) == slice(0, 0)


def test_dfq_is_that_of_plain_loops() -> None:
    history = draw(240)
    dates = trading_days(240)
    first = int(
        np.flatnonzero(dates.astype("datetime64[M]") == dates[-1].astype("datetime64[M]"))[0]
    )
    before, window = history[first - 150 : first], history[-150:]
    arma = fit_arma(before, np.array([2, 2, 0, 0, 0, 1]))
    garch = fit_garch(arma.innovations(before) ** 2)
    standard, variances = np.empty((150, 6)), []
    for k in range(6):
        phi, theta, alpha, beta = (
            float(a[k]) for a in (arma.phi, arma.theta, garch.alpha, garch.beta)
        )
        mean = sum(window[:, k]) / 150
        away = past = 0.0
        shocks = []
        for day in range(150):
            now = window[day, k] - mean
            away = now - phi * past - theta * away
            past = now
            shocks.append(away)
        level = sum(shock**2 for shock in shocks) / 150
        variance = level
        for day, shock in enumerate(shocks):
            standard[day, k] = shock / variance**0.5
            variance = (1 - alpha - beta) * level + alpha * shock**2 + beta * variance
        total = 0.0
        for day in range(1, 11):
            psi = [1.0] + [phi**lag * (phi + theta) for lag in range(10 - day)]
            expected = level + (alpha + beta) ** (day - 1) * (variance - level)
            total += expected * sum(psi) ** 2
        variances.append(total * 243 / 10)
    told = np.empty((6, 6))
    for i in range(6):
        for j in range(6):
            cross, one, two = (
                float(standard[:, a] @ standard[:, b]) for a, b in ((i, j), (i, i), (j, j))
            )
            told[i, j] = cross / (one * two) ** 0.5 * (variances[i] * variances[j]) ** 0.5
    np.testing.assert_allclose(at(DFQ, history), told, rtol=1e-9)


def test_simple_is_weighted_lagged_and_shrunk() -> None:
    history = draw(240)
    window = history[-150:]
    variance = 243 * np.diag(newey_west(window, 90, SIMPLE.lags))
    long = newey_west(window, 243, SIMPLE.lags)
    size = np.sqrt(np.diag(long))
    correlation = shrunk_correlations(long / np.outer(size, size), KINDS, 0.1)
    told = correlation * np.sqrt(np.outer(variance, variance))
    np.testing.assert_allclose(at(SIMPLE, history), told, rtol=1e-10)


@BOTH
def test_the_covariance_of_a_stable_market_is_found(settings: RiskSettings) -> None:
    root = np.linalg.cholesky(0.3 + 0.7 * np.eye(6)) * np.array([3, 4, 8, 7, 9, 12])[:, None]
    true = 243e-6 * root @ root.T
    history = 1e-3 * np.random.default_rng(1).standard_normal((1500, 6)) @ root.T
    steady = replace(settings, window=1400, half_life=1000, correlation_half_life=1000)
    made = at(steady, history)
    spread = np.sqrt(np.outer(np.diag(true), np.diag(true)))
    np.testing.assert_allclose(np.diag(made), np.diag(true), rtol=0.3)
    np.testing.assert_allclose(made / spread, true / spread, atol=0.25)


@BOTH
def test_a_row_does_not_know_what_came_after_it_or_what_was_asked_before(
    settings: RiskSettings,
) -> None:
    history = draw(330)
    used, dates = CovarianceSeries(settings, KINDS), trading_days(330)
    asked = {rows: used.covariance(history[:rows], dates[:rows]) for rows in range(250, 320, 7)}
    for rows in (285, 250, 299):
        if rows in asked:
            np.testing.assert_array_equal(at(settings, history[:rows]), asked[rows])
    changed = history.copy()
    changed[285:] = 9.0
    np.testing.assert_array_equal(at(settings, changed[:285]), asked[285])
    # No more rows than it reaches back for.
    fresh = CovarianceSeries(settings, KINDS)
    short = slice(285 - fresh.reach, 285)
    np.testing.assert_array_equal(fresh.covariance(history[short], dates[short]), asked[285])
    assert not np.array_equal(asked[285], asked[292])


@BOTH
def test_it_is_a_covariance_whatever_comes(settings: RiskSettings) -> None:
    strange = {
        "few days": draw(21),
        "first month": draw(22),
        "not fitted": draw(90),
        "constant": draw(200) * np.array([1, 0, 1, 1, 0, 1]),
        "jump": np.where(np.arange(200)[:, None] == 190, 0.5, draw(200)),
        "holes": np.where(np.random.default_rng(2).random((200, 6)) < 0.5, np.nan, draw(200)),
        "young": np.where(np.arange(200)[:, None] < [0, 190, 170, 0, 200, 0], np.nan, draw(200)),
        "unit": np.cumsum(draw(200), axis=0),
        "same": np.repeat(draw(200)[:, :1], 6, axis=1),
    }
    for name, history in strange.items():
        made = at(settings, history)
        assert np.isfinite(made).all(), name
        np.testing.assert_array_equal(made, made.T, err_msg=name)
        values = np.linalg.eigvalsh(made)
        assert values[0] > -1e-12 * values[-1], name
        assert np.trace(made) > 0, name


@BOTH
def test_more_factors_than_days_have_a_covariance(settings: RiskSettings) -> None:
    kinds: tuple[Kind, ...] = ("industry",) * 49 + ("market",)
    history = 0.01 * np.random.default_rng(3).standard_normal((30, 50))
    made = CovarianceSeries(settings, kinds).covariance(history, trading_days(30))
    assert np.linalg.eigvalsh(made)[0] > -1e-12 * np.trace(made)
    assert np.diag(made).min() > 0


@BOTH
def test_a_young_factor_has_the_variance_of_its_kind(settings: RiskSettings) -> None:
    history = draw(200)
    history[:185, 3] = np.nan
    made = at(settings, history)
    assert made[3, 3] == pytest.approx((made[2, 2] + made[4, 4]) / 2, rel=1e-12)
    np.testing.assert_array_equal(np.delete(made[3], 3), 0.0)
    history = draw(200)
    history[:190, 5] = np.nan
    made = at(settings, history)
    assert made[5, 5] == pytest.approx(np.diag(made)[:5].mean(), rel=1e-12)


@BOTH
def test_no_days_are_no_covariance(settings: RiskSettings) -> None:
    for history in (draw(19), np.full((100, 6), np.nan)):
        with pytest.raises(ValueError, match="no factor has 20 days of returns up to 2018"):
            at(settings, history)


def test_calm_and_storm_are_told_apart() -> None:
    history = 0.01 * np.random.default_rng(4).standard_normal((200, 6))
    calm, storm = history.copy(), history.copy()
    calm[-10:] *= 0.3
    storm[-10:] *= 3
    stormy = replace(DFQ, window=180)
    for settings in (stormy, replace(stormy, kind="simple", half_life=20)):
        assert np.trace(at(settings, storm)) > np.trace(at(settings, calm))
