from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import numpy as np
import pytest

from alpha_lightning.simulation.limits import SpecialTreatment, limits_of
from alpha_lightning.simulation.market import Market, MarketDay
from alpha_lightning.simulation.settings import LimitSettings


@pytest.mark.parametrize("share", ["0.05", "0.10", "0.20"])
def test_limits_are_those_of_exact_decimal_arithmetic(share: str) -> None:
    cents = np.random.default_rng(0).integers(2, 20_000, 3000)
    limits = limits_of(cents / 100, np.full(3000, float(share)), np.zeros(3000, dtype=bool))
    for k, price in enumerate(cents):
        close, cent = Decimal(int(price)) / 100, Decimal("0.01")
        up, down = (
            (close * (1 + sign * Decimal(share))).quantize(cent, ROUND_HALF_UP) for sign in (1, -1)
        )
        assert Decimal(str(limits.up[k])) == max(up, close + cent)
        assert Decimal(str(limits.down[k])) == max(min(down, close - cent), cent)


def test_new_listings_have_no_limit() -> None:
    limits = limits_of(np.array([10.0, np.nan]), np.full(2, 0.1), np.array([True, True]))
    assert np.isnan(limits.up).all()
    assert np.isnan(limits.down).all()


def test_special_treatment_is_sticky_keeps_its_share_and_narrows_the_limit() -> None:
    settings, growth = LimitSettings(special_share=0.1, special_days=20), np.arange(4000) % 5 == 0
    book = SpecialTreatment(settings, growth)
    days = [book.step(np.random.default_rng(day)) for day in range(200)]
    special = np.array([flags for flags, _ in days])
    assert special[0].mean() == pytest.approx(0.1, abs=0.02)
    assert special.mean() == pytest.approx(0.1, abs=0.01)
    leaves = (special[:-1] & ~special[1:]).sum() / special[:-1].sum()
    assert leaves == pytest.approx(1 / 20, rel=0.1)
    for flags, share in days[::50]:
        board = np.where(growth, 0.2, 0.1)
        np.testing.assert_array_equal(share, np.where(flags, 0.05, board))


def test_the_limits_of_a_market_follow_board_treatment_and_ex_events(
    lively: Market, lively_days: list[MarketDay]
) -> None:
    events = seen = 0
    for before, day in pairwise(lively_days):
        ratio = before.adj_factor / day.adj_factor
        reference = np.round(before.bars.close * ratio + 1e-9, 2)
        share = np.where(lively.stocks.growth, 0.2, 0.1)
        share = np.where(day.special, 0.05, share)
        fresh = (lively.stocks.list_day > 0) & (day.number - lively.stocks.list_day < 5)
        some = day.status.traded & ~fresh
        for sign, limit in ((1, day.limits.up), (-1, day.limits.down)):
            # Half a cent of rounding, and a cent where a dividend leaves half a cent to round.
            wanted = reference[some] * (1 + sign * share[some])
            np.testing.assert_allclose(limit[some], wanted, atol=0.0171, rtol=0)
        assert np.isnan(day.limits.up[fresh]).all()
        events += int((ratio[some] != 1).sum())
        seen += int((fresh & day.status.listed).sum())
    assert events > 20
    assert seen >= 50
    first = lively_days[0]
    old = first.status.traded
    assert np.isfinite(first.limits.up[old]).all()


def test_limits_are_never_left_and_do_bind(lively_days: list[MarketDay]) -> None:
    at = locked = rows = 0
    for day in lively_days:
        traded, bars = day.status.traded, day.bars
        limited = traded & np.isfinite(day.limits.up)
        assert (bars.high[limited] <= day.limits.up[limited]).all()
        assert (bars.low[limited] >= day.limits.down[limited]).all()
        closes = limited & ((bars.close == day.limits.up) | (bars.close == day.limits.down))
        at += int(closes.sum())
        locked += int((closes & (bars.high == bars.low)).sum())
        rows += int(limited.sum())
    assert 0.003 < at / rows < 0.02
    assert locked > 5
