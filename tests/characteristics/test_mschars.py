import dataclasses
import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.characteristics.intraday import IntradayBars
from alpha_lightning.characteristics.mschars import mschars
from alpha_lightning.characteristics.schema import REALISED, mschars_columns

MakeBars = Callable[..., IntradayBars]
GRIDS = [*((240 // m, 8) for m in (1, 2, 3, 5, 6, 10, 15, 30)), (390, 13), (78, 13), (13, 13)]


def named(features: NDArray[np.float64], periods: int) -> dict[str, NDArray[np.float64]]:
    names = [name for name, _ in mschars_columns(periods)]
    assert features.shape[1] == len(names) == 14 + 13 * periods
    return dict(zip(names, features.T, strict=True))


def plain_moments(returns: list[float]) -> tuple[float, float]:
    second = sum(r * r for r in returns)
    if second == 0:
        return 0.0, 3.0
    skewness = math.sqrt(len(returns)) * sum(r**3 for r in returns) / second**1.5
    return skewness, len(returns) * sum(r**4 for r in returns) / second**2


def plain_jump(returns: list[float]) -> float:
    pairs = [abs(a) * abs(b) for a, b in zip(returns[1:], returns[:-1], strict=True)]
    sigma = math.sqrt(math.pi / 2 * statistics.fmean(pairs))
    return sum(r for r in returns if abs(r) > 3 * sigma)


class PlainDay:
    """One stock's day, bar by bar."""

    def __init__(self, bars: IntradayBars, stock: int) -> None:
        self.bars = {
            name: getattr(bars, name)[stock].tolist()
            for name in ("open", "high", "low", "close", "volume", "amount")
        }
        self.width = len(self.bars["open"])
        self.trades = [j for j in range(self.width) if self.bars["volume"][j] > 0]
        self.auction = float(bars.auction_price[stock])
        self.auction_volume = float(bars.auction_volume[stock])
        self.auction_amount = float(bars.auction_amount[stock])
        self.opening = self.auction
        if math.isnan(self.opening) and self.trades:
            self.opening = self.bars["open"][self.trades[0]]
        self.closes: list[float] = []
        for j in range(self.width):
            before = self.closes[-1] if j else self.opening
            self.closes.append(self.bars["close"][j] if j in self.trades else before)
        previous = [self.opening, *self.closes[:-1]]
        self.returns = [math.log(a / b) for a, b in zip(self.closes, previous, strict=True)]

    def bar_features(self, first: int, last: int) -> dict[str, float]:
        """Of the bars from first to before last."""
        trades = [j for j in self.trades if first <= j < last]
        opens = [self.bars["open"][j] for j in trades]
        highs = [self.bars["high"][j] for j in trades]
        lows = [self.bars["low"][j] for j in trades]
        if first == 0 and not math.isnan(self.auction):
            opens, highs, lows = ([self.auction, *x] for x in (opens, highs, lows))
        carried = self.closes[last - 1]
        return {
            "open": opens[0] if opens else carried,
            "high": max(highs) if highs else carried,
            "low": min(lows) if lows else carried,
            "close": carried,
            "volume": sum(self.bars["volume"][first:last]),
            "amount": sum(self.bars["amount"][first:last]),
            "twap": statistics.fmean(self.closes[first:last]),
        }

    def statistics(self, first: int, last: int) -> dict[str, float]:
        """Of the bars from first to before last."""
        returns, volume = self.returns[first:last], self.bars["volume"][first:last]
        names = ("rvol", "rskew", "rkurt", "vvol", "vhhi", "jump")
        if sum(first <= j < last for j in self.trades) < 3:
            return dict.fromkeys(names, math.nan)
        values = (
            math.sqrt(sum(r * r for r in returns)),
            *plain_moments(returns),
            statistics.pstdev(volume),
            len(volume) * sum((v / sum(volume)) ** 2 for v in volume),
            plain_jump(returns),
        )
        return dict(zip(names, values, strict=True))

    def features(self, periods: int) -> dict[str, float]:
        """All of them, by name."""
        if math.isnan(self.opening):
            return {name: math.nan for name, _ in mschars_columns(periods)}
        n = self.width // periods
        stretches = [(k * n, (k + 1) * n) for k in range(periods)]
        parts = [self.bar_features(*stretch) for stretch in stretches]
        told = not math.isnan(self.auction_volume)
        out = {
            "open": self.opening,
            "high": max(part["high"] for part in parts),
            "low": min(part["low"] for part in parts),
            "close": self.closes[-1],
            "volume": sum(part["volume"] for part in parts) + (self.auction_volume if told else 0),
            "amount": sum(part["amount"] for part in parts) + (self.auction_amount if told else 0),
            "twap": statistics.fmean(self.closes),
            "auction_volume": self.auction_volume,
            **self.statistics(0, self.width),
        }
        for k, stretch in enumerate(stretches):
            both = parts[k] | self.statistics(*stretch)
            out |= {f"{name}_{k + 1}": value for name, value in both.items()}
        return out


@pytest.mark.parametrize(("width", "periods"), GRIDS)
def test_features_are_loops_over_bars(make_bars: MakeBars, width: int, periods: int) -> None:
    bars = make_bars(stocks=12, width=width, seed=width)
    result = mschars(bars, periods)
    names = [name for name, _ in mschars_columns(periods)]
    for stock in range(12):
        expected = PlainDay(bars, stock).features(periods)
        assert set(expected) == set(names)
        np.testing.assert_allclose(
            result[stock], [expected[name] for name in names], rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize(("width", "periods"), [(240, 8), (16, 8), (78, 13)])
def test_the_day_is_made_of_its_periods(make_bars: MakeBars, width: int, periods: int) -> None:
    bars = make_bars(stocks=60, width=width)
    day = named(mschars(bars, periods), periods)

    def of_periods(name: str) -> NDArray[np.float64]:
        return np.stack([day[f"{name}_{k}"] for k in range(1, periods + 1)])

    auction_volume = np.nan_to_num(day["auction_volume"])
    traded = ~np.isnan(day["open"])
    np.testing.assert_array_equal(
        day["volume"][traded], (auction_volume + of_periods("volume").sum(axis=0))[traded]
    )
    amount = np.nan_to_num(bars.auction_amount) + of_periods("amount").sum(axis=0)
    np.testing.assert_allclose(day["amount"][traded], amount[traded], rtol=1e-12)
    np.testing.assert_array_equal(day["open"], day["open_1"])
    np.testing.assert_array_equal(day["close"], day[f"close_{periods}"])
    np.testing.assert_array_equal(day["high"], of_periods("high").max(axis=0))
    np.testing.assert_array_equal(day["low"], of_periods("low").min(axis=0))
    np.testing.assert_allclose(day["twap"], of_periods("twap").mean(axis=0), rtol=1e-12)
    auction = np.isfinite(bars.auction_price)
    np.testing.assert_array_equal(day["open"][auction], bars.auction_price[auction])


def test_it_makes_no_difference_how_a_vendor_writes_empty_bars(make_bars: MakeBars) -> None:
    bars = make_bars(stocks=40)
    assert len(PlainDay(bars, 3).trades) < 240
    prices = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for stock in range(40):
        closes = PlainDay(bars, stock).closes
        for j in np.flatnonzero(bars.volume[stock] == 0):
            for price in prices.values():
                price[stock, j] = closes[j]
    written = dataclasses.replace(bars, **prices)
    np.testing.assert_array_equal(mschars(written, 8), mschars(bars, 8))


def test_a_stock_that_trades_in_the_auction_only(make_bars: MakeBars) -> None:
    bars = make_bars()
    features = named(mschars(bars, 8), 8)
    kinds = dict(mschars_columns(8))
    price, shares = bars.auction_price[1], bars.auction_volume[1]
    prices = [features[name][1] for name, kind in kinds.items() if kind == "price"]
    np.testing.assert_allclose(prices, price, rtol=1e-12)
    assert features["volume"][1] == features["auction_volume"][1] == shares > 0
    assert features["amount"][1] == bars.auction_amount[1]
    assert all(features[f"{name}_{k}"][1] == 0 for name in ("volume", "amount") for k in (1, 8))
    realised = [name for name, _ in REALISED]
    assert np.isnan([features[name][1] for name in kinds if name.split("_")[0] in realised]).all()


def test_a_stock_without_any_trade_is_missing(make_bars: MakeBars) -> None:
    result = mschars(make_bars(), 8)
    assert np.isnan(result[0]).all()
    assert np.isfinite(result[4]).sum() == 117  # all but the volume of an auction not told apart
    assert np.isnan(named(result, 8)["auction_volume"][4])


def test_a_day_without_stocks_has_no_rows(make_bars: MakeBars) -> None:
    bars = make_bars()
    none = {field.name: getattr(bars, field.name)[:0] for field in dataclasses.fields(bars)}
    assert mschars(IntradayBars(**none), 8).shape == (0, 118)


def test_without_amounts_only_amounts_are_missing(make_bars: MakeBars) -> None:
    bars = make_bars()
    lacking = dataclasses.replace(bars, amount=np.where(bars.volume > 0, np.nan, 0.0))
    whole, without = named(mschars(bars, 8), 8), named(mschars(lacking, 8), 8)
    assert np.isnan(without["amount"][4])
    for name in whole:
        if not name.startswith("amount"):
            np.testing.assert_array_equal(whole[name], without[name])


def test_two_bars_that_trade_leave_statistics_missing_and_three_do_not(
    make_bars: MakeBars,
) -> None:
    bars = make_bars(width=48)
    for number, missing in ((2, True), (3, False)):
        volume = np.zeros((12, 48))
        volume[:, 12 : 12 + number] = 100
        known = dataclasses.replace(
            bars, volume=volume, open=np.full((12, 48), 9.0), close=np.full((12, 48), 9.0)
        )
        features = named(mschars(known, 8), 8)
        assert np.isnan(features["rvol"]).all() == missing
        assert np.isnan(features["rvol_3"]).all() == missing
        assert np.isnan(features["rvol_1"]).all()


def test_prices_and_volumes_may_be_in_any_unit(make_bars: MakeBars) -> None:
    bars = make_bars(stocks=40)
    prices = {
        name: 8 * getattr(bars, name)
        for name in ("open", "high", "low", "close", "auction_price", "amount", "auction_amount")
    }
    volumes = {name: 4 * getattr(bars, name) for name in ("volume", "auction_volume")}
    scaled = mschars(dataclasses.replace(bars, **prices, **volumes), 8)
    unit = {"price": 8.0, "amount": 8.0, "shares": 4.0}
    units = [unit.get(kind, 1.0) for _, kind in mschars_columns(8)]
    np.testing.assert_allclose(scaled, mschars(bars, 8) * units, rtol=1e-9, atol=1e-15)


def test_nothing_of_a_stock_depends_on_the_others(make_bars: MakeBars) -> None:
    bars = make_bars(stocks=30)
    order = np.random.default_rng(1).permutation(30)[:20]
    fields = {field.name: getattr(bars, field.name)[order] for field in dataclasses.fields(bars)}
    np.testing.assert_array_equal(mschars(IntradayBars(**fields), 8), mschars(bars, 8)[order])


def test_a_period_depends_on_nothing_after_it(make_bars: MakeBars) -> None:
    bars, other = make_bars(seed=1), make_bars(seed=2)
    changed = {}
    for name in ("open", "high", "low", "close", "volume", "amount"):
        past, future = getattr(bars, name), getattr(other, name)
        changed[name] = np.concatenate([past[:, :120], future[:, 120:]], axis=1)
    before, after = (
        named(mschars(day, 8), 8) for day in (bars, dataclasses.replace(bars, **changed))
    )
    # Before a stock's first trade its price is that trade's: the day is known as a whole.
    begun = (bars.volume[:, :30] > 0).any(axis=1) | np.isfinite(bars.auction_price)
    assert begun.any()
    morning = [f"{name}_{k}" for name in ("open", "high", "twap", "volume", "rvol") for k in (1, 4)]
    for name in morning:
        np.testing.assert_array_equal(before[name][begun], after[name][begun])
    assert not np.array_equal(before["rvol_5"], after["rvol_5"], equal_nan=True)


def test_periods_that_do_not_share_the_bars_are_refused(make_bars: MakeBars) -> None:
    with pytest.raises(ValueError, match="240 bars a day do not fall into 7 periods"):
        mschars(make_bars(), 7)
