import dataclasses

import numpy as np
import pytest

from alpha_lightning.simulation.settings import ListingSettings, MarketSettings
from alpha_lightning.simulation.stocks import draw_stocks
from alpha_lightning.simulation.trading_days import trading_days

SETTINGS = MarketSettings(
    stocks=4000, listings=ListingSettings(initial_share=0.7, listing_wait=100)
)
CALENDAR = trading_days(SETTINGS.start, 400)


def test_exposures_and_habits_follow_the_settings() -> None:
    stocks = draw_stocks(SETTINGS, 0, CALENDAR)
    assert stocks.styles.shape == (2, 4000)
    assert stocks.beta.mean() == pytest.approx(1, abs=0.02)
    assert np.median(stocks.volatility) == pytest.approx(
        SETTINGS.returns.stock_volatility, rel=0.03
    )
    assert np.log(stocks.volatility).std() == pytest.approx(0.25, rel=0.05)
    assert np.median(stocks.turnover) == pytest.approx(SETTINGS.volume.turnover, rel=0.05)
    assert stocks.float_share.min() >= 0.4
    assert stocks.float_share.max() <= 1
    assert stocks.growth.mean() == pytest.approx(0.2, abs=0.03)
    size = np.log(stocks.shares * stocks.price)
    assert np.corrcoef(size, stocks.styles[0])[0, 1] > 0.999


def test_symbols_ascend() -> None:
    symbols = draw_stocks(SETTINGS, 0, CALENDAR).symbols.tolist()
    assert symbols == sorted(set(symbols))
    assert symbols[0] == "S00001"


def test_listings_before_within_and_beyond_the_calendar() -> None:
    stocks = draw_stocks(SETTINGS, 0, CALENDAR)
    initial = stocks.list_day == 0
    assert initial.mean() == pytest.approx(0.7, abs=0.03)
    assert (stocks.list_date[initial] <= CALENDAR[0] - 90).all()
    later = ~initial & (stocks.list_day < 400)
    assert (stocks.list_date[later] == CALENDAR[stocks.list_day[later]]).all()
    assert stocks.list_day[~initial].mean() == pytest.approx(100, rel=0.1)
    beyond = stocks.list_day >= 400
    assert beyond.any()
    assert np.isnat(stocks.list_date[beyond]).all()


def test_a_longer_calendar_only_adds_dates_of_later_listings() -> None:
    short = draw_stocks(SETTINGS, 1, CALENDAR[:100])
    long = draw_stocks(SETTINGS, 1, CALENDAR)
    for field in dataclasses.fields(short):
        if field.name != "list_date":
            assert (getattr(short, field.name) == getattr(long, field.name)).all(), field.name
    known = ~np.isnat(short.list_date)
    assert (short.list_date[known] == long.list_date[known]).all()
    assert (long.list_day[~known] >= 100).all()
