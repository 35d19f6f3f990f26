import math
from dataclasses import replace

import numpy as np
import pytest

from alpha_lightning.risk.factor_covariance import Dates, rows_before_month
from alpha_lightning.risk.garch import fit_garch
from alpha_lightning.risk.settings import RiskSettings
from alpha_lightning.risk.specific_risk import Floats, SpecificSeries
from tests.risk.specific_risk_plain import (
    level_of,
    plain_ewma,
    plain_group_factor,
    plain_groups,
    plain_ratio,
    plain_shrunk,
)

DFQ = RiskSettings(kind="dfq", window=280, horizon=10)
SIMPLE = replace(DFQ, kind="simple")
BOTH = pytest.mark.parametrize("settings", [DFQ, SIMPLE], ids=["dfq", "simple"])
DAYS, STOCKS = 330, 60


def trading_days(days: int) -> Dates:
    all_days = np.arange("2018-01-01", "2024-01-01", dtype="datetime64[D]")
    return all_days[np.is_busday(all_days)][:days]


def draw(seed: int = 0) -> tuple[Floats, Floats]:
    """Specific returns of stocks young and old, some reverting, and their market values."""
    generator = np.random.default_rng(seed)
    storm = np.exp(0.5 * np.sin(np.arange(DAYS) / 40))[:, None]
    noise = 0.02 * storm * generator.standard_normal((DAYS, STOCKS))
    noise *= np.exp(0.3 * generator.standard_normal(STOCKS))
    noise[1:] -= 0.2 * noise[:-1]
    noise[:300, 3], noise[:315, 4], noise[:, 5] = np.nan, np.nan, np.nan
    noise[generator.random((DAYS, STOCKS)) < 0.02] = np.nan
    cap = np.exp(generator.standard_normal(STOCKS)) * 1e10
    cap[7] = np.nan
    return noise, cap


def at(settings: RiskSettings, history: Floats, cap: Floats) -> Floats:
    return SpecificSeries(settings).variance(history, cap, trading_days(len(history)))


def parts(history: Floats, cap: Floats) -> tuple[list[list[float]], Floats, list[float]]:
    """Returns in the window and market values of the stocks that are told, and their levels."""
    own = np.flatnonzero(np.isfinite(cap))
    stocks = [history[-280:, k].tolist() for k in own]
    return stocks, cap[own], [level_of(stock) for stock in stocks]


@pytest.mark.parametrize("equal", [False, True])
def test_simple_is_that_of_plain_loops(equal: bool) -> None:
    history, cap = draw()
    if equal:
        cap = np.where(np.isfinite(cap), 1.0, np.nan)
    stocks, own, level = parts(history, cap)
    sigma = [
        math.sqrt(plain_ewma(stock, 90, SIMPLE.lags)) if math.isfinite(one) else math.nan
        for stock, one in zip(stocks, level, strict=True)
    ]
    middle = float(np.nanmedian(level))
    measure = [one if math.isfinite(one) else middle for one in level] if equal else own.tolist()
    told = plain_shrunk(sigma, plain_groups(measure), own, 0.1)
    got = at(SIMPLE, history, cap)
    np.testing.assert_allclose(got[np.isfinite(cap)], 243 * np.square(told), rtol=1e-10)
    assert np.flatnonzero(np.isnan(got)).tolist() == [7]


def test_dfq_is_that_of_plain_loops() -> None:
    history, cap = draw()
    stocks, own, level = parts(history, cap)
    before = history[rows_before_month(trading_days(DAYS), 280)]
    old = [k for k in range(STOCKS) if np.isfinite(before[:, k]).sum() >= 21]
    standard = before[:, old] / np.sqrt(np.nanmean(before[:, old] ** 2, axis=0))
    garch = fit_garch(np.nanmean(standard**2, axis=1)[:, None])
    alpha, beta = float(garch.alpha[0]), float(garch.beta[0])
    group, places = plain_groups(own.tolist()), np.flatnonzero(np.isfinite(cap))
    sigma = [math.nan] * len(own)
    for number in range(max(group) + 1):
        mates = [k for k in range(len(own)) if group[k] == number]
        squares = [
            float(np.nanmean([stocks[k][day] ** 2 / level[k] for k in mates])) for day in range(280)
        ]
        factor = plain_group_factor(squares, alpha, beta, 10)
        factor *= plain_ratio(
            [before[:, places[k]].tolist() for k in mates if places[k] in old], 10
        )
        for k in mates:
            sigma[k] = math.sqrt(level[k] * factor)
    told = plain_shrunk(sigma, group, own, 0.1)
    got = at(DFQ, history, cap)
    np.testing.assert_allclose(got[np.isfinite(cap)], 243 * np.square(told), rtol=1e-9)
    assert 0 < alpha < alpha + beta < 1


@BOTH
def test_a_row_does_not_know_what_came_after_it_or_what_was_asked_before(
    settings: RiskSettings,
) -> None:
    history, cap = draw()
    history, dates = history.astype(np.float32), trading_days(DAYS)
    used = SpecificSeries(settings)
    asked = {rows: used.variance(history[:rows], cap, dates[:rows]) for rows in range(270, 331, 10)}
    for rows in (320, 270, 300):
        np.testing.assert_array_equal(at(settings, history[:rows], cap), asked[rows])
    changed = history.copy()
    changed[300:] = 0.5
    np.testing.assert_array_equal(at(settings, changed[:300], cap), asked[300])
    short = slice(max(0, 330 - used.reach), 330)
    fresh = SpecificSeries(settings).variance(history[short], cap, dates[short])
    np.testing.assert_array_equal(fresh, asked[330])


@BOTH
def test_stocks_that_list_later_do_not_move_a_bit(settings: RiskSettings) -> None:
    history, cap = draw()
    history, places = history.astype(np.float32), np.array([0, 10, 10, 60])
    more = np.insert(history, places, np.float32(np.nan), axis=1)
    got = at(settings, more, np.insert(cap, places, np.nan))
    kept = np.delete(got, places + np.arange(4))
    np.testing.assert_array_equal(kept, at(settings, history, cap))
    assert np.isnan(got[places + np.arange(4)]).all()


@BOTH
def test_a_young_stock_has_the_risk_of_stocks_of_its_size(settings: RiskSettings) -> None:
    history, cap = draw()
    got = np.sqrt(at(replace(settings, specific_shrinkage=0.0), history, cap))
    group = np.full(STOCKS, -1)
    group[np.isfinite(cap)] = plain_groups(cap[np.isfinite(cap)].tolist())
    for young in (4, 5):
        mates = np.flatnonzero((group == group[young]) & ~np.isin(np.arange(STOCKS), [4, 5]))
        told = np.average(got[mates], weights=cap[mates])
        assert got[young] == pytest.approx(told, rel=1e-10)


@BOTH
def test_shrinkage_draws_the_extremes_together(settings: RiskSettings) -> None:
    history, cap = draw()
    free, drawn = (
        np.sqrt(at(replace(settings, specific_shrinkage=q), history, cap)) for q in (0.0, 1.0)
    )
    assert np.nanstd(drawn) < 0.8 * np.nanstd(free)


@BOTH
def test_risk_is_never_nothing(settings: RiskSettings) -> None:
    history, cap = draw()
    history[:, 20] *= 1e-6
    history[:, 21] = 0.0
    got = at(replace(settings, specific_shrinkage=0.0), history, cap)
    assert np.sqrt(got[20] / np.nanmedian(got)) == pytest.approx(0.1, rel=1e-6)
    assert got[21] > got[20]
    assert (got[np.isfinite(cap)] > 0).all()


@BOTH
def test_few_days_few_stocks_and_none(settings: RiskSettings) -> None:
    history, cap = draw()
    for rows, stocks in ((21, 60), (40, 3), (100, 1), (130, 60)):
        got = at(settings, history[:rows, :stocks], cap[:stocks])
        known = np.isfinite(cap[:stocks])
        assert (np.isfinite(got) == known).all(), (rows, stocks)
    assert np.isnan(at(settings, history[:20], cap)).all()
    assert np.isnan(at(settings, history, np.full(STOCKS, np.nan))).all()


@BOTH
def test_the_volatility_of_noise_is_found(settings: RiskSettings) -> None:
    generator = np.random.default_rng(1)
    sigma = np.exp(0.3 * generator.standard_normal(400)) * 0.02
    history = sigma * generator.standard_normal((DAYS, 400))
    cap = np.exp(generator.standard_normal(400))
    ratio = np.sqrt(at(settings, history, cap) / 243) / sigma
    assert ratio.mean() == pytest.approx(1, abs=0.05)
    assert ratio.std() < 0.2


def test_reversal_lowers_and_a_storm_raises_what_is_expected() -> None:
    generator = np.random.default_rng(2)
    noise = 0.02 * generator.standard_normal((DAYS, 200))
    cap = np.exp(generator.standard_normal(200))
    calm = np.nanmean(at(DFQ, noise, cap))
    back = noise.copy()
    back[1:] -= 0.3 * noise[:-1]
    # Ten-day sums of 0.7 of the noise, days of 1.09 of its variance.
    assert np.nanmean(at(DFQ, back, cap)) == pytest.approx(0.53 * calm, rel=0.1)
    # The last of the waves ends at its crest.
    wave = noise * np.exp(0.8 * np.cos((np.arange(DAYS) - DAYS) / 25))[:, None]
    assert np.nanmean(at(DFQ, wave, cap)) > 1.5 * np.nanmean(wave**2) * 243
