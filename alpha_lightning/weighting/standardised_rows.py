"""Features z-scored by date, rounded so that sums of their products are exact."""

import itertools

import numpy as np
import torch

from alpha_lightning.cross_section.scaling import zscore
from alpha_lightning.weighting.design_matrix import Array, DesignMatrix

STEP = 2.0**-16
"""Spacing of the values. Products of two such numbers are multiples of 2^-32, and float64 adds up
two million products of z-scores without rounding: the sum is the same in whatever order threads
take, on any machine. The rounding itself moves a z-score by less than a hundred-thousandth."""


def standardised_rows(design: DesignMatrix) -> DesignMatrix:
    """Z-score each column on each date over the rows; a missing value becomes 0, the mean.

    Args:
        design: rows of the universe; those of a date together.

    Returns:
        The same rows with float32 values that are multiples of `STEP`.
    """
    starts = np.flatnonzero(np.diff(design.date_index, prepend=-1))
    values = np.empty(design.values.shape, dtype=np.float32)
    for first, end in itertools.pairwise([*starts.tolist(), len(design)]):
        by_column = np.ascontiguousarray(design.values[first:end].T, dtype=np.float64)
        scaled = zscore(torch.from_numpy(by_column)).nan_to_num_(0.0).numpy()
        values[first:end] = rounded(scaled).T
    return DesignMatrix(design.date_index, design.symbol_index, values, design.columns)


def rounded(values: Array) -> Array:
    """The nearest multiples of `STEP`."""
    nearest: Array = np.round(values / STEP) * STEP
    return nearest
