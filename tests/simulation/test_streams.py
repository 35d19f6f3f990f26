import numpy as np
import pytest
from scipy import stats

from alpha_lightning.simulation.streams import Purpose, fat_tailed, mean_size, stream


def test_a_stream_is_fixed_by_seed_purpose_and_day() -> None:
    keys = [(0, Purpose.RETURNS, 1), (1, Purpose.RETURNS, 1), (0, Purpose.BARS, 1)]
    keys += [(0, Purpose.RETURNS, 2)]
    draws = [stream(*key).random(4).tolist() for key in keys]
    assert draws == [stream(*key).random(4).tolist() for key in keys]
    assert len({tuple(d) for d in draws}) == len(keys)


def test_purposes_keep_their_numbers() -> None:
    # Another number would silently change every market that was ever simulated.
    assert [p.value for p in Purpose] == list(range(14))
    assert stream(0, Purpose.RETURNS, 1).integers(1 << 30) == stream(0, Purpose(3), 1).integers(
        1 << 30
    )


@pytest.mark.parametrize("tail", [0.0, 0.2, 0.4])
def test_fat_tailed_draws_have_the_moments_they_promise(tail: float) -> None:
    draws = fat_tailed(np.random.default_rng(5), 2_000_000, tail)
    assert abs(draws.mean()) < 4 / np.sqrt(len(draws))
    assert draws.var() == pytest.approx(1, rel=0.01)
    assert np.abs(draws).mean() == pytest.approx(mean_size(tail), rel=0.003)
    assert stats.kurtosis(draws, fisher=False) == pytest.approx(3 * np.exp(4 * tail**2), rel=0.05)
    assert abs(stats.skew(draws)) < 0.05
