import math

import numpy as np
import pytest
import torch

from alpha_lightning.cross_section.groups import quantile_groups


def plain_loop(x: list[float], n: int, mask: list[bool]) -> list[int]:
    kept = [i for i, value in enumerate(x) if mask[i] and math.isfinite(value)]
    groups = [-1] * len(x)
    for place, asset in enumerate(sorted(kept, key=lambda i: (-x[i], i))):
        groups[asset] = place * n // len(kept)
    return groups


@pytest.mark.parametrize("n", [1, 3, 20])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_every_date_is_the_plain_loop(n: int, dtype: torch.dtype) -> None:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.integers(-6, 7, (12, 47)) / 2.0)
    x[torch.from_numpy(rng.random(x.shape) < 0.2)] = torch.nan
    x[0, 0], x[1, 1] = torch.inf, -torch.inf
    mask = torch.from_numpy(rng.random(x.shape) < 0.9)
    mask[3] = False
    got = quantile_groups(x.to(dtype), n, mask)
    assert got.dtype == torch.int64
    for row, row_mask, row_got in zip(x, mask, got, strict=True):
        assert row_got.tolist() == plain_loop(row.tolist(), n, row_mask.tolist())


def test_sizes_differ_by_at_most_one() -> None:
    groups = quantile_groups(torch.randn(1_003, generator=torch.Generator().manual_seed(0)), 20)
    assert set(groups.bincount().tolist()) == {50, 51}


def test_ties_keep_their_order() -> None:
    assert quantile_groups(torch.zeros(6), 3).tolist() == [0, 0, 1, 1, 2, 2]


def test_fewer_assets_than_groups_leave_groups_empty() -> None:
    assert quantile_groups(torch.tensor([1.0, 3.0, 2.0]), 5).tolist() == [3, 0, 1]


def test_no_groups_is_refused() -> None:
    with pytest.raises(ValueError, match="n is 0"):
        quantile_groups(torch.ones(3), 0)
