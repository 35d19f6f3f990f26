"""Running statistics of normalisation layers that do not tell how a step was split."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from pytorch_lightning.callbacks import GradientAccumulationScheduler
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from alpha_lightning.artefacts.errors import UserError

Reduce = Callable[[Tensor], Tensor]


class StepStatistics:
    """Averages over the dates of a step what each of them does to the running statistics.

    A normalisation layer updates its running statistics at each training forward: one date after
    another in one process, and on each process those of its own dates, of which rank 0's survive.
    Here each date starts from the statistics of the step's beginning, and the step ends with the
    mean of what came out, over all dates of all processes. With momentum m that is
    ``(1 - m) running + m mean over dates(statistic)``, for every split of the dates the same number
    (to float32 rounding; sums are float64). A step counts once in ``num_batches_tracked``. A step
    of one date gives the bits that it gives without this class.

    Args:
        parts: modules whose normalisation layers are meant; buffers are looked up at each use, so
            they may move or be loaded.
    """

    def __init__(self, *parts: nn.Module) -> None:
        modules = (module for part in parts for module in part.modules())
        self._layers = [module for module in modules if isinstance(module, _NormBase)]
        self._sums: Tensor | None = None

    @contextmanager
    def date(self) -> Iterator[None]:
        """Surrounds the training forward of one date; the statistics are afterwards as before."""
        before = [buffer.clone() for buffer in self._buffers()]
        yield
        buffers = self._buffers()
        if buffers:
            outcome = [buffer.reshape(-1).double() for buffer in buffers]
            outcome.append(outcome[0].new_ones(1))
            sums = torch.cat(outcome)
            self._sums = sums if self._sums is None else self._sums + sums
            _write(buffers, before)

    def finish(self, reduce: Reduce = lambda sums: sums) -> None:
        """End the step: write the mean over its dates.

        Args:
            reduce: adds up a tensor over the processes.
        """
        sums, self._sums = self._sums, None
        if sums is None:
            return
        sums = reduce(sums)
        buffers = self._buffers()
        means = torch.split(sums[:-1] / sums[-1], [buffer.numel() for buffer in buffers])
        shaped = zip(buffers, means, strict=True)
        _write(buffers, [mean.reshape(buffer.shape) for buffer, mean in shaped])

    def forget(self) -> None:
        """Drop a step that was begun and will not end."""
        self._sums = None

    def _buffers(self) -> list[Tensor]:
        return [b.detach() for layer in self._layers for b in layer.buffers(recurse=False)]


def refuse_what_mixes_dates(trainer_settings: Mapping[str, Any]) -> None:
    """Refuse settings of the trainer that want dates normalised together, or dealt out otherwise.

    Raises:
        UserError: ``sync_batchnorm`` or ``overfit_batches`` is asked for.
    """
    if trainer_settings.get("sync_batchnorm"):
        msg = (
            "trainer.sync_batchnorm must be false: it would normalise the dates of all processes"
            " together; each date is normalised by itself, and running statistics are averaged over"
            " processes without it"
        )
        raise UserError(msg)
    if trainer_settings.get("overfit_batches"):
        msg = (
            "trainer.overfit_batches must be 0: dates are dealt out by our own loader; a larger"
            " data.date_step, or trainer.limit_train_batches, trains on fewer"
        )
        raise UserError(msg)


def refuse_other_steps(callbacks: Iterable[object]) -> None:
    """Refuse callbacks that change in the course of a training how many dates a step takes.

    Dates are dealt out in whole steps of one size, and an epoch that is resumed in its middle does
    not ask such a callback.

    Raises:
        UserError: one of them is there.
    """
    if any(isinstance(callback, GradientAccumulationScheduler) for callback in callbacks):
        msg = (
            "GradientAccumulationScheduler changes how many dates a step takes, which is one number"
            " for a whole training: set trainer.accumulate_grad_batches"
        )
        raise UserError(msg)


def refuse_half_steps(batches: int, accumulated: int) -> None:
    """Refuse an epoch that ends in the midst of a step: its dates would weigh less than others.

    Args:
        batches: of an epoch of one process; dates make whole steps unless they are limited.
        accumulated: batches of a step.

    Raises:
        UserError: the last step is not whole.
    """
    if batches % accumulated:
        msg = (
            f"trainer.limit_train_batches leaves {batches} batches to an epoch, of which a step"
            f" takes trainer.accumulate_grad_batches {accumulated}: limit them to a multiple of it"
        )
        raise UserError(msg)


def _write(buffers: list[Tensor], values: list[Tensor]) -> None:
    for buffer, value in zip(buffers, values, strict=True):
        # Autograd has kept the buffers of the forward for a backward that, while training, does
        # not read them; written to in the open it would refuse to run.
        buffer.data.copy_(value)
