"""Both models on a market whose true factors are known, with exact exposures.

Its volatility clusters, shocks have fat tails and events, prices obey limits, and everything but
the market's part is taken back little by little, as the planted reversal does.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from alpha_lightning.risk.bias import DRAWS, Draw, mean_bias, of_period, random_portfolios
from alpha_lightning.risk.factor_covariance import CovarianceSeries, Dates, Floats
from alpha_lightning.risk.factor_risk import Kind
from alpha_lightning.risk.regression import fit_day
from alpha_lightning.risk.settings import RiskSettings
from alpha_lightning.risk.specific_risk import SpecificSeries
from alpha_lightning.simulation.returns import Returns
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.stocks import draw_stocks
from alpha_lightning.simulation.streams import Purpose, stream
from alpha_lightning.simulation.trading_days import trading_days

SETTINGS = MarketSettings(stocks=800, days=1700)
WARM = 350
PERIOD = 21
PORTFOLIOS = 40
REVERSAL = 0.053
KINDS: tuple[Kind, ...] = (*("style",) * 3, *("industry",) * 12, "market")


@dataclass(frozen=True)
class Known:
    """A market of which all is known.

    Args:
        dates: ``(T,)``.
        returns: ``(T, N)``.
        exposures: ``(N, K)``: beta and two styles, industries, the market.
        cap: ``(N,)``.
        factors: ``(T, K)`` true factor returns in the model's terms, drift included.
        fitted: ``(T, K)`` estimated ones.
        specific: ``(T, N)`` estimated specific returns.
    """

    dates: Dates
    returns: Floats
    exposures: Floats
    cap: Floats
    factors: Floats
    fitted: Floats
    specific: np.ndarray[tuple[int, int], np.dtype[np.float32]]


@cache
def market(seed: int) -> Known:
    dates = trading_days(SETTINGS.start, SETTINGS.days)
    stocks = draw_stocks(SETTINGS, seed, dates)
    simulated, industry = Returns(SETTINGS, stocks), np.arange(800) % 12
    cap = stocks.shares * stocks.price
    share = cap / cap.sum()
    raw = np.column_stack([stocks.beta, *stocks.styles])
    centre, size = share @ raw, raw.std(axis=0)
    styles, memory = (raw - centre) / size, np.zeros(800)
    given = (styles, industry, 12, cap)
    returns, factors = np.empty((len(dates), 800)), np.empty((len(dates), 16))
    for day, row in enumerate(returns):
        draws, events = (stream(seed, p, day) for p in (Purpose.RETURNS, Purpose.EVENTS))
        drift = -REVERSAL * stocks.volatility * memory
        move = simulated.step(draws, events, industry, drift)
        memory = 0.8 * memory + move.relative
        row[:] = np.clip(move.total, -0.1, 0.1)
        common = np.bincount(industry, share) @ move.industries
        factors[day, :3] = size * [move.market, *move.styles]
        factors[day, 3:15] = move.industries - common
        factors[day, 15] = centre @ [move.market, *move.styles] + common
        # What is expected of a day is in step with the exposures too.
        factors[day] += fit_day(drift, *given, RiskSettings(regression="wls")).factor_returns
    fits = [fit_day(row, *given, RiskSettings()) for row in returns]
    dummies = (industry[:, None] == np.arange(12)).astype(np.float64)
    return Known(
        dates=dates,
        returns=returns,
        exposures=np.column_stack([styles, dummies, np.ones(800)]),
        cap=cap,
        factors=factors,
        fitted=np.array([fit.factor_returns for fit in fits]),
        specific=np.array([fit.specific_returns for fit in fits], dtype=np.float32),
    )


@cache
def forecasts(kind: str, seed: int) -> tuple[Floats, Floats]:
    """Covariances ``(D, K, K)`` and specific variances ``(D, N)`` at the end of each period."""
    known = market(seed)
    settings = RiskSettings(kind="dfq" if kind == "dfq" else "simple", horizon=PERIOD)
    series, specific = CovarianceSeries(settings, KINDS), SpecificSeries(settings)
    covariances, variances = [], []
    for row in range(WARM, len(known.dates) - PERIOD, PERIOD):
        own = slice(max(0, row + 1 - series.reach), row + 1)
        covariances.append(series.covariance(known.fitted[own], known.dates[own]))
        variances.append(specific.variance(known.specific[own], known.cap, known.dates[own]))
    return np.array(covariances), np.array(variances)


def bias_of(kind: str, draw: Draw, days: int, seed: int) -> float:
    """Mean bias statistic of random portfolios in the first days of each period."""
    known, (covariances, variances) = market(seed), forecasts(kind, seed)
    rows = range(WARM, len(known.dates) - PERIOD, PERIOD)
    realised = np.array([known.returns[row + 1 : row + 1 + days].sum(axis=0) for row in rows])
    generator, industry = np.random.default_rng(7), np.arange(800) % 12
    weights = random_portfolios(generator, draw, industry, PORTFOLIOS)
    exposed = weights @ known.exposures
    variance = np.einsum("pk,dkl,pl->dp", exposed, covariances, exposed)
    variance += variances @ (weights**2).T
    return mean_bias(realised @ weights.T, of_period(np.sqrt(variance), days))


def test_factor_returns_are_the_true_ones() -> None:
    known = market(0)
    close = [np.corrcoef(known.factors[:, k], known.fitted[:, k])[0, 1] for k in range(16)]
    assert min(close[:3]) > 0.97
    assert min(close[3:15]) > 0.95
    assert close[15] > 0.99
    # In size too, not only in step.
    ratio = known.fitted.std(axis=0) / known.factors.std(axis=0)
    np.testing.assert_allclose(ratio, 1.0, atol=0.08)


@pytest.mark.parametrize("kind", ["dfq", "simple"])
def test_covariances_are_about_the_known_ones(kind: str) -> None:
    covariances, _ = forecasts(kind, 0)
    running = np.cumsum(market(0).factors, axis=0)
    # Sums of 21 days: shocks come back, and a day's variance tells too much.
    true = np.cov((running[PERIOD:] - running[:-PERIOD]).T) / PERIOD
    mean = covariances.mean(axis=0) / 243
    told = np.sqrt(np.diag(mean) / np.diag(true))
    assert told[15] == pytest.approx(1, abs=0.15)
    assert told[:15].mean() == pytest.approx(1, abs=0.15)
    size, own = (np.sqrt(np.outer(np.diag(one), np.diag(one))) for one in (true, mean))
    assert np.abs(mean / own - true / size).mean() < 0.1
    for covariance in covariances:
        assert np.linalg.eigvalsh(covariance)[0] > -1e-12


@pytest.mark.parametrize("kind", ["dfq", "simple"])
@pytest.mark.parametrize("days", [PERIOD, 5])
@pytest.mark.parametrize("draw", DRAWS)
def test_the_bias_statistic_of_random_portfolios_is_about_one(
    kind: str, days: int, draw: Draw
) -> None:
    assert 0.85 < bias_of(kind, draw, days, 0) < 1.15


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dfq", "simple"])
@pytest.mark.parametrize("days", [PERIOD, 5])
@pytest.mark.parametrize("draw", DRAWS)
def test_the_bias_statistic_is_about_one_in_other_markets(kind: str, days: int, draw: Draw) -> None:
    # One market has 64 periods: its statistic of what the market moves is 1 +- 0.1 at best.
    assert 0.85 < np.mean([bias_of(kind, draw, days, seed) for seed in range(1, 5)]) < 1.15
