"""Ridge regression on standardised factors: the best that fixed weights do on the same dates."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.weighting.design_matrix import DesignMatrix
from alpha_lightning.weighting.standardised_rows import rounded, standardised_rows
from alpha_lightning.weighting.weighting_model import Fit, Importance, LabelledRows

Vector = NDArray[np.float64]
PENALTIES = tuple(10.0 ** (half / 2) for half in range(-6, 5))
"""Penalties tried, as multiples of the number of rows: 0.001 to 100."""
_COEFFICIENT_BITS = 20
_BLOCK = 1 << 14


@dataclass(frozen=True)
class Ridge:
    """``prediction = sum over k of b_k z_k``, z_k the factors z-scored by date, 0 where missing.

    Both sides are centred by date, so there is no intercept.
    """

    learns = True

    def prepare(self, design: DesignMatrix) -> DesignMatrix:
        """Z-scores by date, see `standardised_rows`."""
        return standardised_rows(design)

    def fit(self, train: LabelledRows, valid: LabelledRows, threads: int) -> Fit:  # noqa: ARG002
        """`fit_ridge`; the linear algebra brings its own threads."""
        return fit_ridge(train, valid)


def fit_ridge(train: LabelledRows, valid: LabelledRows) -> Fit:
    """Minimise ``|y - X b|^2 + penalty |b|^2`` on ``train`` for each of `PENALTIES`.

    Kept is the penalty with the lowest mean squared error on ``valid``, the smaller one of equals.
    The result does not depend on the number of threads: sums of products are exact (see
    `standardised_rows`), and coefficients are rounded to 20 bits, more than the eigenvectors'
    rounding errors reach.

    Args:
        train: rows from `standardised_rows`.
        valid: rows of later dates.
    """
    gram, cross, _ = _products(train)
    values, vectors = np.linalg.eigh(gram)
    shrunk = values.clip(min=0)[:, None] + np.array(PENALTIES) * len(train.label)
    candidates = vectors @ ((vectors.T @ cross)[:, None] / shrunk)
    tried = [_rounded_to_bits(candidates[:, k]) for k in range(len(PENALTIES))]
    gram, cross, square = _products(valid)
    errors = [float(b @ gram @ b - 2 * b @ cross + square) for b in tried]
    best = int(np.argmin(errors))
    weights = tried[best]

    def explain(features: NDArray[Any]) -> Importance:
        share = np.abs(weights)
        size = np.abs(features).mean(axis=0, dtype=np.float64)
        return Importance(share / share.sum(), share * size)

    return Fit(
        lambda features: np.concatenate([x @ weights for x in _blocks(features)]),
        {"penalty": round(PENALTIES[best], 6)},
        "" if weights.any() else f"no factor tells apart the {len(train.label)} rows to learn from",
        explain,
    )


def _products(rows: LabelledRows) -> tuple[NDArray[np.float64], Vector, float]:
    columns = rows.features.shape[1]
    gram, cross = np.zeros((columns, columns)), np.zeros(columns)
    label = rounded(rows.label.astype(np.float64))
    start = 0
    for block in _blocks(rows.features):
        gram += block.T @ block
        cross += block.T @ label[start : start + len(block)]
        start += len(block)
    return gram, cross, float(label @ label)


def _blocks(features: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    # In double precision the whole would be twice the design matrix.
    for start in range(0, len(features), _BLOCK):
        yield features[start : start + _BLOCK].astype(np.float64)


def _rounded_to_bits(weights: Vector) -> Vector:
    _, exponent = np.frexp(np.abs(weights).max())
    step = np.ldexp(1.0, int(exponent) - _COEFFICIENT_BITS)
    result: Vector = np.round(weights / step) * step
    return result
