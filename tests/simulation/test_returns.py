import numpy as np
import pytest

from alpha_lightning.simulation.arrays import Floats
from alpha_lightning.simulation.returns import Returns, Volatility
from alpha_lightning.simulation.settings import MarketSettings, ReturnSettings
from alpha_lightning.simulation.stocks import draw_stocks
from alpha_lightning.simulation.streams import fat_tailed, mean_size
from alpha_lightning.simulation.trading_days import trading_days


def run(settings: MarketSettings, days: int, drift: float = 0.0) -> tuple[Floats, Floats, Floats]:
    """Total returns, own shocks and volatilities, each ``(T, N)``."""
    stocks = draw_stocks(settings, 0, trading_days(settings.start, settings.days))
    returns = Returns(settings, stocks)
    industry = np.arange(settings.stocks) % settings.industries
    moves = [
        returns.step(
            np.random.default_rng(day),
            np.random.default_rng(10_000 + day),
            industry,
            np.full(settings.stocks, drift),
        )
        for day in range(days)
    ]
    total, shock, volatility = (
        np.array([getattr(move, name) for move in moves])
        for name in ("total", "shock", "volatility")
    )
    return total, shock, volatility


def test_volatility_is_the_recursion_of_its_docstring() -> None:
    settings = ReturnSettings(persistence=0.9, clustering=0.2, tail=0.3)
    volatility = Volatility(3, settings)
    usual, log = mean_size(0.3), np.zeros(3)
    variance = 0.2**2 * (1 - usual**2) / (1 - 0.9**2)
    for day in range(50):
        shock = np.random.default_rng(day).standard_normal(3)
        log = np.array([0.9 * h + 0.2 * (abs(z) - usual) for h, z in zip(log, shock, strict=True)])
        volatility.update(shock)
        np.testing.assert_allclose(volatility.level, np.exp(log - variance), rtol=1e-12)


def test_the_mean_square_of_volatility_is_about_one() -> None:
    volatility, levels = Volatility(500, ReturnSettings()), []
    for day in range(600):
        levels.append(volatility.level)
        volatility.update(fat_tailed(np.random.default_rng(day), 500, 0.4))
    assert np.mean(np.square(levels[100:])) == pytest.approx(1, abs=0.05)


def test_drift_is_added_after_the_clip() -> None:
    wild = ReturnSettings(market_volatility=0.05, stock_volatility=0.05, events=0.1, event_size=15)
    settings = MarketSettings(stocks=200, returns=wild)
    flat, _, _ = run(settings, 20)
    lifted, _, _ = run(settings, 20, drift=0.003)
    np.testing.assert_allclose(lifted - flat, 0.003, rtol=1e-12)
    assert np.abs(flat).max() == 0.3
    assert (flat == 0.3).any()
    assert (flat == -0.3).any()


def test_events_are_rare_symmetric_and_half_of_them_come_overnight() -> None:
    alone = dict.fromkeys(("market_volatility", "industry_volatility", "style_volatility"), 0.0)
    own = ReturnSettings(**alone, events=0.05, event_size=6)
    settings = MarketSettings(stocks=2000, returns=own)
    stocks = draw_stocks(settings, 0, trading_days(settings.start, settings.days))
    returns, industry = Returns(settings, stocks), np.zeros(2000, dtype=np.int64)
    draws = [(np.random.default_rng(day), np.random.default_rng(-day % 997)) for day in range(50)]
    moves = [returns.step(one, two, industry, np.zeros(2000)) for one, two in draws]
    event = np.array([move.relative - move.shock for move in moves])
    happens = np.abs(event) > 1e-9
    assert happens.mean() == pytest.approx(0.05, abs=0.003)
    size = np.abs(event[happens])
    assert (size.min(), size.max()) == pytest.approx((3, 9), abs=0.05)
    assert (event[happens] > 0).mean() == pytest.approx(0.5, abs=0.03)
    gap = np.array([move.gap for move in moves])
    assert not gap[~happens].any()
    assert (gap[happens] != 0).mean() == pytest.approx(0.5, abs=0.03)
    overnight = gap != 0
    assert (np.sign(gap[overnight]) == np.sign(event[overnight])).all()


def test_what_is_relative_to_the_market_is_the_return_without_beta_times_its_factor() -> None:
    settings = MarketSettings(stocks=200, returns=ReturnSettings(market_volatility=0.0, events=0))
    stocks = draw_stocks(settings, 0, trading_days(settings.start, settings.days))
    industry, drift = np.arange(200) % 12, np.full(200, 0.001)
    calm, moved = (
        Returns(MarketSettings(stocks=200, returns=own), stocks).step(
            np.random.default_rng(3), np.random.default_rng(4), industry, drift
        )
        for own in (settings.returns, ReturnSettings(market_volatility=0.02, events=0))
    )
    np.testing.assert_allclose(calm.total - drift, calm.relative * calm.volatility, atol=1e-15)
    np.testing.assert_allclose(moved.relative * moved.volatility, calm.total - drift, atol=1e-15)
    market = (moved.total - calm.total) / stocks.beta
    np.testing.assert_allclose(market, market[0], rtol=1e-9)
    assert market[0] != 0


def test_a_day_tells_the_true_returns_of_its_factors() -> None:
    quiet = ReturnSettings(stock_volatility=0.0)
    settings = MarketSettings(stocks=100, returns=quiet)
    stocks = draw_stocks(settings, 0, trading_days(settings.start, settings.days))
    returns, industry = Returns(settings, stocks), np.arange(100) % 12
    drift = np.full(100, 0.001)
    draws = [np.random.default_rng(day) for day in range(3)]
    moves = [returns.step(one, np.random.default_rng(9), industry, drift) for one in draws]
    for move in moves:
        told = stocks.beta * move.market + move.industries[industry] + move.styles @ stocks.styles
        np.testing.assert_allclose(move.total - drift, told, rtol=1e-12, atol=1e-15)
    assert (moves[0].industries.shape, moves[0].styles.shape) == ((12,), (2,))


def test_returns_have_the_size_tails_and_clusters_of_a_stock_market() -> None:
    total, shock, volatility = run(MarketSettings(stocks=500), 1000)
    dispersion = total.std(axis=1)
    assert 0.02 < dispersion.mean() < 0.025
    market = total.mean(axis=1)
    assert market.std() == pytest.approx(0.012, abs=0.0025)
    own = total - market[:, None]
    assert (own**4).mean() / (own**2).mean() ** 2 > 4.5
    size = np.abs(market)
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.05
    assert shock.var() == pytest.approx(1, rel=0.02)
    # Events come on top: 1.6 % of the days at six deviations, squared, of the own part.
    assert 1 < total.var() / (volatility**2).mean() < 1.5


def test_without_drift_returns_have_no_mean() -> None:
    total, _, _ = run(MarketSettings(stocks=300), 1000)
    daily = total.mean(axis=1)
    assert abs(daily.mean()) < 3 * daily.std() / np.sqrt(len(daily))


def test_stocks_of_an_industry_move_together() -> None:
    total, _, _ = run(MarketSettings(stocks=240), 600)
    own = total - total.mean(axis=1, keepdims=True)
    correlation = np.corrcoef(own.T)
    industry = np.arange(240) % 12
    same = (industry[:, None] == industry) & ~np.eye(240, dtype=bool)
    apart = industry[:, None] != industry
    assert correlation[same].mean() > correlation[apart].mean() + 0.05
