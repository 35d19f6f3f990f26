"""What averaging forecasts is worth: the identities of the paper, for scores of unit variance.

They hold exactly for the Pearson correlation of z-scores with a return on one date; for RankIC and
means over dates they are approximations, which the table ``ensemble`` holds against the measured.
The identity of any weights is `mean_ic`, that of averaged runs `averaged_correlation`.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mean_of_equals(ic: float, rho: float, n: float) -> float:
    """IC of the mean of ``n`` scores of equal IC: ``IC / sqrt((1 - rho) / n + rho)``.

    Args:
        ic: of each score.
        rho: correlation of each pair.
        n: how many, or ``math.inf`` for the limit ``IC / sqrt(rho)``.

    Example:
        >>> round(mean_of_equals(0.10, 0.25, 4), 4), mean_of_equals(0.10, 0.25, math.inf)
        (0.1512, 0.2)

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), integration of models.
    """
    return ic / math.sqrt((1 - rho) / n + rho)


def mean_pairwise(correlation: Floats) -> float:
    """Mean of a matrix above its diagonal; NaN for a single score.

    Example:
        >>> mean_pairwise(np.array([[1.0, 0.5], [0.5, 1.0]]))
        0.5
    """
    pairs = correlation[np.triu_indices(len(correlation), 1)]
    return float(pairs.mean()) if len(pairs) else math.nan
