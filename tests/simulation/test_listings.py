import dataclasses

import numpy as np
import pytest

from alpha_lightning.simulation.listings import (
    NOTICE,
    SILENCE,
    Industries,
    Listings,
    Status,
)
from alpha_lightning.simulation.settings import ListingSettings, MarketSettings
from alpha_lightning.simulation.stocks import Stocks, draw_stocks
from alpha_lightning.simulation.trading_days import trading_days

DAYS = 400
LISTINGS = ListingSettings(
    initial_share=0.5, listing_wait=100, delisting=0.4, suspension=0.01, long_share=0.3
)


def register(
    listings: ListingSettings, stocks: int = 400
) -> tuple[Stocks, list[Status], np.ndarray]:
    settings = MarketSettings(stocks=stocks, days=DAYS, listings=listings)
    calendar = trading_days(settings.start, DAYS + NOTICE)
    drawn = draw_stocks(settings, 0, calendar)
    book = Listings(settings, drawn, calendar)
    days = [book.step(np.random.default_rng(day), day) for day in range(DAYS)]
    return drawn, days, calendar


STOCKS, BOOK, CALENDAR = register(LISTINGS)
LISTED, TRADED, SHOWN, DELIST = (
    np.array([getattr(day, field.name) for day in BOOK]) for field in dataclasses.fields(Status)
)


def test_a_stock_is_listed_in_one_stretch_from_its_list_day() -> None:
    for n, first in enumerate(STOCKS.list_day):
        days = np.flatnonzero(LISTED[:, n])
        if first >= DAYS:
            assert len(days) == 0
        else:
            assert days[0] == first
            assert len(days) == days[-1] - days[0] + 1


def test_a_delisting_is_announced_ahead_and_not_a_day_before() -> None:
    ends = 0
    for n in range(len(STOCKS.symbols)):
        known = np.flatnonzero(~np.isnat(DELIST[:, n]))
        if len(known) == 0:
            assert LISTED[STOCKS.list_day[n] :, n].all()
            continue
        assert len(np.unique(DELIST[known, n])) == 1
        assert DELIST[known[0], n] == CALENDAR[known[0] + NOTICE]
        assert (known == np.arange(known[0], DAYS)).all()
        end = known[0] + NOTICE
        assert LISTED[STOCKS.list_day[n] : end, n].all()
        assert not LISTED[end:, n].any()
        ends += end < DAYS
    assert ends > 20


def test_only_the_listed_trade_and_all_trade_on_their_first_day() -> None:
    assert not (TRADED & ~LISTED).any()
    assert not (SHOWN & ~LISTED).any()
    assert not (TRADED & ~SHOWN).any()
    for n, first in enumerate(STOCKS.list_day):
        assert first >= DAYS or TRADED[first, n]


def test_rows_of_a_suspension_end_with_its_tenth_day() -> None:
    silent = 0
    for n in range(len(STOCKS.symbols)):
        absent = 0
        for t in range(DAYS):
            absent = absent + 1 if LISTED[t, n] and not TRADED[t, n] else 0
            if LISTED[t, n]:
                assert SHOWN[t, n] == (absent <= SILENCE)
                silent += absent > SILENCE
    assert silent > 100


@pytest.mark.parametrize("mean", [1.0, 3.0, 20.0])
def test_suspensions_have_the_mean_length_of_the_settings(mean: float) -> None:
    alone = ListingSettings(
        initial_share=1.0, delisting=0, suspension=0.002, short_days=mean, long_share=0
    )
    _, book, _ = register(alone, stocks=2000)
    traded = np.array([day.traded for day in book])
    begins = (~traded[1:] & traded[:-1]).sum()
    lengths = (~traded).sum() / begins
    # A run may hold several suspensions end to end, and the last ones are cut off.
    assert lengths == pytest.approx(mean, rel=0.1)


def test_nothing_happens_when_every_hazard_is_zero() -> None:
    calm = ListingSettings(initial_share=1.0, delisting=0, suspension=0)
    _, book, _ = register(calm)
    assert all(day.traded.all() and np.isnat(day.delist_date).all() for day in book)


def test_few_stocks_move_to_another_industry() -> None:
    settings = MarketSettings(
        stocks=1000, industries=7, listings=ListingSettings(industry_changes=0.1)
    )
    industries = Industries(settings)
    book = np.array([industries.step(np.random.default_rng(day)) for day in range(243)])
    assert set(np.unique(book)) == set(range(7))
    moves = (book[1:] != book[:-1]).sum() / 1000
    assert moves == pytest.approx(0.1, abs=0.04)
    assert (np.bincount(book[0], minlength=7) > 100).all()
