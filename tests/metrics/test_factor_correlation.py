"""Factor correlation against NumPy's, pair by pair."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from alpha_lightning.metrics.factor_correlation import FactorCorrelation


def by_hand(factors: Tensor) -> float:
    """Mean absolute correlation of the pairs, by NumPy and two loops."""
    columns = [column.numpy() for column in factors.double().T]
    varied = [column for column in columns if np.ptp(column) > 0]
    pairs = itertools.combinations(varied, 2)
    return float(np.mean([abs(np.corrcoef(first, second)[0, 1]) for first, second in pairs]))


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_it_is_numpys_mean_over_dates(shift: float) -> None:
    generator = torch.Generator().manual_seed(0)
    metric, expected = FactorCorrelation(), []
    for stocks in (5, 40, 300):
        common = torch.randn(stocks, 1, generator=generator)
        factors = common + torch.randn(stocks, 6, generator=generator) + shift
        factors[:, 2] = 7.0  # constant: its pairs do not count
        metric.update(factors)
        expected.append(by_hand(factors))
    torch.testing.assert_close(metric.compute().item(), float(np.mean(expected)), rtol=1e-9, atol=0)


def test_a_date_without_a_pair_is_skipped_and_no_date_is_nan() -> None:
    metric = FactorCorrelation()
    metric.update(torch.ones(10, 4))
    metric.update(torch.randn(10, 1))
    assert metric.compute().isnan()
    same = torch.randn(10, 1).expand(10, 3)
    metric.update(same)
    torch.testing.assert_close(metric.compute().item(), 1.0, rtol=1e-12, atol=0)


def test_a_factor_that_is_nan_does_not_hide_the_others() -> None:
    factors = torch.randn(20, 3)
    broken = torch.cat([factors, torch.full((20, 1), torch.nan)], dim=1)
    metric = FactorCorrelation()
    metric.update(broken)
    assert metric.compute().item() == pytest.approx(by_hand(factors), rel=1e-9)


def test_more_than_one_date_at_once_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3, 4\) are not those of one date"):
        FactorCorrelation().update(torch.zeros(2, 3, 4))
