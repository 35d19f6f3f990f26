import math

import pytest
import torch

from alpha_lightning.cross_section.presence import present, upcast, varies

NAN = math.nan


def test_nan_and_infinities_are_missing() -> None:
    x = torch.tensor([1.0, NAN, math.inf, -math.inf, 0.0])
    assert present(x).tolist() == [True, False, False, False, True]


def test_a_mask_of_one_date_serves_every_date() -> None:
    x = torch.tensor([[1.0, NAN, 3.0], [4.0, 5.0, 6.0]])
    mask = torch.tensor([True, True, False])
    assert present(x, mask).tolist() == [[True, False, False], [True, True, False]]


def test_a_mask_about_other_assets_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mask \(4, 1\) and values \(4,\)"):
        present(torch.ones(4), torch.ones(4, 1, dtype=torch.bool))


@pytest.mark.parametrize(
    ("given", "worked"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_half_precisions_are_worked_on_in_float32(given: torch.dtype, worked: torch.dtype) -> None:
    assert upcast(torch.ones(2, dtype=given)).dtype == worked


def test_varies_looks_at_valid_values_only() -> None:
    x = torch.tensor([[0.1, 0.1, 7.0], [0.1, 0.2, 7.0], [NAN, 5.0, 5.0]])
    valid = torch.tensor([[True, True, False], [True, True, False], [False, True, True]])
    assert varies(x, valid).tolist() == [[False], [True], [False]]


@pytest.mark.parametrize("assets", [0, 3])
def test_nothing_valid_does_not_vary(assets: int) -> None:
    valid = torch.zeros(2, assets, dtype=torch.bool)
    assert varies(torch.ones(2, assets), valid).tolist() == [[False], [False]]
