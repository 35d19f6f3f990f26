import numpy as np
import pytest

from alpha_lightning.simulation.arrays import Floats
from alpha_lightning.simulation.bars import Volumes, draw_shape
from alpha_lightning.simulation.returns import Move
from alpha_lightning.simulation.settings import MarketSettings, Signal, SignalSettings
from alpha_lightning.simulation.signals import Signals, daily_news
from alpha_lightning.simulation.stocks import Stocks, draw_stocks
from alpha_lightning.simulation.streams import fat_tailed
from alpha_lightning.simulation.trading_days import trading_days

SETTINGS = MarketSettings(stocks=30, days=60)
EVERYBODY = np.ones(30, dtype=bool)


def stocks_of(settings: MarketSettings) -> Stocks:
    return draw_stocks(settings, 0, trading_days(settings.start, settings.days))


def news_of(day: int, stocks: int = 30) -> Floats:
    return np.random.default_rng(day).standard_normal((3, stocks))


def test_drift_is_the_recursion_written_as_a_loop() -> None:
    stocks, state = stocks_of(SETTINGS), np.zeros((3, 30))
    signals = Signals(SETTINGS, stocks)
    plan = (SETTINGS.signals.reversal, SETTINGS.signals.volume, SETTINGS.signals.location)
    for day in range(20):
        news = news_of(day)
        signals.update(news, EVERYBODY)
        drift = np.zeros(30)
        for k, signal in enumerate(plan):
            for n in range(30):
                state[k, n] = signal.decay * state[k, n] + news[k, n]
                gain = signal.drift * (1 - signal.decay**2) ** 0.5
                drift[n] += stocks.volatility[n] * gain * state[k, n]
        np.testing.assert_allclose(signals.drift, drift, rtol=1e-12, atol=1e-18)


def test_the_expectation_is_the_sum_of_ten_drifts_one_day_ahead() -> None:
    signals = Signals(SETTINGS, stocks_of(SETTINGS))
    for day in range(20):
        signals.update(news_of(day), EVERYBODY)
    expected = signals.expected
    ahead = []
    for _ in range(11):
        ahead.append(signals.drift)
        signals.update(np.zeros((3, 30)), EVERYBODY)
    np.testing.assert_allclose(expected, np.sum(ahead[1:], axis=0), rtol=1e-12)


def test_a_stock_that_does_not_trade_makes_no_news() -> None:
    signals, silent = Signals(SETTINGS, stocks_of(SETTINGS)), EVERYBODY.copy()
    silent[7] = False
    signals.update(news_of(0), silent)
    assert signals.drift[7] == 0
    assert (signals.drift[silent] != 0).all()
    loud = signals.drift[3]
    signals.update(news_of(1), np.zeros(30, dtype=bool))
    assert abs(signals.drift[3]) < abs(loud)


def test_strength_zero_plants_exactly_nothing_and_two_twice_as_much() -> None:
    drifts = []
    for strength in (0, 1, 2):
        settings = MarketSettings(stocks=30, days=60, signal=strength)
        signals = Signals(settings, stocks_of(settings))
        signals.update(news_of(0), EVERYBODY)
        drifts.append((signals.drift, signals.expected))
    assert not np.any(drifts[0])
    np.testing.assert_allclose(drifts[2], 2 * np.array(drifts[1]), rtol=1e-12)


def test_the_drift_of_one_signal_has_the_size_of_its_setting() -> None:
    alone = SignalSettings(Signal(0.9, 0.1), Signal(0.5, 0.0), Signal(0.5, 0.0))
    settings = MarketSettings(stocks=3000, days=60, signals=alone)
    stocks = stocks_of(settings)
    signals = Signals(settings, stocks)
    for day in range(80):
        signals.update(news_of(day, 3000), np.ones(3000, dtype=bool))
    assert np.std(signals.drift / stocks.volatility) == pytest.approx(0.1, rel=0.05)


def test_news_have_mean_zero_and_variance_one() -> None:
    generator, count = np.random.default_rng(0), 100_000
    settings = MarketSettings(stocks=count)
    shock = fat_tailed(generator, count, SETTINGS.returns.tail)
    _, surprise = Volumes(settings, stocks_of(settings)).step(generator, shock)
    move = Move(shock, np.full(count, 0.02), 0.02 * shock)
    news = daily_news(shock, surprise, draw_shape(generator, move))
    assert (np.abs(news.mean(axis=1)) < 4 * news.std(axis=1) / np.sqrt(count)).all()
    np.testing.assert_allclose(news.var(axis=1), 1, rtol=0.02)


def test_a_thin_fall_foretells_more_than_a_heavy_one() -> None:
    move = Move(np.array([-1.0, -1.0]), np.full(2, 0.02), np.full(2, -0.02))
    shape = draw_shape(np.random.default_rng(0), move)
    thin, heavy = daily_news(move.shock, np.array([-1.0, 1.0]), shape)[0]
    assert thin > 2 * heavy > 0
