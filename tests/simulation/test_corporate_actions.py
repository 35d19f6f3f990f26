import numpy as np
import pytest

from alpha_lightning.simulation.arrays import Flags
from alpha_lightning.simulation.corporate_actions import CorporateActions
from alpha_lightning.simulation.settings import ListingSettings, MarketSettings

COUNT = 2000
JUNE, MARCH = np.datetime64("2020-06-15"), np.datetime64("2020-03-16")


def actions(dividends: float = 0.0, splits: float = 0.0) -> CorporateActions:
    listings = ListingSettings(dividends=dividends, splits=splits)
    return CorporateActions(MarketSettings(stocks=COUNT, listings=listings))


def everybody() -> Flags:
    return np.ones(COUNT, dtype=bool)


def test_a_dividend_comes_off_the_reference_price() -> None:
    book, close = actions(dividends=10), np.full(COUNT, 20.0)
    book.step(np.random.default_rng(0), JUNE, everybody(), close)
    paid = 20.0 - 20.0 / book.factor
    payers = book.factor > 1
    assert payers.mean() == pytest.approx(10 / (243 / 4), abs=0.03)
    assert (book.split == 1).all()
    # Between 0.5 and 3 % of the price, in whole cents.
    assert paid[payers].min() >= 0.1 - 1e-9
    assert paid[payers].max() <= 0.6 + 1e-9
    np.testing.assert_allclose(paid * 100, np.round(paid * 100), atol=1e-9)


def test_dividends_have_their_season() -> None:
    book = actions(dividends=10)
    book.step(np.random.default_rng(0), MARCH, everybody(), np.full(COUNT, 20.0))
    assert (book.factor == 1).all()


def test_a_split_multiplies_shares_by_what_it_divides_the_price_by() -> None:
    book = actions(splits=10)
    book.step(np.random.default_rng(0), MARCH, everybody(), np.full(COUNT, 20.0))
    np.testing.assert_array_equal(book.factor, book.split)
    assert set(np.unique(book.split)) == {1.0, 1.2, 1.3, 1.5, 2.0}
    assert (book.split > 1).mean() == pytest.approx(10 / 243, abs=0.02)


def test_cheap_or_resting_stocks_are_left_alone() -> None:
    book, can = actions(dividends=10, splits=10), everybody()
    can[: COUNT // 2] = False
    close = np.full(COUNT, 20.0)
    close[:10] = np.nan
    close[COUNT // 2 :] = 7.0
    book.step(np.random.default_rng(0), JUNE, can, close)
    assert (book.factor[: COUNT // 2] == 1).all()
    assert (book.split == 1).all()
    assert (book.factor[COUNT // 2 :] > 1).any()


def test_events_accumulate() -> None:
    book = actions(splits=10)
    product = np.ones(COUNT)
    for day in range(20):
        before = book.split
        book.step(np.random.default_rng(day), MARCH, everybody(), np.full(COUNT, 20.0))
        product = product * (book.split / before)
    np.testing.assert_allclose(book.factor, product, rtol=1e-12)
    assert (book.factor > 2).any()
