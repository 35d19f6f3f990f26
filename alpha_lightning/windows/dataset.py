"""Cross-sections of chosen dates, sliced from the panel on the fly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from alpha_lightning.panel.store import Dataset, Panel
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.sample import Sample, SampleRule, take_sample
from alpha_lightning.windows.scaling import WindowScaling, scaled
from alpha_lightning.windows.statistics import cut_slab, load_statistics
from alpha_lightning.windows.yardsticks import Yardsticks


@dataclass(frozen=True)
class WindowSource:
    """A panel opened for cutting windows: what every data set of dates shares.

    Args:
        panel: the panel.
        dataset: what the windows are cut from.
        rule: window, universe and label.
        sample: who is scored, and labels.
        scaling: stage 1.
        yardsticks: what stage 1 divides by.
        statistics: ``(T, 2, L, F)`` location and inverse scale of stage 2, None when it is off.
        switched_on: ``(F,)`` float32, 0 for features that are switched off.
    """

    panel: Panel
    dataset: Dataset
    rule: SampleRule
    sample: Sample
    scaling: WindowScaling
    yardsticks: Yardsticks
    statistics: NDArray[np.float32] | None
    switched_on: Tensor

    @classmethod
    def open(
        cls, path: str | Path, name: str, rule: SampleRule, *, cross_section: bool = True
    ) -> Self:
        """Open a panel's data set; computes the stage-2 statistics when they are not there yet."""
        panel = Panel.open(path)
        dataset = panel.dataset(name)
        sample = take_sample(panel, rule)
        scaling = WindowScaling.of(dataset.features)
        statistics = load_statistics(panel, dataset, rule, sample.scored) if cross_section else None
        switched_on = torch.ones(len(dataset.features))
        yardsticks = Yardsticks(panel, rule.window, means=scaling.needs_means)
        return cls(panel, dataset, rule, sample, scaling, yardsticks, statistics, switched_on)

    def windows(self, date: int, assets: NDArray[np.intp]) -> Tensor:
        """Scaled windows that end on a date, ``(N, L, F)``: the same for whatever they are used.

        Args:
            date: row of the panel, at least ``L - 1``.
            assets: ``(N,)`` columns of the panel.
        """
        slab = cut_slab(self.dataset.array, date, assets, self.rule.window)
        yardsticks = self.yardsticks.at(date, assets)
        statistics = self.statistics
        scale = None if statistics is None else torch.from_numpy(np.array(statistics[date]))
        return scaled(slab, self.scaling, yardsticks, scale, self.switched_on)

    def chosen(self, date: int, *, labelled: bool) -> NDArray[np.intp]:
        """Columns of the stocks scored on a date, of those with a label on request, ``(N,)``."""
        scored = self.sample.scored[date]
        if labelled:
            scored = scored & ~np.isnan(self.sample.label[date])
        return np.flatnonzero(scored)

    def coverage(self, dates: NDArray[np.intp]) -> NDArray[np.float64]:
        """Share of the stocks scored on some dates for which each feature is there, ``(F,)``."""
        scored = self.sample.scored[dates]
        present = np.zeros(len(self.dataset.features))
        for t, chosen in zip(dates, scored, strict=True):
            present += (~np.isnan(self.dataset.array[t][chosen])).sum(axis=0)
        return present / max(int(scored.sum()), 1)


class CrossSectionDataset(TorchDataset[CrossSection]):
    """Item ``i`` is the whole cross-section of the ``i``-th date.

    Workers that are started afresh get the path, not the arrays: the panel is opened again, lazily,
    and its pages are shared by the operating system.

    Args:
        source: the opened panel.
        dates: ``(D,)`` rows of the panel.
        labelled: keep only stocks with a label (training); the rest is the same either way.
    """

    def __init__(self, source: WindowSource, dates: NDArray[np.intp], *, labelled: bool) -> None:
        self.dates = np.asarray(dates)
        self.labelled = labelled
        self._source: WindowSource | None = source
        self._address = (
            str(source.panel.path),
            source.dataset.name,
            source.rule,
            source.statistics is not None,
            source.switched_on.tolist(),
        )

    def __len__(self) -> int:
        return len(self.dates)

    def __getitem__(self, index: int) -> CrossSection:
        source, date = self.source, int(self.dates[index])
        sample, assets = source.sample, source.chosen(date, labelled=self.labelled)
        return CrossSection(
            source.windows(date, assets),
            torch.from_numpy(sample.label[date][assets]),
            torch.from_numpy(sample.forward_return[date][assets]),
            torch.from_numpy(assets),
            torch.tensor(date),
            torch.tensor(int(sample.universe_size[date])),
        )

    @property
    def source(self) -> WindowSource:
        """The opened panel; opened here when this is a copy in another process."""
        if self._source is None:
            path, name, rule, cross_section, switched_on = self._address
            opened = WindowSource.open(path, name, rule, cross_section=cross_section)
            opened.switched_on.copy_(torch.tensor(switched_on))
            self._source = opened
        return self._source

    def __getstate__(self) -> dict[str, Any]:
        # A memory-mapped array would be pickled whole, gigabytes for every worker.
        return self.__dict__ | {"_source": None}
