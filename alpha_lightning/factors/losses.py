"""Losses of one date: the composite factor against the label, plus a penalty on alike factors."""

from typing import Literal

import torch
from torch import Tensor, nn

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.cross_section.presence import upcast
from alpha_lightning.cross_section.ranks import rank

Penalty = Literal["pairs", "fro", "none"]

PENALTY_WEIGHTS: dict[Penalty, float] = {"pairs": 1.0, "fro": 0.1, "none": 0.0}
VARIANCE_FLOOR = 1e-8


def composite(factors: Tensor) -> Tensor:
    """Equal-weighted mean of the K factors of each asset.

    Args:
        factors: ``(..., N, K)``.

    Returns:
        ``(..., N)``, float64 for float64 input and float32 otherwise.

    Example:
        >>> composite(torch.tensor([[1.0, 2.0], [3.0, 5.0]]))
        tensor([1.5000, 4.0000])
    """
    return upcast(factors).mean(dim=-1)


class CorrelationPenalty(nn.Module):
    """What it costs that factors say the same thing.

    With C the ``(K, K)`` correlation matrix of the factors, the penalty is ``weight`` times

    * ``pairs``: the mean of C² over the pairs k < k',
    * ``fro``: the Frobenius norm of C, diagonal included (at least sqrt(K)),
    * ``none``: zero.

    A single factor pays nothing.

    Args:
        kind: which of the three.
        weight: the factor before it; 1 for ``pairs`` and 0.1 for ``fro`` when absent.

    Raises:
        UserError: ``kind`` is none of the three, or the weight is negative.
    """

    def __init__(self, kind: Penalty = "pairs", weight: float | None = None) -> None:
        super().__init__()
        if kind not in PENALTY_WEIGHTS:
            msg = f"penalty {kind!r} is unknown: choose one of {', '.join(PENALTY_WEIGHTS)}"
            raise UserError(msg)
        if weight is not None and weight < 0:
            msg = f"penalty weight {weight} would reward alike factors: give 0 or more"
            raise UserError(msg)
        self.kind = kind
        self.weight = PENALTY_WEIGHTS[kind] if weight is None else weight

    def forward(self, factors: Tensor, weights: Tensor) -> Tensor:
        """Penalty of one date.

        Args:
            factors: ``(N, K)``.
            weights: ``(N,)`` of the assets, summing to one.

        Returns:
            A scalar.
        """
        n_factors = factors.shape[-1]
        if self.kind == "none" or n_factors == 1:
            return factors.new_zeros(())
        unit = _standardise(factors, weights)
        correlation = (weights[:, None] * unit).T @ unit
        if self.kind == "fro":
            size: Tensor = torch.linalg.matrix_norm(correlation)
        else:
            n_pairs = n_factors * (n_factors - 1) / 2
            size = correlation.triu(diagonal=1).square().sum() / n_pairs
        return self.weight * size


class CompositeLoss(nn.Module):
    """Misfit of the composite factor and the label, plus the penalty; a loss defines ``misfit``.

    Assets whose label is NaN or infinite weigh nothing. A factor that is NaN is a fault of the
    network and makes the loss NaN. Computed in float32 or better, under autocast too. Variances
    carry a floor of 1e-8, which leaves a constant factor correlation 0 and a finite gradient.

    Args:
        penalty: ``pairs``, ``fro`` or ``none``, see `CorrelationPenalty`.
        weight: factor before the penalty; 1 for ``pairs`` and 0.1 for ``fro`` when absent.
    """

    def __init__(self, penalty: Penalty = "pairs", weight: float | None = None) -> None:
        super().__init__()
        self.penalty = CorrelationPenalty(penalty, weight)

    def forward(self, factors: Tensor, label: Tensor) -> Tensor:
        """Loss of one date.

        Args:
            factors: z, ``(N, K)``.
            label: y, ``(N,)``.

        Returns:
            A scalar in float32 or better.

        Raises:
            ValueError: the shapes are not these. A label ``(N, 1)`` would broadcast against
                ``(N,)`` to all pairs of assets, a loss that teaches the network the mean label.
        """
        if factors.ndim != 2 or label.shape != factors.shape[:1]:
            shapes = f"factors {tuple(factors.shape)} and label {tuple(label.shape)}"
            msg = f"{shapes} are not one date: expected (N, K) and (N,)"
            raise ValueError(msg)
        with torch.autocast(factors.device.type, enabled=False):
            factors = upcast(factors)
            labelled = label.isfinite()
            label = torch.where(labelled, label, 0).to(factors.dtype)
            weights = labelled.to(factors.dtype) / labelled.sum().clamp(min=1)
            penalty: Tensor = self.penalty(factors, weights)
            return self.misfit(composite(factors), label, weights) + penalty

    def misfit(self, c: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """What is left to learn, lower is better.

        Args:
            c: composite factor, ``(N,)``.
            y: label, ``(N,)``, 0 where it is missing.
            weights: ``(N,)``, equal over the n labelled assets, 0 elsewhere, summing to one.

        Returns:
            A scalar.
        """
        raise NotImplementedError


class ICLoss(CompositeLoss):
    """Minus the Pearson correlation of composite and label, plus the penalty.

    The arguments are those of `CompositeLoss`.

    Example:
        >>> z = torch.tensor([[1.0, 1.0], [2.0, 0.0], [3.0, 5.0], [0.0, 4.0]])
        >>> y = torch.tensor([1.0, 2.0, 4.0, 1.0])
        >>> ICLoss(penalty="none")(z, y)
        tensor(-0.8333)
        >>> ICLoss()(z, y)
        tensor(-0.8216)
    """

    def misfit(self, c: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """Minus the IC."""
        return -_correlation(c, y, weights)


class WeightedICLoss(CompositeLoss):
    """Minus a weighted correlation in which the ends of the label count more, plus the penalty.

    An asset at quantile u = (rank - 1/2) / n of the label, ties averaged, weighs
    1 + (tail - 1) |2u - 1|: the median asset 1, the best and the worst almost ``tail``. Means,
    variances and covariance all use these weights; the penalty weighs all assets alike.

    Args:
        penalty: as in `CompositeLoss`.
        weight: as in `CompositeLoss`.
        tail: weight of the extremes against the median asset; 1 is the plain IC.

    Raises:
        UserError: ``tail`` is not above 0.
    """

    def __init__(
        self, penalty: Penalty = "pairs", weight: float | None = None, tail: float = 3.0
    ) -> None:
        super().__init__(penalty, weight)
        if not tail > 0:
            msg = f"tail {tail} is no weight for the extremes: give a number above 0 (1 = plain IC)"
            raise UserError(msg)
        self.tail = tail

    def misfit(self, c: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """Minus the weighted IC."""
        labelled = weights > 0
        quantile = (rank(y, labelled) - 0.5) / labelled.sum().clamp(min=1)
        emphasis = 1 + (self.tail - 1) * (2 * quantile - 1).abs()
        emphasis = torch.where(labelled, emphasis, 0)
        # Without any label the sum is 0, and 0 / 1 keeps the loss of such a date at 0.
        total = torch.where(labelled.any(), emphasis.sum(), 1)
        return -_correlation(c, y, emphasis / total)


class MSELoss(CompositeLoss):
    """Mean squared difference of composite and label, plus the penalty.

    The arguments are those of `CompositeLoss`. The only loss here and in `CCCLoss` that sees the
    scale of the label: standardise it.
    """

    def misfit(self, c: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """The mean squared error."""
        return (weights * (c - y).square()).sum()


class CCCLoss(CompositeLoss):
    """Minus the concordance correlation of composite and label, plus the penalty.

    CCC = 2 cov(c, y) / (var c + var y + (mean c - mean y)²): a correlation that also asks for the
    label's mean and scale. The arguments are those of `CompositeLoss`.

    Reference:
        L. Lin, "A concordance correlation coefficient to evaluate reproducibility", Biometrics 45
        (1989).
    """

    def misfit(self, c: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """Minus the CCC."""
        mean_c, mean_y = (weights * c).sum(), (weights * y).sum()
        c, y = c - mean_c, y - mean_y
        covariance = (weights * c * y).sum()
        variances = (weights * (c.square() + y.square())).sum()
        return -2 * covariance / (variances + (mean_c - mean_y).square() + VARIANCE_FLOOR)


def _standardise(x: Tensor, weights: Tensor) -> Tensor:
    # Sums, not products of matrices: the latter may run in TF32 on a GPU.
    weights = weights[:, None]
    centred = x - (weights * x).sum(dim=0)
    variance = (weights * centred.square()).sum(dim=0)
    return centred / (variance + VARIANCE_FLOOR).sqrt()


def _correlation(x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    unit = _standardise(torch.stack([x, y], dim=1), weights)
    return (weights * unit[:, 0] * unit[:, 1]).sum()
