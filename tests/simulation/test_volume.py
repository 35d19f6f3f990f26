import numpy as np
import pytest
from scipy import stats

from alpha_lightning.simulation.settings import MarketSettings, VolumeSettings
from alpha_lightning.simulation.stocks import draw_stocks
from alpha_lightning.simulation.streams import fat_tailed
from alpha_lightning.simulation.trading_days import trading_days
from alpha_lightning.simulation.volume import Volumes

COUNT = 20_000


def test_turnover_is_the_recursion_written_as_a_loop() -> None:
    settings = MarketSettings(stocks=20, volume=VolumeSettings(persistence=0.6, surprise=0.2))
    stocks = draw_stocks(settings, 0, trading_days(settings.start, settings.days))
    volumes, unusual = Volumes(settings, stocks), np.zeros(20)
    for day in range(30):
        turnover, surprise = volumes.step(np.random.default_rng(day), np.ones(20))
        unusual = np.array([0.6 * u + 0.2 * s for u, s in zip(unusual, surprise, strict=True)])
        expected = np.minimum(stocks.turnover * np.exp(unusual), 0.5)
        np.testing.assert_allclose(turnover, expected, rtol=1e-12)


def test_volume_rises_with_the_size_of_the_move_and_has_fat_tails() -> None:
    settings = MarketSettings(stocks=COUNT)
    stocks = draw_stocks(settings, 0, trading_days(settings.start, settings.days))
    volumes = Volumes(settings, stocks)
    for day in range(30):
        shock = fat_tailed(np.random.default_rng(day), COUNT, settings.returns.tail)
        turnover, surprise = volumes.step(np.random.default_rng(100 + day), shock)
    assert abs(surprise.mean()) < 4 / np.sqrt(COUNT)
    assert surprise.var() == pytest.approx(1, rel=0.05)
    assert np.corrcoef(surprise, np.abs(shock))[0, 1] == pytest.approx(0.6, abs=0.03)
    assert stats.kurtosis(turnover / stocks.turnover) > 3
    assert turnover.max() <= 0.5
