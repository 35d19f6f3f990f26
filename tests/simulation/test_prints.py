import numpy as np
import pytest
from scipy import stats

from alpha_lightning.simulation.arrays import Floats
from alpha_lightning.simulation.limits import Limits
from alpha_lightning.simulation.prints import draw_lots, draw_path, draw_sides, round_prices
from alpha_lightning.simulation.returns import Move
from alpha_lightning.simulation.session import Session

COUNT = 20_000
SESSION = Session(bar_minutes=10, prints=3)


def path_of(total: Floats, gap: float = 0.0, seed: int = 0) -> Floats:
    zeros = np.zeros_like(total)
    move = Move(zeros, zeros, zeros + gap, zeros + 0.02, total)
    return draw_path(np.random.default_rng(seed), move, zeros + 1, SESSION)


def test_a_path_ends_at_the_day_s_return() -> None:
    total = 0.03 * np.random.default_rng(1).standard_normal(COUNT)
    np.testing.assert_allclose(path_of(total)[:, -1], total, atol=1e-15)


def test_a_quarter_of_the_variance_passes_before_the_open_and_events_do() -> None:
    total = 0.02 * np.random.default_rng(2).standard_normal(COUNT)
    overnight = path_of(total)[:, 0]
    assert overnight.std() == pytest.approx(0.01, rel=0.03)
    assert abs(np.corrcoef(overnight, total - overnight)[0, 1]) < 0.03
    event = path_of(total + 0.1, gap=0.1)[:, 0]
    np.testing.assert_allclose(event, overnight + 0.1, atol=1e-15)


def test_steps_have_the_variances_of_the_session_and_fat_tails() -> None:
    total = 0.02 * np.random.default_rng(3).standard_normal(COUNT)
    steps = np.diff(path_of(total), axis=1)
    variance = steps.var(axis=0)
    share = variance / variance.sum()
    np.testing.assert_allclose(share, SESSION.variance, rtol=0.12)
    assert stats.kurtosis(steps, axis=0).mean() > 0.5
    bars = np.abs(steps[:, :-1].reshape(COUNT, 24, 3)).mean(axis=2)
    # Prints of a bar share its volatility.
    assert np.corrcoef(np.abs(steps[:, 0]), np.abs(steps[:, 1]))[0, 1] > 0.02
    assert bars.shape == (COUNT, 24)


def test_the_bridge_is_symmetric_and_independent_of_the_return() -> None:
    total = 0.02 * np.random.default_rng(4).standard_normal(COUNT)
    path = path_of(total)
    passed = np.concatenate([[0], np.cumsum(SESSION.variance)])
    chord = path[:, :1] + (path[:, -1:] - path[:, :1]) * passed
    middle = (path - chord)[:, 36]
    assert abs(middle.mean()) < 4 * middle.std() / np.sqrt(COUNT)
    assert abs(stats.skew(middle)) < 0.1
    for known in (total, path[:, 0]):
        assert abs(np.corrcoef(middle, known)[0, 1]) < 0.03


def test_prices_are_whole_cents_within_the_limits() -> None:
    path, reference = path_of(np.linspace(-0.2, 0.2, 400)), np.full(400, 3.21)
    limits = Limits(np.full(400, 3.53), np.full(400, 2.89))
    cents = round_prices(path, reference, limits)
    for n in range(0, 400, 37):
        for k in range(0, 74, 13):
            wanted = min(max(round(321 * (1 + path[n, k])), 289), 353)
            assert cents[n, k] == wanted
    free = Limits(np.full(400, np.nan), np.full(400, np.nan))
    np.testing.assert_array_equal(
        round_prices(path, reference, free), np.rint(100 * reference[:, None] * (1 + path))
    )
    assert round_prices(path[:1], np.array([0.001]), free).min() == 1


def test_lots_add_up_to_the_plan_and_follow_the_profile() -> None:
    shares = np.full(4000, 5e6)
    lots = draw_lots(np.random.default_rng(0), shares, SESSION, 1.0)
    np.testing.assert_array_equal(lots, np.rint(lots))
    np.testing.assert_allclose(lots.sum(axis=1), 50_000, rtol=1e-3)
    share = lots.mean(axis=0) / lots.mean(axis=0).sum()
    np.testing.assert_allclose(share, SESSION.volume, rtol=0.15)


def test_a_thin_stock_prints_in_the_auctions_and_a_resting_one_never() -> None:
    shares = np.array([0.0, 100.0, 3000.0])
    lots = draw_lots(np.random.default_rng(0), shares, SESSION, 1.0)
    assert not lots[0].any()
    assert (lots[1:, [0, -1]] >= 1).all()
    assert (lots[1:, 1:-1] == 0).mean() > 0.5


def test_sides_are_fair_coins_and_auctions_have_none() -> None:
    sides = draw_sides(np.random.default_rng(0), 2000, SESSION)
    assert not sides[:, [0, -1]].any()
    inner = sides[:, 1:-1]
    assert set(np.unique(inner)) == {-1, 1}
    assert abs(inner.mean()) < 4 / np.sqrt(inner.size)
    assert abs((inner[:, 1:] * inner[:, :-1]).mean()) < 4 / np.sqrt(inner.size)
