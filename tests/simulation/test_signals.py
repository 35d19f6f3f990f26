import numpy as np
import pytest

from alpha_lightning.simulation.arrays import Floats
from alpha_lightning.simulation.settings import MarketSettings, Signal, SignalSettings
from alpha_lightning.simulation.signals import HORIZONS, LABEL, ORACLE, SIGNALS, SOURCES, Signals
from alpha_lightning.simulation.stocks import Stocks, draw_stocks
from alpha_lightning.simulation.trading_days import trading_days

SETTINGS = MarketSettings(stocks=30, days=60)
EVERYBODY = np.ones(30, dtype=bool)


def stocks_of(settings: MarketSettings) -> Stocks:
    return draw_stocks(settings, 0, trading_days(settings.start, settings.days))


def news_of(day: int, stocks: int = 30) -> Floats:
    return np.random.default_rng(day).standard_normal((7, stocks))


def test_drift_is_the_recursion_written_as_a_loop() -> None:
    stocks, state = stocks_of(SETTINGS), np.zeros((7, 30))
    signals = Signals(SETTINGS, stocks)
    plan = [getattr(SETTINGS.signals, name) for name in SIGNALS]
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


def ahead(signals: Signals, days: int) -> Floats:
    """Drifts of the days ahead if no news came, ``(days, N)``."""
    drifts = []
    for _ in range(days):
        drifts.append(signals.drift)
        signals.update(np.zeros((7, 30)), EVERYBODY)
    return np.array(drifts)


def fed(settings: MarketSettings, days: range) -> Signals:
    signals = Signals(settings, stocks_of(settings))
    for day in range(days.stop):
        news = news_of(day) if day in days else np.zeros((7, 30))
        signals.update(news, EVERYBODY)
    return signals


def test_an_expectation_is_the_sum_of_the_drifts_after_the_gap() -> None:
    signals = fed(SETTINGS, range(20))
    expected = signals.expected
    assert tuple(expected) == ORACLE
    drifts = ahead(signals, 21)
    for name, (days, gap) in HORIZONS.items():
        assert name == f"expected_{days}" + "g" * gap
        np.testing.assert_allclose(expected[name], drifts[gap : gap + days].sum(axis=0), rtol=1e-12)


def test_the_parts_of_the_sources_add_up_and_are_those_of_each_alone() -> None:
    whole = fed(SETTINGS, range(20)).expected
    parts = [whole[f"{LABEL}_{source}"] for source in SOURCES]
    np.testing.assert_allclose(np.sum(parts, axis=0), whole[LABEL], rtol=1e-10, atol=1e-17)
    assert [name for names in SOURCES.values() for name in names] == list(SIGNALS)
    for source, part in zip(SOURCES, parts, strict=True):
        others = {name: Signal(0.5, 0.0) for name in SIGNALS if name not in SOURCES[source]}
        alone = MarketSettings(stocks=30, days=60, signals=SignalSettings(**others))
        np.testing.assert_allclose(fed(alone, range(20)).expected[LABEL], part, rtol=1e-10)


def test_the_attainable_expectation_knows_the_last_thirty_days_of_news() -> None:
    whole = fed(SETTINGS, range(50)).expected
    recent = fed(SETTINGS, range(20, 50)).expected
    np.testing.assert_allclose(whole["attainable_10g"], recent[LABEL], rtol=1e-9, atol=1e-16)
    assert not np.allclose(whole["attainable_10g"], whole[LABEL], rtol=1e-3)
    young = fed(SETTINGS, range(30)).expected
    np.testing.assert_allclose(young["attainable_10g"], young[LABEL], rtol=1e-12)


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
        drifts.append((signals.drift, *signals.expected.values()))
    assert not np.any(drifts[0])
    np.testing.assert_allclose(drifts[2], 2 * np.array(drifts[1]), rtol=1e-12)


def test_the_drift_of_one_signal_has_the_size_of_its_setting() -> None:
    others = {name: Signal(0.5, 0.0) for name in SIGNALS[1:]}
    alone = SignalSettings(reversal=Signal(0.9, 0.1), **others)
    settings = MarketSettings(stocks=3000, days=60, signals=alone)
    stocks = stocks_of(settings)
    signals = Signals(settings, stocks)
    for day in range(80):
        signals.update(news_of(day, 3000), np.ones(3000, dtype=bool))
    assert np.std(signals.drift / stocks.volatility) == pytest.approx(0.1, rel=0.05)
