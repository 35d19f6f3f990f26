import numpy as np
import pytest
from scipy import stats

from alpha_lightning.simulation.arrays import Floats
from alpha_lightning.simulation.bars import Shape, Volumes, draw_shape
from alpha_lightning.simulation.returns import Move
from alpha_lightning.simulation.settings import MarketSettings, VolumeSettings
from alpha_lightning.simulation.stocks import draw_stocks
from alpha_lightning.simulation.streams import fat_tailed
from alpha_lightning.simulation.trading_days import trading_days

COUNT = 20_000


def shape_of(total: Floats, volatility: float = 0.02, seed: int = 0) -> Shape:
    move = Move(np.zeros_like(total), np.full_like(total, volatility), total)
    return draw_shape(np.random.default_rng(seed), move)


def test_a_bar_holds_its_own_prices() -> None:
    total = 0.03 * np.random.default_rng(1).standard_normal(COUNT)
    shape = shape_of(total)
    np.testing.assert_allclose(shape.close, 1 + total, rtol=1e-12)
    for price in (shape.open, shape.close, shape.vwap):
        assert (shape.low <= price * (1 + 1e-12)).all()
        assert (price <= shape.high * (1 + 1e-12)).all()


def test_vwap_lies_where_its_place_says() -> None:
    shape = shape_of(np.full(COUNT, 0.01))
    middle = (shape.open + shape.close) / 2
    for k in range(200):
        side = shape.high[k] if shape.vwap_place[k] > 0 else shape.low[k]
        weight = abs(shape.vwap_place[k])
        expected = (1 - weight) * middle[k] + weight * side
        assert shape.vwap[k] == pytest.approx(expected, rel=1e-12)
    assert stats.kstest((shape.vwap_place + 1) / 2, "uniform").pvalue > 0.001


def test_extremes_follow_the_law_of_a_brownian_bridge() -> None:
    shape = shape_of(np.full(COUNT, -0.015))
    begin, end, variance = np.log(shape.open), np.log(shape.close), 0.75 * 0.02**2
    for extreme in (np.log(shape.high), np.log(shape.low)):
        exceeded = np.exp(-2 * (extreme - begin) * (extreme - end) / variance)
        assert stats.kstest(exceeded, "uniform").pvalue > 0.001


def test_the_open_has_a_quarter_of_the_day_behind_it() -> None:
    volatility = 0.02
    total = np.expm1(volatility * np.random.default_rng(2).standard_normal(COUNT))
    overnight = np.log(shape_of(total, volatility).open)
    intraday = np.log1p(total) - overnight
    assert overnight.std() == pytest.approx(volatility * 0.5, rel=0.03)
    assert abs(np.corrcoef(overnight, intraday)[0, 1]) < 0.03


def test_a_narrow_bar_is_called_narrow() -> None:
    shape = shape_of(np.zeros(COUNT))
    width = np.log(shape.high / shape.low)
    assert stats.spearmanr(shape.narrowness, width)[0] < -0.7


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
