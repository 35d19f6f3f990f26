"""Random bars of a day, shared by the tests of everything that is made of bars."""

from collections.abc import Callable

import numpy as np
import pytest

from alpha_lightning.characteristics.intraday import IntradayBars


def random_bars(stocks: int = 12, width: int = 240, seed: int = 0) -> IntradayBars:
    """A day of random walks in cents, with gaps.

    The first five stocks are: one that does not trade, one that trades in the auction only, one
    with a single bar, one that starts late without an auction, one that trades in every bar and
    whose auction is not told apart.
    """
    rng = np.random.default_rng(seed)
    shape = (stocks, width)
    chance = rng.uniform(0.1, 1.1, (stocks, 1))
    traded = rng.random(shape) < chance
    traded[:3] = False
    traded[2, width // 2] = True
    traded[3, : width // 3] = False
    traded[4] = True
    steps = rng.standard_t(3, shape) * 0.02 + rng.normal(0, 0.2, shape) * (rng.random(shape) < 0.03)
    cents = np.round(100 * rng.uniform(5, 50, (stocks, 1)) * np.exp(np.cumsum(steps / 10, axis=1)))
    close = np.maximum(cents, 50.0) / 100
    opening = np.maximum(np.round(100 * close * (1 + rng.normal(0, 0.002, shape))), 50) / 100
    high = np.maximum(opening, close) + rng.integers(0, 5, shape) / 100
    low = np.minimum(opening, close) - rng.integers(0, 5, shape) / 100
    volume = np.where(traded, 100.0 * rng.integers(1, 200, shape), 0.0)
    auction = rng.random(stocks) < 0.7
    auction[:5] = [False, True, False, False, False]
    price = np.where(auction, opening[:, 0] + 0.03, np.nan)
    shares = np.where(auction, 100.0 * rng.integers(1, 50, stocks), 0.0)
    money = np.where(auction, shares * price, 0.0)
    shares[4] = money[4] = np.nan
    closing = np.where(rng.random(stocks) < 0.5, volume[:, -1] * close[:, -1], np.nan)
    return IntradayBars(
        open=np.where(traded, opening, np.nan),
        high=np.where(traded, high, np.nan),
        low=np.where(traded, low, np.nan),
        close=np.where(traded, close, np.nan),
        volume=volume,
        amount=volume * (high + low) / 2,
        auction_price=price,
        auction_volume=shares,
        auction_amount=money,
        closing_amount=closing,
    )


@pytest.fixture
def make_bars() -> Callable[..., IntradayBars]:
    """`random_bars` of so many stocks, bars and a seed."""
    return random_bars
