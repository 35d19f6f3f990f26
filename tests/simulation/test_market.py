import dataclasses
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from alpha_lightning.simulation import market as market_module
from alpha_lightning.simulation.market import Market, MarketDay
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.streams import Purpose, stream

PRICES = ("open", "high", "low", "close", "vwap")


def same(one: Any, other: Any) -> bool:
    """Whether two days are equal to the last bit, NaN and NaT included."""
    if dataclasses.is_dataclass(one):
        names = [field.name for field in dataclasses.fields(one)]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    return np.asarray(one).tobytes() == np.asarray(other).tobytes()


def test_a_market_is_the_same_every_time(lively: Market, lively_days: list[MarketDay]) -> None:
    again = list(Market(lively.settings, lively.seed))
    assert len(lively) == len(again) == len(lively_days) == 260
    assert all(same(a, b) for a, b in zip(lively_days, again, strict=True))
    assert all(same(a, b) for a, b in zip(lively_days, lively, strict=True))


def test_another_seed_is_another_market(lively: Market, lively_days: list[MarketDay]) -> None:
    other = next(iter(Market(lively.settings, lively.seed + 1)))
    assert not same(lively_days[0].bars, other.bars)


def test_a_longer_market_begins_with_the_shorter(
    lively: Market, lively_days: list[MarketDay]
) -> None:
    longer = Market(dataclasses.replace(lively.settings, days=400), lively.seed)
    assert all(same(a, b) for a, b in zip(lively_days, longer, strict=False))


def test_the_future_cannot_reach_back(
    lively: Market, lively_days: list[MarketDay], monkeypatch: pytest.MonkeyPatch
) -> None:
    last = 120

    def other_future(seed: int, purpose: Purpose, day: int) -> np.random.Generator:
        return stream(seed if day <= last else seed + 1, purpose, day)

    monkeypatch.setattr(market_module, "stream", other_future)
    changed = list(lively)
    assert all(same(a, b) for a, b in zip(lively_days[: last + 1], changed, strict=False))
    assert not same(lively_days[last + 1].bars, changed[last + 1].bars)


def test_bars_hold_together(lively_days: list[MarketDay]) -> None:
    for day in lively_days:
        bars, traded = day.bars, day.status.traded
        for price in (bars.open, bars.close, bars.vwap):
            assert (bars.low[traded] <= price[traded]).all()
            assert (price[traded] <= bars.high[traded]).all()
        for price in (bars.open, bars.high, bars.low, bars.close):
            np.testing.assert_array_equal(price, np.round(price, 2))
        assert (bars.low[traded] >= 0.01).all()
        assert (bars.volume[traded] >= 100).all()
        assert (bars.volume % 100 == 0).all()
        vwap = bars.amount[traded] / bars.volume[traded]
        np.testing.assert_allclose(vwap, bars.vwap[traded], atol=1e-4)


def test_a_suspended_stock_stands_still(lively_days: list[MarketDay]) -> None:
    rows = 0
    for before, day in pairwise(lively_days):
        still = day.status.listed & ~day.status.traded
        rows += int(still.sum())
        for name in PRICES:
            price = getattr(day.bars, name)
            assert (price[still] == before.bars.close[still]).all()
        assert (day.bars.volume[still] == 0).all()
        assert (day.bars.amount[still] == 0).all()
        assert (day.adj_factor[still] == before.adj_factor[still]).all()
    assert rows > 500


def test_adjusted_prices_do_not_notice_splits_and_dividends(lively_days: list[MarketDay]) -> None:
    splits = dividends = 0
    for before, day in pairwise(lively_days):
        both = before.status.traded & day.status.traded
        event = both & (day.adj_factor != before.adj_factor)
        adjusted = day.bars.close * day.adj_factor / (before.bars.close * before.adj_factor) - 1
        # A shock of at most 10 %, a drift, and prices rounded to the cent.
        cents = 0.02 / np.minimum(day.bars.close, before.bars.close)
        assert (np.abs(adjusted[both]) < 0.11 + cents[both]).all()
        ratio = day.adj_factor / before.adj_factor
        splits += int((ratio[event] > 1.15).sum())
        dividends += int((ratio[event] < 1.15).sum())
        assert (ratio[event] > 1).all()
    assert splits > 20
    assert dividends > 20


def test_the_first_day_of_a_stock_has_factor_one(
    lively: Market, lively_days: list[MarketDay]
) -> None:
    for t, day in enumerate(lively_days):
        fresh = lively.stocks.list_day == t
        assert (day.adj_factor[fresh] == 1).all()
        assert np.isfinite(day.bars.close[day.status.listed]).all()
        assert np.isnan(day.bars.close[lively.stocks.list_day > t]).all()


def test_capitalisation_ignores_splits(lively_days: list[MarketDay]) -> None:
    for before, day in pairwise(lively_days):
        both = before.status.traded & day.status.traded
        split = both & (day.adj_factor / before.adj_factor > 1.15)
        change = day.total_cap[split] / before.total_cap[split]
        assert (np.abs(change - 1) < 0.2).all()
        assert (day.float_cap[both] <= day.total_cap[both]).all()


def test_without_a_signal_nothing_can_be_expected() -> None:
    for day in Market(MarketSettings(stocks=30, days=60, signal=0), seed=1):
        assert not day.expected.any()
