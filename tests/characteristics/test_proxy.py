import dataclasses
import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.characteristics.intraday import IntradayBars
from alpha_lightning.characteristics.proxy import l2chars_proxy
from alpha_lightning.characteristics.schema import SIZES, l2chars_columns
from alpha_lightning.characteristics.trailing_amounts import LargeBars, TrailingAmounts

MakeBars = Callable[..., IntradayBars]
GRIDS = [*((240 // m, 8) for m in (1, 2, 3, 5, 6, 10, 15, 30)), (390, 13), (13, 13)]


def thresholds(bars: IntradayBars) -> LargeBars:
    """Bounds that some bars of the day exceed; not known for stock 5, above all for stock 6."""
    money = np.where(bars.volume > 0, bars.amount, np.nan)
    pooled = np.nanmedian(money)
    p5 = np.array([np.nanmax([pooled, *row]) * 0.6 for row in money])
    p5[5] = np.nan
    p5[6] = 1e12
    return LargeBars(p1=1.4 * p5, p5=p5)


def named(features: NDArray[np.float64], periods: int) -> dict[str, NDArray[np.float64]]:
    names = [name for name, _ in l2chars_columns(periods)]
    assert features.shape[1] == len(names) == 23 + 9 * periods
    return dict(zip(names, features.T, strict=True))


def plain_trades(bars: IntradayBars, stock: int, opening: float) -> list[dict[str, float]]:
    """Bar by bar: its number, money, shares, growth of the price, and share of buys."""
    out, last = [], opening
    for j in range(bars.close.shape[1]):
        trade = {"bar": float(j), "close": last, "money": 0.0, "shares": 0.0, "growth": 1.0}
        if bars.volume[stock, j] > 0:
            close = float(bars.close[stock, j])
            trade |= {"money": float(bars.amount[stock, j]), "growth": close / last, "close": close}
            trade["shares"] = float(bars.volume[stock, j])
            trade["buy"] = 1.0 if close > last else 0.0 if close < last else 0.5
            last = close
        out.append(trade)
    return out


def plain_sums(trades: list[dict[str, float]]) -> dict[str, float]:
    """Money and returns of some bars."""
    return {
        "bamt": sum(x["buy"] * x["money"] for x in trades),
        "samt": sum((1 - x["buy"]) * x["money"] for x in trades),
        "aret": 100 * (math.prod(x["growth"] for x in trades) - 1),
    }


def ratio(above: float, below: float) -> float:
    return above / below if below else math.nan


def plain_size(
    trades: list[dict[str, float]], size: str, known: bool, periods: int, width: int
) -> dict[str, float]:
    """All that is told of the bars of one size."""
    sums = plain_sums(trades)
    bought = sum(x["buy"] * x["shares"] for x in trades)
    sold = sum((1 - x["buy"]) * x["shares"] for x in trades)
    out = {f"{name}{size}": value for name, value in sums.items()}
    out[f"bwap{size}"] = ratio(sums["bamt"], bought)
    out[f"swap{size}"] = ratio(sums["samt"], sold)
    for k in range(periods):
        inside = [x for x in trades if int(x["bar"]) * periods // width == k]
        out |= {f"{name}{size}_{k + 1}": value for name, value in plain_sums(inside).items()}
        if k == 0 and size:
            out[f"bopct{size}_1"] = 100 * ratio(sum(x["buy"] for x in inside), len(inside))
    if size:
        out[f"bopct{size}"] = 100 * ratio(sum(x["buy"] for x in trades), len(trades))
    return out if known else dict.fromkeys(out, math.nan)


def plain_features(
    bars: IntradayBars, large: LargeBars, stock: int, periods: int
) -> dict[str, float]:
    """The features of one stock, bar by bar."""
    width = bars.close.shape[1]
    first = [float(x) for x, v in zip(bars.open[stock], bars.volume[stock], strict=True) if v > 0]
    auction = float(bars.auction_price[stock])
    opening = first[0] if math.isnan(auction) and first else auction
    if math.isnan(opening):
        return {name: math.nan for name, _ in l2chars_columns(periods)}
    whole = plain_trades(bars, stock, opening)
    trades = [x for x in whole if x["shares"] > 0]
    told = not math.isnan(bars.auction_volume[stock])
    money = sum(x["money"] for x in trades) + (bars.auction_amount[stock] if told else 0)
    shares = sum(x["shares"] for x in trades) + (bars.auction_volume[stock] if told else 0)
    out = {
        "twap": statistics.fmean(x["close"] for x in whole),
        "vwap": ratio(float(money), float(shares)),
        "auction_amount": float(bars.auction_amount[stock]),
        "closing_auction_amount": float(bars.closing_amount[stock]),
    }
    bounds = (-math.inf, float(large.p1[stock]), float(large.p5[stock]))
    for size, bound in zip(SIZES, bounds, strict=True):
        chosen = [x for x in trades if x["money"] > bound]
        out |= plain_size(chosen, size, not math.isnan(bound), periods, width)
    return out


@pytest.mark.parametrize(("width", "periods"), GRIDS)
def test_features_are_loops_over_bars(make_bars: MakeBars, width: int, periods: int) -> None:
    bars = make_bars(stocks=14, width=width, seed=width)
    large = thresholds(bars)
    result = l2chars_proxy(bars, large, periods)
    names = [name for name, _ in l2chars_columns(periods)]
    for stock in range(14):
        expected = plain_features(bars, large, stock, periods)
        assert set(expected) == set(names)
        values = [expected[name] for name in names]
        np.testing.assert_allclose(result[stock], values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("width", "periods"), [(240, 8), (16, 8), (78, 13)])
def test_buys_and_sells_are_all_there_is(make_bars: MakeBars, width: int, periods: int) -> None:
    bars = make_bars(stocks=60, width=width)
    # Whole money, so that sums are exact.
    bars = dataclasses.replace(bars, amount=np.round(bars.amount))
    day = named(l2chars_proxy(bars, thresholds(bars), periods), periods)
    traded = ~np.isnan(day["twap"])
    amount = bars.amount.reshape(60, periods, -1).sum(axis=2)
    for k in range(periods):
        both = day[f"bamt_{k + 1}"] + day[f"samt_{k + 1}"]
        np.testing.assert_array_equal(both[traded], amount[traded, k])
    for name in ("bamt", "samt", "bamt_p1", "samt_p1", "bamt_p5", "samt_p5"):
        parts = sum(day[f"{name}_{k}"] for k in range(1, periods + 1))
        np.testing.assert_array_equal(day[name], parts)
    known = traded & np.isfinite(day["bamt_p1"])
    for side in ("bamt", "samt"):
        assert (day[f"{side}_p1"][known] <= day[f"{side}_p5"][known]).all()
        assert (day[f"{side}_p5"][known] <= day[side][known]).all()
    assert (day["bamt_p1"][known] < day["bamt_p5"][known]).any()
    np.testing.assert_array_equal(day["auction_amount"][traded], bars.auction_amount[traded])
    np.testing.assert_array_equal(
        day["closing_auction_amount"][traded], bars.closing_amount[traded]
    )


@pytest.mark.parametrize("size", SIZES)
def test_the_returns_of_the_periods_make_that_of_the_day(make_bars: MakeBars, size: str) -> None:
    bars = make_bars(stocks=60)
    day = named(l2chars_proxy(bars, thresholds(bars), 8), 8)
    product = math.prod(1 + day[f"aret{size}_{k}"] / 100 for k in range(1, 9))
    np.testing.assert_allclose(product, 1 + day[f"aret{size}"] / 100, rtol=1e-12)


def test_the_return_of_the_day_is_that_of_its_path(make_bars: MakeBars) -> None:
    bars = make_bars(stocks=60)
    day = named(l2chars_proxy(bars, thresholds(bars), 8), 8)
    late = np.isnan(bars.auction_price) & (bars.volume[:, -1] > 0) & (bars.volume[:, 0] > 0)
    assert late.any()
    whole = 100 * (bars.close[late, -1] / bars.open[late, 0] - 1)
    np.testing.assert_allclose(day["aret"][late], whole, rtol=1e-9, atol=1e-9)


def test_a_stock_that_trades_in_the_auction_only(make_bars: MakeBars) -> None:
    bars = make_bars()
    day = {name: x[1] for name, x in named(l2chars_proxy(bars, thresholds(bars), 8), 8).items()}
    np.testing.assert_allclose([day["twap"], day["vwap"]], bars.auction_price[1], rtol=1e-12)
    assert day["bamt"] == day["samt"] == day["aret"] == day["bamt_p1"] == day["aret_p1"] == 0
    assert np.isnan([day["bwap"], day["swap_p5"], day["bopct_p1"], day["bopct_p5_1"]]).all()


def test_what_is_missing_when_thresholds_are_not_known(make_bars: MakeBars) -> None:
    bars = make_bars()
    unknown = np.full(12, np.nan)
    day = named(l2chars_proxy(bars, LargeBars(unknown, unknown), 8), 8)
    traded = bars.volume.sum(axis=1) > 0
    for name, values in day.items():
        if "_p1" in name or "_p5" in name:
            assert np.isnan(values).all(), name
    assert np.isfinite(day["bamt_3"][traded]).all()
    assert np.isnan(day["bamt"][0])


def test_a_bar_is_large_against_its_own_trailing_days(make_bars: MakeBars) -> None:
    bars, trailing, rng = make_bars(), TrailingAmounts(), np.random.default_rng(0)
    money = np.where(bars.volume > 0, bars.amount, np.nan)
    for _ in range(20):
        large = trailing.add(money * rng.uniform(0.9, 1.1, (12, 1)))
    day = named(l2chars_proxy(bars, large, 8), 8)
    number = (bars.amount > large.p5[:, None]).sum(axis=1)
    assert 6 <= number[4] <= 24  # about 5 % of 240
    assert 0 < day["bamt_p5"][4] + day["samt_p5"][4] < day["bamt"][4] + day["samt"][4]


def test_prices_and_volumes_may_be_in_any_unit(make_bars: MakeBars) -> None:
    bars = make_bars(stocks=40)
    large = thresholds(bars)
    named_prices = ("open", "high", "low", "close", "auction_price")
    named_money = ("amount", "auction_amount", "closing_amount")
    fields = {name: 8 * getattr(bars, name) for name in named_prices}
    fields |= {name: 32 * getattr(bars, name) for name in named_money}
    fields |= {name: 4 * getattr(bars, name) for name in ("volume", "auction_volume")}
    scaled = l2chars_proxy(
        dataclasses.replace(bars, **fields), LargeBars(32 * large.p1, 32 * large.p5), 8
    )
    unit = {"price": 8.0, "amount": 32.0}
    units = [unit.get(kind, 1.0) for _, kind in l2chars_columns(8)]
    np.testing.assert_array_equal(scaled, l2chars_proxy(bars, large, 8) * units)


def test_nothing_of_a_stock_depends_on_the_others(make_bars: MakeBars) -> None:
    bars = make_bars(stocks=30)
    large = thresholds(bars)
    order = np.random.default_rng(1).permutation(30)[:20]
    fields = {field.name: getattr(bars, field.name)[order] for field in dataclasses.fields(bars)}
    some = l2chars_proxy(IntradayBars(**fields), LargeBars(large.p1[order], large.p5[order]), 8)
    np.testing.assert_array_equal(some, l2chars_proxy(bars, large, 8)[order])


def test_a_day_without_stocks_has_no_rows(make_bars: MakeBars) -> None:
    bars, none = make_bars(), np.empty(0)
    fields = {field.name: getattr(bars, field.name)[:0] for field in dataclasses.fields(bars)}
    assert l2chars_proxy(IntradayBars(**fields), LargeBars(none, none), 8).shape == (0, 95)


def test_periods_that_do_not_share_the_bars_are_refused(make_bars: MakeBars) -> None:
    bars = make_bars()
    with pytest.raises(ValueError, match="240 bars a day do not fall into 7 periods"):
        l2chars_proxy(bars, thresholds(bars), 7)
