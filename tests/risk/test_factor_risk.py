"""The risk of one date: by hand, and what is no risk."""

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.risk.factor_risk import FactorRisk, Floats

GONE = np.nan


def risk_of(covariance: Floats | None = None) -> FactorRisk:
    """Three stocks of two industries, and one that is not covered."""
    exposures = np.array(
        [[1.0, 1, 0, 1], [-1.0, 0, 1, 1], [0.0, 0, 1, 1], [GONE, GONE, GONE, GONE]]
    )
    diagonal = np.diag([0.01, 0.0004, 0.0009, 0.04])
    return FactorRisk(
        ("size", "banks", "steel", "market"),
        ("style", "industry", "industry", "market"),
        exposures,
        diagonal if covariance is None else covariance,
        np.array([0.04, 0.09, 0.16, GONE]),
    )


def test_variance_by_hand() -> None:
    risk = risk_of()
    # Half and half: no style, both industries, the market.
    weights = np.array([0.5, 0.5, 0, 0])
    by_hand = 0.25 * 0.0004 + 0.25 * 0.0009 + 0.04 + 0.25 * (0.04 + 0.09)
    assert risk.variance(weights) == pytest.approx(by_hand, rel=1e-12)
    assert risk.volatility(weights) == pytest.approx(by_hand**0.5, rel=1e-12)
    # One against another: twice the style, no market.
    active = np.array([1.0, -1, 0, 0])
    by_hand = 4 * 0.01 + 0.0004 + 0.0009 + 0.04 + 0.09
    assert risk.variance(active) == pytest.approx(by_hand, rel=1e-12)


def test_exposures_and_places() -> None:
    risk = risk_of()
    assert risk.exposure(np.array([0.5, 0.25, 0.25, 0.0])).tolist() == [0.25, 0.5, 0.5, 1.0]
    assert risk.exposure(np.array([0.5, 0, 0, 0.5])).tolist() == [0.5, 0.5, 0.0, 0.5]
    assert risk.columns("industry").tolist() == [1, 2]
    assert risk.columns("market").tolist() == [3]
    assert risk.covered.tolist() == [True, True, True, False]


def test_what_is_not_covered_has_no_risk_of_its_own() -> None:
    risk = risk_of()
    assert np.isnan(risk.variance(np.array([0.5, 0, 0, 0.5])))
    assert np.isfinite(risk.variance(np.array([0.5, 0.5, 0, 0.0])))


def test_what_is_unknown_is_filled_dull_and_risky() -> None:
    whole = risk_of().filled()
    assert whole.covered.all()
    assert whole.exposures[3].tolist() == [0, 0, 0, 1]
    assert whole.specific[3] == pytest.approx(np.quantile([0.04, 0.09, 0.16], 0.95))
    assert np.array_equal(whole.exposures[:3], risk_of().exposures[:3])
    assert whole.filled() is whole


def test_the_root_is_one() -> None:
    generator = np.random.default_rng(0)
    drawn = generator.normal(size=(4, 2))
    risk = risk_of(drawn @ drawn.T)
    np.testing.assert_allclose(risk.root @ risk.root.T, drawn @ drawn.T, atol=1e-12)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ((0, 0), -0.01, "not positive semidefinite .its least eigenvalue is -0.01"),
        ((0, 1), 0.01, "not finite and symmetric"),
        ((2, 2), np.nan, "not finite and symmetric"),
    ],
)
def test_a_matrix_that_is_no_covariance(place: tuple[int, int], value: float, told: str) -> None:
    covariance = risk_of().covariance.copy()
    covariance[place] = value
    risk = risk_of(covariance)
    with pytest.raises(ArtefactError, match=told):
        risk.variance(np.array([1.0, 0, 0, 0]))


def test_rounding_below_zero_is_none() -> None:
    covariance = risk_of().covariance.copy()
    covariance[1, 1] = -1e-12
    assert risk_of(covariance).variance(np.array([1.0, 0, 0, 0])) == pytest.approx(0.09)
