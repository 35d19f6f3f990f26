import numpy as np
import pytest

from alpha_lightning.simulation.session import Session


@pytest.mark.parametrize("minutes", [5, 10, 15, 30])
@pytest.mark.parametrize("prints", [1, 3, 4])
def test_bars_tile_both_halves_of_the_day(minutes: int, prints: int) -> None:
    session = Session(minutes, prints)
    assert session.bars == 240 // minutes
    covered = [minute for start in session.starts for minute in range(start, start + minutes)]
    assert covered == [*range(570, 690), *range(780, 900)]


@pytest.mark.parametrize("minutes", [5, 30])
def test_profiles_are_symmetric_u_shaped_and_add_up(minutes: int) -> None:
    session = Session(minutes, 3)
    assert len(session.variance) == 3 * session.bars + 1
    assert len(session.volume) == 3 * session.bars + 2
    for profile in (session.variance, session.volume[1:-1]):
        np.testing.assert_allclose(profile, profile[::-1], rtol=1e-12)
        half = profile[: len(profile) // 2]
        assert (np.diff(half) <= 1e-15).all()
        assert 2 < profile.max() / profile.min() <= 3
    for whole in (session.variance, session.volume, session.bar_variance):
        assert whole.sum() == pytest.approx(1, abs=1e-12)
    assert session.bar_volume.sum() == pytest.approx(1 - session.volume[0], abs=1e-12)


def test_bars_gather_their_prints_and_the_last_one_the_closing_auction() -> None:
    session = Session(10, 3)
    for bar in range(24):
        first = 3 * bar
        last_step = session.variance[-1] if bar == 23 else 0.0
        last_print = session.volume[-1] if bar == 23 else 0.0
        variance = session.variance[first : first + 3].sum() + last_step
        volume = session.volume[first + 1 : first + 4].sum() + last_print
        assert session.bar_variance[bar] == pytest.approx(variance, abs=1e-15)
        assert session.bar_volume[bar] == pytest.approx(volume, abs=1e-15)


@pytest.mark.parametrize("minutes", [5, 10, 15, 30])
def test_the_ends_are_the_first_and_the_last_hour(minutes: int) -> None:
    session = Session(minutes, 2)
    ends = session.starts[session.ends == 1]
    assert session.ends.sum() * minutes == 120
    assert all(start < 630 or start >= 840 for start in ends)
