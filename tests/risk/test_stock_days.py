from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.risk.stock_days import StockDays
from tests.risk.styles_market import NUMBERS, StyleMarket, style_market


@pytest.fixture(scope="module")
def market() -> StyleMarket:
    return style_market(rows=40, stocks=24)


def days_of(market: StyleMarket, folder: Path) -> StockDays:
    return StockDays(market.write(folder), NUMBERS)


def test_prices_are_adjusted_and_only_of_stocks_that_traded(
    market: StyleMarket, tmp_path: Path
) -> None:
    bars = market.market
    bars["close"][20, 0], bars["close"][20, 1], bars["close"][20, 2] = 0.0, np.inf, -3.0
    bars["adj_factor"][20, 3] = np.nan
    days = days_of(market, tmp_path)
    price = days.price(20)
    assert np.isnan(price[:4]).all()
    traded = np.flatnonzero(market.flags["traded"][20])
    sound = traded[traded > 3]
    expected = bars["close"][20] * bars["adj_factor"][20]
    np.testing.assert_array_equal(price[sound], expected[sound])
    assert np.isfinite(price).sum() == len(sound)
    high = bars["high"][20] * bars["adj_factor"][20]
    np.testing.assert_array_equal(days.price(20, "high")[sound], high[sound])


def test_returns_need_trading_on_both_days(market: StyleMarket, tmp_path: Path) -> None:
    days = days_of(market, tmp_path)
    assert np.isnan(days.simple_return(0)).all()
    both = np.isfinite(days.price(10)) & np.isfinite(days.price(9))
    made = days.simple_return(10)
    np.testing.assert_array_equal(np.isfinite(made), both)
    expected = days.price(10)[both] / days.price(9)[both] - 1
    np.testing.assert_array_equal(made[both], expected)


def test_market_values_that_cannot_be_are_unknown(market: StyleMarket, tmp_path: Path) -> None:
    days = days_of(market, tmp_path)
    assert np.isnan(days.cap(0)[[8, 9, 10]]).all()
    assert np.isfinite(days.cap(0)[0])
    assert np.isnan(days.cap(0)[~market.flags["listed"][0]]).all()


def test_turnover_is_money_over_the_float(market: StyleMarket, tmp_path: Path) -> None:
    bars = market.market
    stock = int(np.flatnonzero(market.flags["traded"][5])[-1])
    expected = np.log(bars["amount"][5, stock] / bars["float_cap"][5, stock])
    made = days_of(market, tmp_path / "a").log_turnover(5)
    assert made[stock] == pytest.approx(expected, rel=1e-14)
    assert np.isnan(made[~market.flags["traded"][5]]).all()
    lacking = days_of(market.without("amount", "float_cap"), tmp_path / "b")
    expected = np.log(
        bars["volume"][5, stock] * bars["close"][5, stock] / bars["total_cap"][5, stock]
    )
    assert lacking.log_turnover(5)[stock] == pytest.approx(expected, rel=1e-14)


def test_numbers_are_those_of_listed_stocks(market: StyleMarket, tmp_path: Path) -> None:
    days = days_of(market, tmp_path)
    made = days.number("fund_share", 39)
    assert np.isnan(made[[5, 16, 19]]).all()
    assert made[0] == market.published["fund_share"][39, 0]
    assert set(days.published) == set(NUMBERS)
    assert StockDays(market.write(tmp_path), ("coverage", "nothing")).published == ("coverage",)


def test_ages_are_known_of_stocks_that_came_later(market: StyleMarket, tmp_path: Path) -> None:
    days = days_of(market, tmp_path)
    age = days.age(30)
    assert age[1] == 30 - 40 // 3
    assert age[2] == 10
    assert np.isnan(age[0])
    assert np.isnan(age[3])


def test_industries_are_codes(market: StyleMarket, tmp_path: Path) -> None:
    days = days_of(market, tmp_path / "a")
    assert days.industry(3)[[11, 12]].tolist() == [3, -1]
    assert (days_of(market.without("industry"), tmp_path / "b").industry(3) == -1).all()


def test_the_digest_tells_symbols_apart(market: StyleMarket, tmp_path: Path) -> None:
    days = days_of(market, tmp_path / "a")
    other = StyleMarket(
        market.market,
        market.flags,
        market.published,
        market.industry,
        ("X", *market.symbols[1:]),
    )
    assert days.digest(5) != days_of(other, tmp_path / "b").digest(5)
    assert days.digest(5) == days_of(market, tmp_path / "c").digest(5)
