"""What a day's regression is fed with."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from alpha_lightning.risk.days import UNKNOWN, Days
from alpha_lightning.risk.settings import RiskSettings
from tests.risk.model_market import small_market
from tests.risk.styles_market import StyleMarket

ROW = 100


def days_of(market: StyleMarket, folder: Path) -> Days:
    return Days(market.write(folder), RiskSettings(styles=["size", "trend"]))


def test_factors_stand_in_their_order(tmp_path: Path) -> None:
    days = days_of(small_market(), tmp_path / "a")
    assert days.factors == ("size", "trend", "I0", "I1", "I2", "I3", UNKNOWN, "market")
    assert days.kinds == ("style", "style", *["industry"] * 5, "market")
    market = small_market()
    assert market.industry is not None
    known = replace(market, industry=np.maximum(market.industry, 0))
    assert UNKNOWN not in days_of(known, tmp_path / "b").factors
    bare = days_of(market.without("industry"), tmp_path / "c")
    assert bare.factors == ("size", "trend", "market")
    assert bare.industries == ()


def test_an_industry_with_the_name_of_a_style_has_its_own(tmp_path: Path) -> None:
    panel = small_market().write(tmp_path)
    panel.meta["industries"] = ["size", "market", "I2", "I3"]
    days = Days(panel, RiskSettings(styles=["size"]))
    told = ("size", "size (industry)", "market (industry)", "I2", "I3", UNKNOWN, "market")
    assert days.factors == told


def test_industries_of_covered_stocks(tmp_path: Path) -> None:
    market = small_market()
    days = days_of(market, tmp_path / "a")
    exposures = days.exposures(ROW)
    codes = days.industry(ROW, exposures)
    covered = np.isfinite(exposures).all(axis=1)
    assert 30 < covered.sum() < 40
    assert market.industry is not None
    own = market.industry[ROW]
    assert np.array_equal(codes[covered], np.where(own < 0, 4, own)[covered])
    assert (codes[~covered] == -1).all()
    bare = days_of(market.without("industry"), tmp_path / "b")
    assert np.array_equal(bare.industry(ROW, exposures), np.where(covered, 0, -1))


def test_returns_need_two_days_of_trading(tmp_path: Path) -> None:
    market = small_market()
    days = days_of(market, tmp_path)
    traded, found = market.flags["traded"], days.returns(ROW)
    both = traded[ROW] & traded[ROW - 1]
    assert np.array_equal(np.isfinite(found), both)
    price = market.market["close"] * market.market["adj_factor"]
    np.testing.assert_allclose(found[both], (price[ROW] / price[ROW - 1] - 1)[both], rtol=1e-12)


def test_a_digest_is_of_the_listed_stocks_of_its_day(tmp_path: Path) -> None:
    market = small_market()
    days = days_of(market, tmp_path / "a")
    other = days_of(market.with_newcomer(17, 120), tmp_path / "b")
    later = days_of(market.shocked_after(ROW), tmp_path / "c")
    for row in (0, 50, ROW):
        assert days.digest(row) == other.digest(row) == later.digest(row)
    assert days.digest(120) != other.digest(120)
    assert days.digest(ROW + 1) != later.digest(ROW + 1)
    moved = market.mapped(np.copy)
    assert moved.industry is not None
    moved.industry[ROW, 20] = 0 if moved.industry[ROW, 20] else 1
    assert days.digest(ROW) != days_of(moved, tmp_path / "d").digest(ROW)
