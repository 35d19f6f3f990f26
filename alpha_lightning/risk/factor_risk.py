"""The risk of one date, ``V = B F B' + S``, kept in its factors."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import ArtefactError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Kind = Literal["style", "industry", "market"]
_UNKNOWN_QUANTILE = 0.95
_NEGATIVE = 1e-8


@dataclass(frozen=True)
class FactorRisk:
    """What is known at the close of a date about the risk from there on.

    Args:
        factors: ``K`` names: styles, industries, the market last.
        kinds: ``K`` of what kind each is.
        exposures: ``(N, K)``; styles in cross-sectional standard deviations, industries and the
            market 0 or 1; a row of NaN where the model does not cover the stock.
        covariance: ``(K, K)`` of factor returns, a year's worth.
        specific: ``(N,)`` variance of specific returns, a year's worth; NaN where not covered.
    """

    factors: tuple[str, ...]
    kinds: tuple[Kind, ...]
    exposures: Floats
    covariance: Floats
    specific: Floats

    @cached_property
    def covered(self) -> Flags:
        """Stocks that the model knows, ``(N,)``."""
        return np.isfinite(self.exposures).all(axis=1) & np.isfinite(self.specific)

    def columns(self, kind: Kind) -> NDArray[np.intp]:
        """Places of the factors of a kind."""
        return np.flatnonzero([own == kind for own in self.kinds])

    @cached_property
    def root(self) -> Floats:
        """``(K, K)`` L with ``L L' = F``.

        Raises:
            ArtefactError: the covariance is not finite and symmetric, or has an eigenvalue below 0
                by more than rounding.
        """
        whole = np.asarray(self.covariance, dtype=np.float64)
        if not np.isfinite(whole).all() or not np.allclose(whole, whole.T, rtol=1e-8, atol=1e-14):
            msg = "the covariance of factor returns is not finite and symmetric: estimate it again"
            raise ArtefactError(msg)
        values, vectors = np.linalg.eigh((whole + whole.T) / 2)
        if len(values) and values[0] < -_NEGATIVE * max(values[-1], 1e-12):
            msg = (
                f"the covariance of factor returns is not positive semidefinite (its least"
                f" eigenvalue is {values[0]:.3g}): estimate it again"
            )
            raise ArtefactError(msg)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))

    def exposure(self, weights: Floats) -> Floats:
        """Exposures ``(K,)`` of weights ``(N,)``; a stock that is not covered adds nothing."""
        held = np.flatnonzero(weights)
        known = held[self.covered[held]]
        return np.asarray(weights[known] @ self.exposures[known])

    def variance(self, weights: Floats) -> float:
        """Variance of weights ``(N,)``, a year's worth; NaN if one that counts is not covered.

        Args:
            weights: of a portfolio, or active ones for the square of tracking error.
        """
        held = np.flatnonzero(weights)
        own = weights[held]
        common = self.root.T @ (own @ self.exposures[held])
        return float(common @ common + (own**2) @ self.specific[held])

    def volatility(self, weights: Floats) -> float:
        """Standard deviation of weights ``(N,)``, a year's worth."""
        return float(np.sqrt(self.variance(weights)))

    def filled(self) -> Self:
        """The same with every stock covered.

        What is unknown is assumed dull but risky: no style, no industry, the market's exposure 1,
        and a specific risk that only a twentieth of the covered stocks exceed.
        """
        if self.covered.all():
            return self
        exposures, specific = self.exposures.copy(), self.specific.copy()
        gone = ~self.covered
        exposures[gone] = [float(kind == "market") for kind in self.kinds]
        known = self.specific[self.covered]
        specific[gone] = np.quantile(known, _UNKNOWN_QUANTILE) if len(known) else 1.0
        made: Any = replace(self, exposures=exposures, specific=specific)
        return made  # type: ignore[no-any-return]
