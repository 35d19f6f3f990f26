"""The rows of a panel that a vintage needs, held as tensors in memory or on an accelerator."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.dataset import WindowSource
from alpha_lightning.windows.scaling import WindowScaling, scaled
from alpha_lightning.windows.yardsticks import YARDSTICKS

_BLOCK = 64
# Label, forward return and yardsticks; who is scored is kept as a column number each.
_PER_STOCK = 4 + 4 + 4 * (len(YARDSTICKS) + 1) + 8


def resident_bytes(source: WindowSource, rows: range) -> int:
    """Bytes that some rows of a panel take once they are resident."""
    _, stocks, features = source.dataset.array.shape
    statistics = 0 if source.statistics is None else 2 * 4 * source.rule.window * features
    return int(len(rows) * (stocks * (4 * features + _PER_STOCK) + statistics + 16))


@dataclass(frozen=True)
class ResidentRows:
    """Consecutive dates of a panel as tensors; it depends on no vintage.

    Args:
        rows: of the panel; windows end on all but the first ``L - 1`` of them.
        array: ``(R, N, F)`` raw values; NaN is missing.
        yardsticks: ``(R, N, 5)``, see `Yardsticks`; those of the first ``L - 1`` rows are 0.
        statistics: ``(R, 2, L, F)`` location and inverse scale of stage 2, None when it is off.
        label: ``(R, N)``, NaN where it is not known.
        forward_return: ``(R, N)``, the raw return behind the label.
        universe_size: ``(R,)`` stocks in the universe.
        dates: ``(R,)`` the rows themselves.
        scaling: stage 1.
        window: ``L``.
    """

    rows: range
    array: Tensor
    yardsticks: Tensor
    statistics: Tensor | None
    label: Tensor
    forward_return: Tensor
    universe_size: Tensor
    dates: Tensor
    scaling: WindowScaling
    window: int

    @classmethod
    def load(cls, source: WindowSource, rows: range, device: torch.device) -> Self:
        """Copy rows of a panel to a device, a block at a time.

        Args:
            source: the opened panel.
            rows: consecutive; the first window ends on the ``L``-th of them.
            device: where to.
        """
        sample, cut = source.sample, slice(rows.start, rows.stop)
        statistics = source.statistics
        # A tensor of inference mode, in which validation begins, could not be trained on.
        with torch.inference_mode(mode=False):
            return cls(
                rows,
                _copied(source.dataset.array, rows, device),
                _yardsticks(source, rows, device),
                None if statistics is None else _copied(statistics, rows, device),
                torch.from_numpy(np.array(sample.label[cut])).to(device),
                torch.from_numpy(np.array(sample.forward_return[cut])).to(device),
                torch.from_numpy(sample.universe_size[cut].astype(np.int64)).to(device),
                torch.arange(rows.start, rows.stop, device=device),
                WindowScaling(source.scaling.yardstick.to(device)),
                source.rule.window,
            )

    @property
    def device(self) -> torch.device:
        """Where they live."""
        return self.array.device

    @property
    def nbytes(self) -> int:
        """Bytes they take."""
        tensors = [value for value in vars(self).values() if isinstance(value, Tensor)]
        return sum(tensor.nbytes for tensor in tensors)

    def cut(self, date: int, assets: Tensor, switched_on: Tensor) -> CrossSection:
        """The cross-section of a date, cut and scaled where the rows live.

        Args:
            date: row of the panel.
            assets: ``(N,)`` int64 columns of the panel, on the device.
            switched_on: ``(F,)``, 0 for features that are switched off, on the device.
        """
        row = date - self.rows.start
        slab = self.array[row - self.window + 1 : row + 1].index_select(1, assets)
        yardsticks = self.yardsticks[row].index_select(0, assets)
        scale = None if self.statistics is None else self.statistics[row]
        return CrossSection(
            scaled(slab, self.scaling, yardsticks, scale, switched_on),
            self.label[row].index_select(0, assets),
            self.forward_return[row].index_select(0, assets),
            assets,
            self.dates[row],
            self.universe_size[row],
        )


class ResidentDataset(TorchDataset[CrossSection]):
    """Item ``i`` is the whole cross-section of the ``i``-th date, as of `CrossSectionDataset`.

    Args:
        resident: the rows, those before the first date's window included.
        source: the opened panel they are of.
        dates: ``(D,)`` rows of the panel.
        labelled: keep only stocks with a label (training).
    """

    def __init__(
        self,
        resident: ResidentRows,
        source: WindowSource,
        dates: NDArray[np.intp],
        *,
        labelled: bool,
    ) -> None:
        self.dates = np.asarray(dates)
        self.labelled = labelled
        self.resident = resident
        self._switched_on = source.switched_on.to(resident.device)
        chosen = [source.chosen(int(date), labelled=labelled) for date in self.dates]
        # One copy for all dates: a small one for each step would make the device wait.
        together = np.concatenate(chosen or [np.empty(0, dtype=np.intp)])
        with torch.inference_mode(mode=False):
            assets = torch.from_numpy(together).to(resident.device)
        self._assets = torch.split(assets, [len(some) for some in chosen])

    def __len__(self) -> int:
        return len(self.dates)

    def __getitem__(self, index: int) -> CrossSection:
        return self.resident.cut(int(self.dates[index]), self._assets[index], self._switched_on)


def _copied(array: NDArray[np.float32], rows: range, device: torch.device) -> Tensor:
    out = torch.empty((len(rows), *array.shape[1:]), dtype=torch.float32, device=device)
    for first in range(0, len(rows), _BLOCK):
        last = min(first + _BLOCK, len(rows))
        block = np.array(array[rows.start + first : rows.start + last])
        out[first:last].copy_(torch.from_numpy(block))
    return out


def _yardsticks(source: WindowSource, rows: range, device: torch.device) -> Tensor:
    before = source.rule.window - 1
    everybody = np.arange(source.dataset.array.shape[1])
    shape = len(rows), len(everybody), len(YARDSTICKS) + 1
    out = torch.zeros(shape, dtype=torch.float32, device=device)
    for k, date in enumerate(rows[before:], before):
        out[k].copy_(source.yardsticks.at(date, everybody))
    return out
