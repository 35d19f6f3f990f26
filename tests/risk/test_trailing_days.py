import numpy as np

from alpha_lightning.risk.factor_risk import Floats
from alpha_lightning.risk.trailing_days import TrailingDays


def test_windows_are_those_of_the_series_in_whatever_order() -> None:
    series = np.random.default_rng(0).normal(size=(60, 3))
    days = TrailingDays(5, 3, lambda row: series[row])
    rows = [*range(60), 7, 8, 30, 2, 59, 58, 50, 12, 13, 14, 15, 16, 17, 18, 19, 25, 0]
    for row in rows:
        assert days.upto(row).tolist() == series[max(row - 4, 0) : row + 1].T.tolist()


def test_a_day_is_computed_once_while_windows_move_on() -> None:
    asked: list[int] = []

    def day(row: int) -> Floats:
        asked.append(row)
        return np.array([float(row)])

    days = TrailingDays(4, 1, day)
    for row in range(3, 30):
        days.upto(row)
        days.upto(row)
    assert asked == list(range(30))


def test_days_between_distant_windows_are_not_computed() -> None:
    asked: list[int] = []

    def day(row: int) -> Floats:
        asked.append(row)
        return np.zeros(1)

    days = TrailingDays(3, 1, day)
    for row in (2, 50):
        assert days.upto(row).shape == (1, 3)
    assert asked == [0, 1, 2, 48, 49, 50]
