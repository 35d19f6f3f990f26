"""News: exact against plain loops, mean 0, variance 1, and unseen in coarser tables."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.linalg import lstsq

from alpha_lightning.simulation.arrays import Floats
from alpha_lightning.simulation.bars import Bars, MinuteBars
from alpha_lightning.simulation.market import Market, MarketDay
from alpha_lightning.simulation.news import daily_news, intraday_news, trade_news
from alpha_lightning.simulation.prints import Prints
from alpha_lightning.simulation.returns import Move
from alpha_lightning.simulation.session import Session
from alpha_lightning.simulation.settings import IntradaySettings, MarketSettings
from alpha_lightning.simulation.signals import SIGNALS, Signals

SETTINGS = MarketSettings(stocks=600, days=110)


@dataclass(frozen=True)
class Sample:
    """News of all stock-days that traded, ``(7, M)``, and what coarser tables show of them."""

    news: Floats
    daily: Floats
    minute: Floats


def coarser(day: MarketDay, before: Bars) -> tuple[Floats, Floats]:
    """Features of the daily bars, and of half-hours of the minute bars, ``(N, F)`` each."""
    bars = day.bars
    size = np.maximum(bars.high - bars.low, 0.01)
    vwap = np.divide(bars.amount, bars.volume, out=bars.close.copy(), where=bars.volume > 0)
    middle = (bars.open + bars.close) / 2
    daily = (
        bars.open / before.close - 1,
        bars.close / bars.open - 1,
        (bars.high - np.maximum(bars.open, bars.close)) / size,
        (np.minimum(bars.open, bars.close) - bars.low) / size,
        (vwap - middle) / size,
        (vwap - middle) * (bars.close - bars.open) / size**2,
        np.log(bars.volume + 1),
    )
    closes, lots = day.minutes.close[:, 2::3], day.minutes.lots.reshape(-1, 8, 3).sum(axis=2)
    returns = np.diff(np.log(np.column_stack([day.prints.cents[:, 0], closes])), axis=1)
    shares = lots / np.maximum(lots.sum(axis=1, keepdims=True), 1)
    minute = (returns, shares, (returns * shares).sum(axis=1, keepdims=True))
    return np.stack(daily, axis=1), np.concatenate(minute, axis=1)


@pytest.fixture(scope="module")
def sample() -> Sample:
    rows: list[tuple[Floats, Floats, Floats]] = []
    taken: list[Floats] = []

    def listen(self: Signals, news: Floats, traded: object) -> None:
        taken.append(news)
        update(self, news, traded)  # type: ignore[arg-type]

    update = Signals.update
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Signals, "update", listen)
        before = None
        for day in Market(SETTINGS, seed=4):
            if before is not None:
                who = day.status.traded & (before.close > 0)
                daily, minute = coarser(day, before)
                rows.append((taken[-1].T[who], daily[who], minute[who]))
            before = day.bars
    news, daily, minute = (np.concatenate(part).T for part in zip(*rows, strict=True))
    return Sample(news, daily, minute)


def largest_correlation(features: Floats, news: Floats) -> float:
    correlation: Floats = np.asarray(np.corrcoef(np.vstack([features, news])))
    return float(np.abs(correlation[-1, :-1]).max())


@pytest.mark.parametrize("name", SIGNALS)
def test_news_have_mean_zero_and_variance_one(sample: Sample, name: str) -> None:
    news = sample.news[SIGNALS.index(name)]
    assert abs(news.mean()) < 4 * news.std() / np.sqrt(len(news))
    assert news.var() == pytest.approx(1, abs=0.06)


def test_news_of_different_signals_are_uncorrelated(sample: Sample) -> None:
    correlation = np.corrcoef(sample.news)
    # A price limit bends the path of a day that runs into it, so that its return and skew are one.
    np.testing.assert_allclose(correlation, np.eye(7), atol=0.04)


@pytest.mark.parametrize("name", ["skew", "spread", "imbalance", "large"])
def test_daily_bars_do_not_show_the_news_of_finer_tables(sample: Sample, name: str) -> None:
    news = sample.news[SIGNALS.index(name)]
    # Of skew, days at their limit or with one-sided shadows show a little; of the others, nothing.
    allowed = 0.06 if name == "skew" else 4 / np.sqrt(len(news))
    assert largest_correlation(sample.daily, news) < allowed


@pytest.mark.parametrize("name", ["imbalance", "large"])
def test_minute_bars_do_not_show_the_news_of_trades(sample: Sample, name: str) -> None:
    news = sample.news[SIGNALS.index(name)]
    assert largest_correlation(sample.minute, news) < 4.5 / np.sqrt(len(news))


def test_half_hours_show_the_spread_of_volume_but_not_the_skew_of_bars(sample: Sample) -> None:
    minute = sample.minute[:16]
    for name, low, high in (("spread", 0.7, 1.0), ("skew", 0.0, 0.35)):
        news = sample.news[SIGNALS.index(name)]
        fitted = minute.T @ lstsq(minute.T, news, rcond=None)[0]
        assert low <= np.corrcoef(fitted, news)[0, 1] <= high


@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_the_mean_is_zero_for_bars_of_any_length(minutes: int) -> None:
    intraday = IntradaySettings(bar_minutes=minutes, prints=2)
    market = Market(MarketSettings(stocks=400, days=60, intraday=intraday), seed=1)
    news = np.concatenate([news_of(day, market.session) for day in market], axis=1)
    assert (np.abs(news.mean(axis=1)) < 4 * news.std(axis=1) / np.sqrt(news.shape[1])).all()
    # Of skew it depends on the tails of the bars, which are thinner the more prints they hold.
    assert news[0].var() == pytest.approx(1, abs=0.25)
    np.testing.assert_allclose(news[1:].var(axis=1), 1, atol=0.06)


def news_of(day: MarketDay, session: Session) -> Floats:
    intraday = intraday_news(day.minutes, day.prints.cents[:, 0], session)
    return np.concatenate([intraday, trade_news(day.prints)])[:, day.status.traded]


@pytest.fixture(scope="module")
def one_day() -> MarketDay:
    days: Iterator[MarketDay] = iter(Market(MarketSettings(stocks=30, days=60), seed=0))
    return next(days)


def test_signed_trades_against_a_plain_loop(one_day: MarketDay) -> None:
    prints, news = one_day.prints, trade_news(one_day.prints)
    for n in np.flatnonzero(one_day.status.traded):
        rows = [
            (prints.cents[n, k] * prints.lots[n, k], prints.sides[n, k])
            for k in range(1, prints.lots.shape[1] - 1)
            if prints.lots[n, k] > 0
        ]
        size = sum(amount**2 for amount, _ in rows) ** 0.5
        assert news[0, n] == pytest.approx(sum(a * s for a, s in rows) / size, rel=1e-9)
        # ceil(5 %) of the prints, ties to the earlier one.
        number = -(-len(rows) // 20)
        chosen = sorted(range(len(rows)), key=lambda k: (-rows[k][0], k))[:number]
        of_large = sum(rows[k][0] ** 2 for k in chosen)
        ratio = of_large / (size**2 - of_large)
        weights = [a if k in chosen else -ratio * a for k, (a, _) in enumerate(rows)]
        bought = sum(w * s for w, (_, s) in zip(weights, rows, strict=True))
        against = sum(w**2 for w in weights) ** 0.5
        assert news[1, n] == pytest.approx(bought / against, rel=1e-9)
        assert sum(w * a for w, (a, _) in zip(weights, rows, strict=True)) == pytest.approx(
            0, abs=1e-6 * size**2
        )


def residual(vector: Floats, given: list[Floats]) -> Floats:
    design = np.stack(given, axis=1)
    return np.asarray(vector - design @ lstsq(design, vector, rcond=None)[0])


def test_the_shape_of_the_day_against_loops_and_least_squares(one_day: MarketDay) -> None:
    session, bars, prints = Session(10, 3), one_day.minutes, one_day.prints
    news = intraday_news(bars, prints.cents[:, 0], session)
    share, usual = session.bar_variance, session.bar_volume[:-1]
    for n in np.flatnonzero(one_day.status.traded):
        returns = np.diff(np.concatenate([prints.cents[n, :1], bars.close[n]]))
        bridge = [r - returns.sum() * part for r, part in zip(returns, share, strict=True)]
        third, second = sum(b**3 for b in bridge), sum(b**2 for b in bridge)
        assert news[0, n] == pytest.approx(-1.4 * 24**0.5 * third / second**1.5, rel=1e-9)
        close = bars.close[n, :-1]
        path = usual * (close - (close @ usual) / usual.sum())
        wanted = residual(session.ends[:-1], [np.ones(23), path])
        volume = np.sqrt(bars.lots[n, :-1] / usual)
        own = volume - volume.mean()
        spread = -np.sqrt(22) * own @ wanted / np.sqrt((own @ own) * (wanted @ wanted))
        assert news[1, n] == pytest.approx(spread, rel=1e-9)


def test_daily_news_are_bounded_scale_free_and_quiet_on_locked_days() -> None:
    relative, zero = np.array([-1.0, -0.5, 9.0, -9.0]), np.zeros(4)
    move = Move(zero, relative, zero, zero + 0.02, zero + 0.01)
    prices = (np.array([10.0, 10, 10, 10]), np.array([11.0, 11, 10, 10]))
    low, close = np.array([9.0, 9, 10, 10]), np.array([10.0, 10, 10, 10])
    volume = np.array([100.0, 100, 100, 0])
    bars = Bars(*prices, low, close, volume, volume * np.array([10.5, 9.5, 10, 10]))
    reversal, volume_news, location = daily_news(move, np.array([-1.0, 1.0, 0, 0]), bars)
    np.testing.assert_allclose(reversal, 1.08 * np.array([1, 0.5, -4, 4]))
    np.testing.assert_array_equal(volume_news, [1, -1, 0, 0])
    np.testing.assert_allclose(location, [-4.9 * 0.25, 4.9 * 0.25, 0, 0])


def test_a_day_locked_at_one_price_has_no_news_of_its_shape() -> None:
    session = Session(10, 3)
    flat = np.full((2, 24), 1100.0)
    lots = np.stack([np.arange(1.0, 25), np.zeros(24)])
    bars = MinuteBars(flat, flat, flat, flat, lots, 1100 * lots)
    skew, spread = intraday_news(bars, np.full(2, 1100.0), session)
    assert not skew.any()
    assert spread[0] != 0
    assert spread[1] == 0
    nothing = np.zeros((2, 74))
    assert not trade_news(Prints(nothing + 1100, nothing, nothing.astype(np.int64))).any()
