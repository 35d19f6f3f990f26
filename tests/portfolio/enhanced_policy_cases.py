"""A handful of stocks, their risk and what a policy sees of them, by hand."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.portfolio.enhanced_policy import EnhancedPolicy
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.portfolio.policy import Hold, Observation, Target
from alpha_lightning.risk.factor_risk import FactorRisk

INDEX = (0.4, 0.3, 0.2, 0.1, 0.0, 0.0)
"""Weights of six stocks, of which the last two are outside."""
SCORES = (-1.0, 0.5, 0.0, -0.5, 2.0, 1.0)
DATES = np.datetime64("2024-01-01") + np.arange(8)
ROW = 5
OPEN = IndexEnhanced(
    "000300", tracking_error=None, turnover=None, style=None, industry=None, max_age=None
)
"""Without any limit."""


def small_risk(stocks: int = 6, seed: int = 0) -> FactorRisk:
    """A style, two industries by turns, and the market; 30 % specific volatility."""
    generator = np.random.default_rng(seed)
    exposures = np.zeros((stocks, 4))
    exposures[:, 0] = generator.normal(size=stocks)
    exposures[::2, 1] = exposures[1::2, 2] = exposures[:, 3] = 1.0
    return FactorRisk(
        factors=("size", "banks", "metals", "market"),
        kinds=("style", "industry", "industry", "market"),
        exposures=exposures,
        covariance=np.diag([0.03, 0.1, 0.1, 0.2]) ** 2,
        specific=np.full(stocks, 0.3**2),
    )


class SmallRisk:
    """One and the same risk on every row from the first on."""

    def __init__(self, risk: FactorRisk, first: int = 0) -> None:
        self.risk, self.first = risk, first

    def at(self, row: int) -> FactorRisk | None:
        return self.risk if row >= self.first else None


def policy(
    settings: IndexEnhanced = OPEN,
    index: Sequence[float] = INDEX,
    risk: FactorRisk | None = None,
    first: int = 0,
    **changes: Any,
) -> EnhancedPolicy:
    weights = np.tile(np.array(index, dtype=np.float32), (len(DATES), 1))
    own = SmallRisk(risk or small_risk(len(index)), first)
    return EnhancedPolicy(replace(settings, **changes), own, weights, DATES)


def seen(
    scores: Sequence[float] = SCORES,
    held: Sequence[float] = (),
    *,
    up: Sequence[int] = (),
    down: Sequence[int] = (),
    suspended: Sequence[int] = (),
    outside: Sequence[int] = (),
    unlisted: Sequence[int] = (),
    row: int = ROW,
) -> Observation:
    """What is seen on a row; stocks by their places."""
    stocks = len(scores)
    weights = np.array(held or [0.0] * stocks)

    def without(places: Sequence[int]) -> NDArray[np.bool_]:
        return ~np.isin(np.arange(stocks), places)

    def past(field: str, days: int) -> NDArray[Any]:
        assert (field, days) == ("listed", 1)
        return without(unlisted)[None]

    limits: Callable[[], Any] = lambda: (~without(up), ~without(down))  # noqa: E731
    return Observation(
        date=DATES[row],
        symbols=np.array([f"S{k}" for k in range(stocks)]),
        scores=np.array(scores, dtype=np.float64),
        universe=without(outside),
        traded=without([*suspended, *unlisted]),
        shares=weights * 1e6,
        weights=weights,
        value=1e8,
        past=past,
        limits=limits,
    )


def weights_of(answer: Target | Hold, stocks: int = 6) -> NDArray[np.float64]:
    """Weights ``(N,)`` of what is wanted; those that are kept stand at what they are."""
    assert isinstance(answer, Target), answer
    assert answer.fault(stocks) == ""
    assert len(answer.reserves) == 0
    assert answer.max_names is None
    found = np.zeros(stocks)
    found[answer.columns] = answer.weights
    return found
