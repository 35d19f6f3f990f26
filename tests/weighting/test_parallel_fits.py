"""Fits side by side: the thread budget, the order, and errors."""

import os
import threading
import time

import pytest

from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.parallel_fits import AT_ONCE, in_parallel, share_threads


@pytest.mark.parametrize(
    ("threads", "fits", "expected"),
    [
        (1, 12, (1, 1)),
        (2, 12, (2, 1)),
        (8, 4, (4, 2)),
        (7, 4, (4, 1)),
        (16, 12, (AT_ONCE, 2)),
        (4, 1, (1, 4)),
        (4, 0, (1, 4)),
    ],
)
def test_threads_are_a_budget_for_all_fits(
    threads: int, fits: int, expected: tuple[int, int]
) -> None:
    assert share_threads(LightGBMSettings(threads=threads), fits) == expected


def test_no_number_means_every_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert share_threads(LightGBMSettings(), 12) == (3, 1)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert share_threads(LightGBMSettings(), 12) == (5, 1)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert share_threads(LightGBMSettings(), 12) == (1, 1)


def test_a_device_takes_one_fit_at_a_time() -> None:
    assert share_threads(LightGBMSettings(threads=6, device="cuda"), 12) == (1, 6)


def test_results_come_in_the_order_of_the_items() -> None:
    def make(item: int) -> int:
        time.sleep(0.02 * (3 - item % 4))
        return item * item

    assert in_parallel(make, range(8), 4, "squares") == [item * item for item in range(8)]


def test_as_many_run_at_once_as_asked_for() -> None:
    meeting = threading.Barrier(3, timeout=20)
    running, most, lock = 0, 0, threading.Lock()

    def make(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        meeting.wait()  # broken unless three are there at once
        with lock:
            running -= 1

    in_parallel(make, range(9), 3, "meet")
    assert most == 3


def test_the_first_error_ends_it() -> None:
    begun: list[int] = []

    def make(item: int) -> None:
        begun.append(item)
        time.sleep(0.01)
        msg = f"item {item}"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="item 0"):
        in_parallel(make, range(100), 2, "fail")
    assert len(begun) < 20
