from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from alpha_lightning.factors.networks import RESTCN
from alpha_lightning.factors.networks.convolution import CausalConvolution
from alpha_lightning.factors.networks.restcn import ResidualBlock


def kernels(network: RESTCN) -> list[list[int]]:
    blocks = [module for module in network.modules() if isinstance(module, ResidualBlock)]
    return [
        [layer.kernel_size[0] for layer in block.layers if isinstance(layer, CausalConvolution)]
        for block in blocks
    ]


def plain_block(block: ResidualBlock, days: Tensor) -> Tensor:
    """The block on ``(N, C, L)``, with one-dimensional convolutions and explicit statistics."""
    hidden = days
    convolutions = [layer for layer in block.layers if isinstance(layer, CausalConvolution)]
    for depth, layer in enumerate(convolutions):
        weight = layer.weight[..., 0]
        hidden = F.conv1d(F.pad(hidden, (weight.shape[2] - 1, 0)), weight)
        mean = hidden.mean(dim=(0, 2), keepdim=True)
        variance = hidden.var(dim=(0, 2), unbiased=False, keepdim=True)
        hidden = (hidden - mean) / (variance + 1e-5).sqrt()
        if depth < len(convolutions) - 1:
            hidden = F.relu(hidden)
    shortcut = block.shortcut
    if isinstance(shortcut, torch.nn.Conv2d):
        days = F.conv1d(days, shortcut.weight[..., 0], shortcut.bias)
    return F.relu(days + hidden)


@pytest.mark.parametrize("kernel_sizes", [(3, 3), (8, 5, 3)])
@pytest.mark.parametrize("n_in", [6, 16])
def test_residual_block_equals_its_formula(n_in: int, kernel_sizes: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    block, days = ResidualBlock(n_in, 16, kernel_sizes).double(), torch.randn(9, n_in, 30).double()
    got = block(days.permute(1, 2, 0)[None])[0].permute(2, 0, 1)
    torch.testing.assert_close(got, plain_block(block, days), rtol=0, atol=1e-12)


def test_readings_of_the_residual_part() -> None:
    assert kernels(RESTCN(6)) == [[3, 3], [3, 3], [3, 3]]
    assert kernels(RESTCN(6, residual="wang")) == [[8, 5, 3]]
    assert RESTCN(6, residual="wang")(torch.zeros(5, 30, 6)).shape == (5, 64)


@pytest.mark.parametrize("residual", ["stack", "wang"])
@pytest.mark.parametrize("t", [0, 13, 28])
def test_no_day_sees_a_later_one(t: int, residual: Any) -> None:
    torch.manual_seed(0)
    network, image = RESTCN(6, residual=residual).eval(), torch.randn(1, 6, 30, 5)
    changed = image.clone()
    changed[:, :, t + 1 :] += 1.0
    before, after = (network.tcn(network.residual(x)) for x in (image, changed))
    assert torch.equal(after[:, :, : t + 1], before[:, :, : t + 1])
    assert not torch.equal(after[:, :, t + 1 :], before[:, :, t + 1 :])


def test_reads_the_last_day_of_the_full_sequence() -> None:
    torch.manual_seed(0)
    network, x = RESTCN(6).double().eval(), torch.randn(5, 30, 6).double()
    full = network.tcn(network.residual(x.permute(2, 1, 0)[None]))
    torch.testing.assert_close(network(x), full[0, :, -1].T, rtol=0, atol=1e-12)


def test_refuses_a_tcn_that_does_not_cover_the_window() -> None:
    with pytest.raises(ValueError, match=r"levels=3 and kernel=3 sees 29 days of a window of 30"):
        RESTCN(6, levels=3)
    assert RESTCN(6, window=29, levels=3).receptive_field == 29
    assert RESTCN(6, levels=3, kernel=4).receptive_field == 43
    assert RESTCN(6).receptive_field == 61


def test_refuses_an_unknown_reading() -> None:
    unknown: Any = "dense"
    with pytest.raises(ValueError, match="residual='dense' is unknown: use 'stack' or 'wang'"):
        RESTCN(6, residual=unknown)
