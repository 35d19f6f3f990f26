"""Fits of a walk side by side: how many at once, on how many threads each, and in what order."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

from alpha_lightning.weighting.lightgbm_model import LightGBMSettings

AT_ONCE = 8
"""Fits at once at most: the binned windows of eight are one more copy of the design matrix."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def share_threads(settings: LightGBMSettings, fits: int) -> tuple[int, int]:
    """Fits at once, and threads of each; their product is at most ``settings.threads``.

    Args:
        settings: threads and device; a device other than the CPU takes one fit at a time.
        fits: to be made.

    Example:
        >>> share_threads(LightGBMSettings(threads=4), 12)
        (4, 1)
        >>> share_threads(LightGBMSettings(threads=4), 2)
        (2, 2)
    """
    budget = settings.threads or _cores()
    at_once = max(min(budget, fits, AT_ONCE), 1) if settings.device == "cpu" else 1
    return at_once, budget // at_once


def in_parallel(
    make: Callable[[Item], Result], items: Sequence[Item], at_once: int, title: str
) -> list[Result]:
    """Results in the order of the items, made in threads; the first error stops what has not begun.

    Args:
        make: what releases Python's lock, as LightGBM and linear algebra do.
        items: to make results of.
        at_once: results being made at any time; each is held until the last is made.
        title: of the progress bar.
    """
    with ThreadPoolExecutor(at_once) as pool:
        made = tqdm(pool.map(make, items), title, len(items), unit="fit", disable=None)
        return list(made)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
