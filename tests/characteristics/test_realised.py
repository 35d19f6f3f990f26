import math
import statistics

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.characteristics.realised import realised

Matrix = NDArray[np.float64]
NAMES = ("rvol", "rskew", "rkurt", "vvol", "vhhi", "jump")


def day(stocks: int, width: int, seed: int = 0) -> tuple[Matrix, Matrix, NDArray[np.bool_]]:
    """Returns with jumps, volumes, and which bars trade; the rest has neither."""
    rng = np.random.default_rng(seed)
    shape = (stocks, width)
    traded = rng.random(shape) < rng.uniform(0.05, 1.05, (stocks, 1))
    jumps = rng.normal(0, 0.02, shape) * (rng.random(shape) < 0.05)
    returns = np.where(traded, rng.normal(0, 1e-3, shape) + jumps, 0.0)
    returns[: stocks // 4] *= rng.random((stocks // 4, width)) < 0.3
    volume = np.where(traded, rng.integers(1, 300, shape) * 100.0, 0.0)
    return returns, volume, traded


def plain(returns: list[float], volume: list[float], traded: list[bool]) -> list[float]:
    """The six statistics of one stock in one stretch of bars."""
    if sum(traded) < 3:
        return [math.nan] * 6
    n = len(returns)
    second = sum(r**2 for r in returns)
    skew, kurt = 0.0, 3.0
    if second > 0:
        skew = math.sqrt(n) * sum(r**3 for r in returns) / second**1.5
        kurt = n * sum(r**4 for r in returns) / second**2
    concentration = n * sum((v / sum(volume)) ** 2 for v in volume)
    pairs = [abs(returns[j]) * abs(returns[j - 1]) for j in range(1, n)]
    sigma = math.sqrt(math.pi / 2 * sum(pairs) / len(pairs))
    jump = sum(r for r in returns if abs(r) > 3 * sigma)
    return [math.sqrt(second), skew, kurt, statistics.pstdev(volume), concentration, jump]


@pytest.mark.parametrize(
    ("width", "periods"),
    [*((240 // m, 8) for m in (1, 2, 3, 5, 6, 10, 15, 30)), (390, 13), (13, 13), (26, 13), (5, 1)],
)
def test_statistics_are_loops_over_bars(width: int, periods: int) -> None:
    returns, volume, traded = day(24, width)
    result = realised(returns, volume, traded, periods)
    assert result.shape == (24, 1 + periods, 6)
    n = width // periods
    for stock in range(24):
        stretches = [slice(0, width), *(slice(k * n, (k + 1) * n) for k in range(periods))]
        expected = [
            plain(*(x[stock, stretch].tolist() for x in (returns, volume, traded)))
            for stretch in stretches
        ]
        np.testing.assert_allclose(result[stock], expected, rtol=1e-9, atol=1e-12)
    assert np.isfinite(result[:, 0]).any()
    assert np.isfinite(result[:, 1:]).any() == (n >= 3)


def test_random_days_have_jumps_gaps_and_stretches_that_do_not_move() -> None:
    result = realised(*day(24, 240), periods=8)
    assert (result[..., 5] != 0).any()
    assert np.isnan(result[..., 0]).any()
    assert (result[..., 0] == 0).any()


def test_uniform_volume_has_concentration_1_and_no_spread() -> None:
    returns = np.random.default_rng(0).normal(size=(3, 48))
    result = realised(returns, np.full((3, 48), 700.0), np.ones((3, 48), dtype=bool), 8)
    assert (result[..., 4] == 1).all()
    assert (result[..., 3] == 0).all()


def test_all_volume_in_one_bar_has_concentration_n() -> None:
    volume, returns = np.zeros((1, 48)), np.zeros((1, 48))
    volume[0, 7] = 500
    result = realised(returns, volume, np.ones((1, 48), dtype=bool), 8)
    assert result[0, 0, 4] == pytest.approx(48, rel=1e-12)
    assert result[0, 2, 4] == pytest.approx(6, rel=1e-12)


def test_prices_that_do_not_move_have_the_moments_of_a_normal() -> None:
    result = realised(np.zeros((1, 8)), np.ones((1, 8)), np.ones((1, 8), dtype=bool), 2)
    assert (result[0] == [0, 0, 3, 0, 1, 0]).all()


def test_volume_scales_its_spread_and_returns_scale_volatility_and_jumps() -> None:
    returns, volume, traded = day(24, 240)
    once = realised(returns, volume, traded, 8)
    twice = realised(4 * returns, 8 * volume, traded, 8)
    scale = [4, 1, 1, 8, 1, 4]
    np.testing.assert_allclose(twice, once * scale, rtol=1e-12)


def test_the_sign_of_returns_turns_skewness_and_jumps_around() -> None:
    returns, volume, traded = day(24, 240)
    once = realised(returns, volume, traded, 8)
    mirrored = realised(-returns, volume, traded, 8)
    np.testing.assert_array_equal(mirrored, once * [1, -1, 1, 1, 1, -1] + 0.0)


def test_a_jump_is_beyond_three_sigmas_of_the_bars_around_it() -> None:
    returns = np.tile([1e-3, -1e-3], 120)[None].copy()
    returns[0, 100] = 0.05
    volume, traded = np.ones_like(returns), np.ones(returns.shape, dtype=bool)
    jump = realised(returns, volume, traded, 8)[0, :, NAMES.index("jump")]
    assert jump[0] == jump[4] == 0.05
    assert (np.delete(jump, [0, 4]) == 0).all()
