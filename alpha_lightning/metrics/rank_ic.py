"""Information coefficients: how well predictions order the assets of a date."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from alpha_lightning.cross_section import pearson, spearman
from alpha_lightning.metrics.date_metric import DateMetric


class _DailyIC(DateMetric):
    """Sums of a daily correlation, of its square, of the dates counted and of the dates skipped."""

    higher_is_better = True
    correlation: ClassVar[Callable[..., Tensor]]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(size=4, **kwargs)

    def update(self, preds: Tensor, target: Tensor, mask: Tensor | None = None) -> None:
        """Count one date or several.

        Args:
            preds: predictions, ``(N,)`` or ``(T, N)``.
            target: forward returns or labels of the same shape.
            mask: same shape, bool; a pair counts inside it where both values are finite.

        Raises:
            ValueError: the shapes differ or are not those of dates.
        """
        if preds.shape != target.shape or preds.ndim not in (1, 2):
            shapes = f"preds {tuple(preds.shape)} and target {tuple(target.shape)}"
            msg = f"{shapes} must both be (N,), one date, or both (T, N)"
            raise ValueError(msg)
        # A reported number must not tell machines or batch sizes apart: float64.
        ic = type(self).correlation(preds.double(), target.double(), mask).reshape(-1)
        counted = ic.isfinite()
        ic = torch.where(counted, ic, 0)
        self.add(ic.sum(), ic.square().sum(), counted.double().sum(), (~counted).double().sum())

    @property
    def dates(self) -> int:
        """Dates counted by this process since the last reset."""
        return int(self.sums[2])

    @property
    def skipped(self) -> int:
        """Dates left out by this process: fewer than three pairs, or one side constant."""
        return int(self.sums[3])

    def compute(self) -> Tensor:
        """The mean over the dates counted, a float64 scalar."""
        return self.sums[0] / self.sums[2]


class RankIC(_DailyIC):
    """Mean over dates of the Spearman correlation of predictions and forward returns.

    Each date weighs the same whatever its number of assets. A date with fewer than three pairs or
    with a constant side is skipped, and counted in ``skipped``. NaN without any date.

    Args:
        kwargs: of ``torchmetrics.Metric``.

    Example:
        >>> metric = RankIC()
        >>> metric.update(torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.0, 0.01, 0.05]))
        >>> metric.update(torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.01, 0.0, 0.05]))
        >>> metric.compute()
        tensor(0.7500, dtype=torch.float64)
    """

    state_name = "rank_ic_sums"
    correlation = staticmethod(spearman)


class RankICIR(RankIC):
    """Mean of the daily RankIC over its standard deviation (``ddof = 1``), not annualised.

    Dates are counted as in `RankIC`, with which a ``MetricCollection`` shares the sums. NaN with
    fewer than two dates, or when all dates have the same RankIC.

    Args:
        kwargs: of ``torchmetrics.Metric``.

    Reference:
        R. Grinold, "The fundamental law of active management", Journal of Portfolio Management 15
        (1989).
    """

    def compute(self) -> Tensor:
        """The ratio, a float64 scalar."""
        return _mean_over_std(self.sums)


class IC(_DailyIC):
    """Mean over dates of the Pearson correlation; dates are counted as in `RankIC`.

    Args:
        kwargs: of ``torchmetrics.Metric``.
    """

    state_name = "ic_sums"
    correlation = staticmethod(pearson)


class ICIR(IC):
    """Mean of the daily IC over its standard deviation; the rules are those of `RankICIR`.

    Args:
        kwargs: of ``torchmetrics.Metric``.
    """

    def compute(self) -> Tensor:
        """The ratio, a float64 scalar."""
        return _mean_over_std(self.sums)


def _mean_over_std(sums: Tensor) -> Tensor:
    total, squares, dates, _ = sums
    mean = total / dates
    deviations = squares - total * mean
    # Equal ICs leave rounding noise, and the ratio to it would look like a miracle.
    spread = (dates >= 2) & (deviations > 1e-12 * squares)
    std = torch.where(spread, deviations / (dates - 1), 1).sqrt()
    return torch.where(spread, mean / std, torch.nan)
