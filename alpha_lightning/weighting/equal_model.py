"""Equal weights: the mean of the standardised factors, without a fit."""

from dataclasses import dataclass

from alpha_lightning.weighting.design_matrix import DesignMatrix
from alpha_lightning.weighting.standardised_rows import standardised_rows
from alpha_lightning.weighting.weighting_model import Array, Fit, LabelledRows


@dataclass(frozen=True)
class EqualWeights:
    """``score = sum over k of z_k / C``, z_k the factors z-scored by date, 0 where missing."""

    learns = False

    def prepare(self, design: DesignMatrix) -> DesignMatrix:
        """Z-scores by date, see `standardised_rows`."""
        return standardised_rows(design)

    def fit(self, train: LabelledRows, valid: LabelledRows, threads: int) -> Fit:  # noqa: ARG002
        """Nothing to fit; no row is read."""
        return Fit(_mean)


def _mean(features: Array) -> Array:
    mean: Array = features.mean(axis=1, dtype="float64")
    return mean
