import dataclasses
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from alpha_lightning.simulation import market as market_module
from alpha_lightning.simulation.arrays import Floats
from alpha_lightning.simulation.market import Market, MarketDay
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.streams import Purpose, stream

PRICES = ("open", "high", "low", "close")


def same(one: Any, other: Any) -> bool:
    """Whether two days are equal to the last bit, NaN and NaT included."""
    if dataclasses.is_dataclass(one):
        names = [field.name for field in dataclasses.fields(one)]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, dict):
        return all(same(one[name], other[name]) for name in one)
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
        vwap = bars.amount[traded] / bars.volume[traded]
        assert (bars.low[traded] <= vwap + 1e-9).all()
        assert (vwap <= bars.high[traded] + 1e-9).all()
        for price in (bars.open, bars.close):
            assert (bars.low[traded] <= price[traded]).all()
            assert (price[traded] <= bars.high[traded]).all()
        for price in (bars.open, bars.high, bars.low, bars.close):
            np.testing.assert_array_equal(price, np.round(price, 2))
        assert (bars.low[traded] >= 0.01).all()
        assert (bars.volume[traded] >= 100).all()
        assert (bars.volume % 100 == 0).all()
        np.testing.assert_array_equal(bars.amount, np.round(bars.amount))


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
        # The widest limit, the clip of new listings, and prices rounded to the cent.
        cents = 0.02 / np.minimum(day.bars.close, before.bars.close)
        largest = np.where(np.isfinite(day.limits.up), 0.2, 0.31)
        assert (np.abs(adjusted) < largest + cents)[both].all()
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
        assert (np.abs(change - 1) < 0.32).all()
        assert (day.float_cap[both] <= day.total_cap[both]).all()


def test_without_a_signal_nothing_can_be_expected() -> None:
    for day in Market(MarketSettings(stocks=30, days=60, signal=0), seed=1):
        assert not any(values.any() for values in day.expected.values())


def test_the_day_has_the_shape_and_tails_of_a_real_one(lively_days: list[MarketDay]) -> None:
    volume, variance, returns = np.zeros(24), np.zeros(24), []
    sizes: list[Floats] = []
    for before, day in pairwise(lively_days):
        who = before.status.traded & day.status.traded
        minutes, opening = day.minutes, day.prints.cents[:, :1]
        moves = np.diff(np.log(np.concatenate([opening, minutes.close], axis=1)), axis=1)[who]
        volume += (minutes.lots[who] / minutes.lots[who].sum(axis=1, keepdims=True)).sum(axis=0)
        variance += (moves**2).sum(axis=0)
        adjusted = np.log(day.bars.close * day.adj_factor / before.bars.close / before.adj_factor)
        returns.append(adjusted[who] - adjusted[who].mean())
        sizes.append(np.where(who, np.abs(adjusted), np.nan))
    for profile in (volume, variance):
        assert 1.5 < profile[[0, 1, -2, -1]].mean() / profile[10:14].mean() < 4
    own = np.concatenate(returns)
    assert 5 < stats.kurtosis(own, fisher=False) < 20
    assert 0.018 < own.std() < 0.03
    by_day = np.nanmean(sizes, axis=1)
    assert np.corrcoef(by_day[1:], by_day[:-1])[0, 1] > 0.02


def test_what_a_price_limit_cuts_off_is_lost(lively_days: list[MarketDay]) -> None:
    # A locked day's excess does not come the next day: no drift beyond the signals is planted.
    after = []
    for before, day in pairwise(lively_days):
        up, down = before.bars.close == before.limits.up, before.bars.close == before.limits.down
        both = (up | down) & before.status.traded & day.status.traded
        change = day.bars.close * day.adj_factor / before.bars.close / before.adj_factor - 1
        after.append((np.where(up, 1, -1) * change)[both])
    moves = np.concatenate(after)
    assert len(moves) > 50
    assert abs(moves.mean()) < 4 * moves.std() / np.sqrt(len(moves))
