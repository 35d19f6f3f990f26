"""Location and scale of stage 2 for every date, computed once and kept beside the data set."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.artefacts.provenance import fingerprint_json
from alpha_lightning.panel.store import Dataset, Panel
from alpha_lightning.windows.sample import SampleRule
from alpha_lightning.windows.scaling import WindowScaling, location_and_inverse_scale
from alpha_lightning.windows.yardsticks import Yardsticks

_VERSION = 1


def statistics_path(panel: Panel, dataset: Dataset, rule: SampleRule) -> Path:
    """Where the statistics of a data set under a rule lie: their name holds all they depend on."""
    depends = [
        _VERSION,
        panel.fingerprint,
        dataset.fingerprint,
        [[feature.name, feature.kind] for feature in dataset.features],
        rule.window,
        rule.min_traded,
        rule.min_stocks,
        rule.universe,
    ]
    return dataset.path.with_name(f"{dataset.name}.scale-{fingerprint_json(depends)}.npy")


def load_statistics(
    panel: Panel, dataset: Dataset, rule: SampleRule, scored: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Location and inverse scale ``(T, 2, L, F)`` float32, from disk or computed and kept there.

    A date's statistics depend on its scored stocks' windows alone. Dates that are skipped hold 0.

    Args:
        panel: the panel.
        dataset: the data set to scale.
        rule: window, universe and the sizes that decide who is scored.
        scored: ``(T, N)`` who is scored.

    Raises:
        ArtefactError: the file that keeps them is damaged.
    """
    path = statistics_path(panel, dataset, rule)
    if not path.exists():
        values = _compute(panel, dataset, rule, scored)
        try:
            with atomic_file(path) as draft, draft.open("wb") as file:
                np.save(file, values, allow_pickle=False)
        except ArtefactError:
            # A panel on a read-only disk is fine: the numbers are kept in memory instead.
            return values
    loaded: Any = None
    # An empty file raises EOFError, a cut one ValueError, an unreadable one OSError.
    with contextlib.suppress(EOFError, OSError, ValueError):
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    if getattr(loaded, "shape", None) != _shape(dataset, rule):
        msg = f"{path} is damaged: remove it, it is computed again"
        raise ArtefactError(msg)
    result: NDArray[np.float32] = loaded
    return result


def _compute(
    panel: Panel, dataset: Dataset, rule: SampleRule, scored: NDArray[np.bool_]
) -> NDArray[np.float32]:
    scaling = WindowScaling.of(dataset.features)
    yardsticks = Yardsticks(panel, rule.window, means=scaling.needs_means)
    out = np.zeros(_shape(dataset, rule), dtype=np.float32)
    dates = np.flatnonzero(scored.sum(axis=1) >= rule.min_stocks)
    for t in tqdm(dates, desc=f"scale of {dataset.name}", unit="date", disable=None, leave=False):
        assets = np.flatnonzero(scored[t])
        slab = cut_slab(dataset.array, int(t), assets, rule.window)
        scaling.within_window(slab, yardsticks.at(int(t), assets))
        out[t] = location_and_inverse_scale(slab.numpy())
    return out


def _shape(dataset: Dataset, rule: SampleRule) -> tuple[int, int, int, int]:
    return len(dataset.array), 2, rule.window, len(dataset.features)


def cut_slab(
    array: NDArray[np.float32], date: int, assets: NDArray[np.intp], window: int
) -> torch.Tensor:
    """Raw windows of some stocks that end on a date, copied out of the data set, ``(L, N, F)``."""
    slab = array[date - window + 1 : date + 1]
    return torch.from_numpy(np.take(slab, assets, axis=1))
