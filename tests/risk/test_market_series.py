from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.risk.market_series import market_day
from alpha_lightning.risk.stock_days import StockDays
from tests.risk.styles_market import StyleMarket, style_market

ROW = 6


def days_of(market: StyleMarket, folder: Path) -> StockDays:
    return StockDays(market.write(folder), ("book_equity",))


@pytest.fixture
def market() -> StyleMarket:
    """Ten stocks that always trade, the later the larger and the dearer."""
    drawn = style_market(rows=10, stocks=20).mapped(lambda values: values[:, 10:])
    everywhere = np.ones((10, 10), dtype=np.bool_)
    growth = np.cumprod(1 + np.arange(100).reshape(10, 10) % 7 / 100, axis=0)
    caps = np.tile(np.arange(1.0, 11.0), (10, 1))
    bars = drawn.market | {
        "close": growth,
        "adj_factor": np.ones((10, 10)),
        "total_cap": caps,
        "float_cap": caps / 2,
        "amount": np.tile(np.arange(10.0) + 1, (10, 1)),
    }
    published = {"book_equity": np.full((10, 10), 5.0)}
    flags = {"traded": everywhere, "listed": everywhere}
    return replace(
        drawn, market=bars, flags=flags, published=published, symbols=tuple("abcdefghij")
    )


def test_by_hand(market: StyleMarket, tmp_path: Path) -> None:
    day = market_day(days_of(market, tmp_path), ROW)
    close, cap = market.market["close"], np.arange(1.0, 11.0)
    earned = close[ROW] / close[ROW - 1] - 1
    small, large = (cap[i] @ earned[i] / cap[i].sum() for i in (slice(3), slice(7, 10)))
    assert day[0] == pytest.approx(cap @ earned / cap.sum())
    assert day[1] == pytest.approx(small - large)
    assert day[2] == pytest.approx(small - large), "the small ones are the cheap ones"
    assert day[3] == pytest.approx(np.log(55 / 27.5))


def test_weights_and_sorts_are_of_the_day_before(market: StyleMarket, tmp_path: Path) -> None:
    before = market_day(days_of(market, tmp_path / "a"), ROW)
    market.market["total_cap"][ROW] = market.market["total_cap"][ROW, ::-1].copy()
    market.published["book_equity"][ROW] = np.arange(10.0) + 1
    market.published["book_equity"][ROW + 1 :] = np.nan
    after = market_day(days_of(market, tmp_path / "b"), ROW)
    assert before.tobytes() == after.tobytes()
    later = market_day(days_of(market, tmp_path / "b"), ROW + 1)
    assert later[1] != before[1]


def test_what_cannot_be_told_is_unknown(market: StyleMarket, tmp_path: Path) -> None:
    first = market_day(days_of(market, tmp_path / "a"), 0)
    assert np.isnan(first[:3]).all()
    assert np.isfinite(first[3])
    plain = market_day(days_of(market.without("total_cap", "float_cap"), tmp_path / "b"), ROW)
    close = market.market["close"]
    assert plain[0] == pytest.approx((close[ROW] / close[ROW - 1] - 1).mean())
    assert np.isnan(plain[1:]).all()
    unpublished = market_day(days_of(market.without("book_equity"), tmp_path / "c"), ROW)
    assert np.isnan(unpublished[2])
    assert np.isfinite(unpublished[[0, 1, 3]]).all()
    market.flags["traded"][ROW] = False
    assert np.isnan(market_day(days_of(market, tmp_path / "d"), ROW)).all()
    market.flags["traded"][ROW, :3] = True
    few = market_day(days_of(market, tmp_path / "e"), ROW)
    assert np.isfinite(few[0])
    assert np.isnan(few[1:3]).all()
