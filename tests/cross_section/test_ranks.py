import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from alpha_lightning.cross_section.ranks import rank


def ragged(dates: int, assets: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Coarse values, hence many ties; holes in the values and in the mask."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-4, 5, (dates, assets)) / 2.0
    x[rng.random(x.shape) < 0.2] = np.nan
    return torch.from_numpy(x), torch.from_numpy(rng.random(x.shape) < 0.8)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_every_date_is_what_scipy_says(dtype: torch.dtype) -> None:
    x, mask = ragged(dates=20, assets=37, seed=0)
    got = rank(x.to(dtype), mask)
    assert got.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    for row, row_mask, row_got in zip(x, mask, got, strict=True):
        valid = row_mask & row.isfinite()
        np.testing.assert_array_equal(row_got[valid], rankdata(row[valid]))
        assert row_got[~valid].isnan().all()


def test_one_date_and_a_stack_of_dates_agree() -> None:
    x, mask = ragged(dates=6, assets=11, seed=1)
    stacked = rank(x.reshape(2, 3, 11), mask.reshape(2, 3, 11)).reshape(6, 11)
    torch.testing.assert_close(stacked[4], rank(x[4], mask[4]), rtol=0, atol=0, equal_nan=True)


def test_seventy_thousand_ties_share_one_rank() -> None:
    assert (rank(torch.zeros(70_000)) == 35_000.5).all()


def test_infinities_are_missing_and_zeros_of_either_sign_tie() -> None:
    got = rank(torch.tensor([torch.inf, 0.0, -torch.inf, -0.0, 1.0]))
    torch.testing.assert_close(
        got, torch.tensor([torch.nan, 1.5, torch.nan, 1.5, 3.0]), equal_nan=True
    )


def test_an_empty_universe_has_no_ranks() -> None:
    assert rank(torch.empty(3, 0)).shape == (3, 0)
    assert rank(torch.ones(4), torch.zeros(4, dtype=torch.bool)).isnan().all()


def test_integers_are_ranked() -> None:
    assert rank(torch.tensor([30, 10, 20])).tolist() == [3.0, 1.0, 2.0]
