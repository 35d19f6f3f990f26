"""Exposures on days, of stocks and with numbers that say little or nothing."""

from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.risk.settings import STYLES, RiskSettings
from alpha_lightning.risk.styles import StyleInputs
from tests.risk.styles_market import NUMBERS, Array, StyleMarket, style_market

ROW = 400


@pytest.fixture
def market() -> StyleMarket:
    return style_market(rows=430)


def exposures(market: StyleMarket, folder: Path, row: int = ROW) -> Array:
    return StyleInputs.of_panel(market.write(folder), RiskSettings()).exposures(row)


def column(style: str) -> int:
    return STYLES.index(style)


def test_a_date_without_any_stock_has_none(market: StyleMarket, tmp_path: Path) -> None:
    market.flags["listed"][ROW] = market.flags["traded"][ROW] = False
    assert np.isnan(exposures(market, tmp_path)).all()


def test_a_date_without_trade_is_told_from_the_days_before(
    market: StyleMarket, tmp_path: Path
) -> None:
    market.flags["traded"][ROW] = False
    made = exposures(market, tmp_path)
    covered = np.isfinite(made[:, 0])
    assert covered.sum() > 15
    assert np.isfinite(made[covered]).all()
    assert np.abs(made[covered]).max(axis=0)[:5].min() > 0.5


def test_a_single_stock_has_no_style(market: StyleMarket, tmp_path: Path) -> None:
    alone = market.mapped(lambda values: values[:, 20:21])
    made = exposures(StyleMarket(**(vars(alone) | {"symbols": ("S",)})), tmp_path)
    assert made.tolist() == [[0.0] * len(STYLES)]


def test_a_stock_of_one_day_has_a_size_and_no_past(market: StyleMarket, tmp_path: Path) -> None:
    market.flags["listed"][:ROW, 20] = market.flags["traded"][:ROW, 20] = False
    market.flags["traded"][ROW, 20] = True
    made = exposures(market, tmp_path)[20]
    assert made[column("size")] != 0
    assert np.isfinite(made).all()
    for style in ("beta", "trend", "volatility", "liquidity", "growth"):
        assert made[column(style)] == 0


def test_a_stock_that_has_not_traded_for_a_year_is_not_covered(
    market: StyleMarket, tmp_path: Path
) -> None:
    last = ROW - 242
    market.flags["traded"][:, 20] = False
    market.flags["traded"][last, 20] = True
    inputs = StyleInputs.of_panel(market.write(tmp_path), RiskSettings())
    assert np.isfinite(inputs.exposures(ROW)[20]).all()
    assert np.isnan(inputs.exposures(ROW + 1)[20]).all()
    assert np.isfinite(inputs.cap(ROW + 1)[20])


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, -1.0])
def test_a_stock_without_market_value_is_not_covered(
    value: float, market: StyleMarket, tmp_path: Path
) -> None:
    market.market["total_cap"][ROW, 20] = value
    made = exposures(market, tmp_path)
    assert np.isnan(made[20]).all()
    assert np.isfinite(made[21]).all()


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 0.3])
def test_numbers_that_are_equal_or_unknown_make_styles_0(
    value: float, market: StyleMarket, tmp_path: Path
) -> None:
    for name in NUMBERS:
        market.published[name][:] = value
    made = exposures(market, tmp_path)
    covered = np.isfinite(made[:, 0])
    for style in ("growth", "soe"):
        assert (made[covered, column(style)] == 0).all()
    assert np.isfinite(made[covered]).all()


def test_zero_prices_are_days_without_one(market: StyleMarket, tmp_path: Path) -> None:
    blank = market.market["close"].copy()
    market.market["close"][ROW - 5, 20:22] = np.nan
    before = exposures(market, tmp_path / "a")
    market.market["close"][:] = blank
    market.market["close"][ROW - 5, 20:22] = 0.0
    assert before.tobytes() == exposures(market, tmp_path / "b").tobytes()


def test_an_industry_of_one_stock_is_like_an_unknown_one(
    market: StyleMarket, tmp_path: Path
) -> None:
    before = exposures(market, tmp_path / "a")
    assert market.industry is not None
    market.industry[:, 11] = -1
    assert before.tobytes() == exposures(market, tmp_path / "b").tobytes()


def test_wilder_and_larger_stocks_are_so(market: StyleMarket, tmp_path: Path) -> None:
    made = exposures(market, tmp_path)
    covered = np.flatnonzero(np.isfinite(made[:, 0]))
    cap = market.market["total_cap"][ROW, covered]
    assert np.argmax(made[covered, column("size")]) == np.argmax(cap)
    deviations = []
    for stock in covered:
        traded = np.flatnonzero(market.flags["traded"][ROW - 242 : ROW + 1, stock]) + ROW - 242
        price = (market.market["close"] * market.market["adj_factor"])[traded, stock]
        deviations.append(np.diff(np.log(price)).std() if len(price) > 130 else np.nan)
    known = np.isfinite(deviations)
    volatile = made[covered, column("volatility")][known]
    assert np.corrcoef(volatile, np.array(deviations)[known])[0, 1] > 0.7
