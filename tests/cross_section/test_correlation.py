import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from alpha_lightning.cross_section.correlation import pearson, spearman

Correlation = Callable[..., Any]
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6, torch.bfloat16: 1e-6}


def ragged(dates: int = 20, assets: int = 203) -> tuple[Tensor, Tensor, Tensor]:
    """Related cross-sections with holes, ties, a few infinities and a mask."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(dates, assets))
    y = 0.3 * x + rng.normal(size=x.shape)
    y[:, ::3] = np.round(y[:, ::3])
    x[rng.random(x.shape) < 0.1] = np.nan
    y[rng.random(x.shape) < 0.1] = np.nan
    x[-2, 3], y[-1, 5] = np.inf, -np.inf
    mask = rng.random(x.shape) < 0.9
    return torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(mask)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize(
    ("ours", "theirs"), [(pearson, stats.pearsonr), (spearman, stats.spearmanr)]
)
def test_every_date_is_what_scipy_says(
    ours: Correlation, theirs: Correlation, dtype: torch.dtype
) -> None:
    x, y, mask = ragged()
    x, y = x.to(dtype), y.to(dtype)
    got = ours(x, y, mask)
    assert got.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    for row_x, row_y, row_mask, row_got in zip(x, y, mask, got, strict=True):
        valid = row_mask & row_x.isfinite() & row_y.isfinite()
        expected = theirs(row_x[valid].double().numpy(), row_y[valid].double().numpy()).statistic
        assert row_got.item() == pytest.approx(expected, abs=TOLERANCE[dtype])


def test_spearman_of_a_whole_market_in_float32() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=5_000).astype(np.float32)
    y = (0.1 * x + rng.normal(size=5_000)).astype(np.float32)
    expected = stats.spearmanr(x, y).statistic
    assert spearman(torch.from_numpy(x), torch.from_numpy(y)).item() == pytest.approx(
        expected, abs=1e-6
    )


@pytest.mark.parametrize("correlation", [pearson, spearman])
def test_undefined_dates_are_missing(correlation: Correlation) -> None:
    climb = torch.tensor([1.0, 2.0, 3.0, 4.0])
    constant = torch.full((4,), 0.1)
    two_pairs = torch.tensor([1.0, 2.0, math.nan, math.inf])
    x = torch.stack([climb, constant, climb, two_pairs, torch.full((4,), math.nan)])
    y = torch.stack([climb, climb, constant, climb, climb])
    assert correlation(x, y).isnan().tolist() == [False, True, True, True, True]
    assert correlation(torch.empty(2, 0), torch.empty(2, 0)).isnan().all()


def test_a_side_constant_among_the_pairs_is_missing() -> None:
    x = torch.tensor([0.1, 0.1, 0.1, 5.0])
    y = torch.tensor([1.0, 2.0, 3.0, math.nan])
    assert pearson(x, y).isnan()


def test_many_factors_meet_one_label() -> None:
    x, y, mask = ragged(dates=5)
    together = pearson(x, y[0], mask)
    one_by_one = torch.stack([pearson(row, y[0], kept) for row, kept in zip(x, mask, strict=True)])
    torch.testing.assert_close(together, one_by_one, rtol=0, atol=1e-14)


def test_a_column_is_not_a_cross_section() -> None:
    with pytest.raises(ValueError, match=r"\(8,\) and \(8, 1\)"):
        spearman(torch.ones(8), torch.ones(8, 1))


def test_perfect_correlation_is_not_exceeded() -> None:
    x = torch.rand(50, 101, generator=torch.Generator().manual_seed(0))
    assert pearson(x, 3 * x + 1).max() <= 1
    assert pearson(x, -x).min() >= -1


def test_gradients_are_right_and_finite_where_undefined() -> None:
    x, y, mask = ragged(dates=4, assets=12)
    x[1], y[2] = 0.1, 0.1
    x.requires_grad_()
    y.requires_grad_()

    def defined(x: Tensor, y: Tensor) -> Tensor:
        return pearson(x, y, mask)[[0, 3]]

    assert torch.autograd.gradcheck(defined, (x, y))
    total: Tensor = pearson(x, y, mask).nansum()
    total.backward()  # type: ignore[no-untyped-call]
    for side in (x, y):
        assert side.grad is not None
        assert side.grad.isfinite().all()
        assert (side.grad[[1, 2]] == 0).all()
