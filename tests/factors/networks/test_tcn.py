from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from alpha_lightning.factors.networks.tcn import TCN, TemporalBlock, normalised_convolution


def network(levels: int = 4, kernel: int = 3, channels: int = 16) -> TCN:
    torch.manual_seed(0)
    tcn = TCN(channels, levels, kernel, dropout=0.2).double().eval()
    with torch.no_grad():
        for block in tcn.blocks:
            for name, parameter in block.named_parameters():
                if name.endswith("original0"):
                    parameter.mul_(10)  # at their small start the convolutions barely show
    return tcn


def image(days: int, channels: int = 16) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(1, channels, days, 5, generator=generator).double()


@pytest.mark.parametrize("t", [0, 1, 14, 28])
def test_a_day_does_not_change_with_the_days_after_it(t: int) -> None:
    tcn, x = network(), image(30)
    changed = x.clone()
    changed[:, :, t + 1 :] += 1.0
    before, after = tcn(x), tcn(changed)
    assert torch.equal(after[:, :, : t + 1], before[:, :, : t + 1])
    assert not torch.equal(after[:, :, t + 1], before[:, :, t + 1])


@pytest.mark.parametrize(("levels", "kernel"), [(1, 2), (2, 3), (3, 3), (4, 3), (3, 4), (5, 2)])
def test_receptive_field_is_what_gradients_measure(levels: int, kernel: int) -> None:
    tcn = network(levels, kernel)
    x = image(2 * tcn.receptive_field).requires_grad_()
    tcn(x)[:, :, -1].sum().backward()
    assert x.grad is not None
    reached = x.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert x.shape[2] - int(reached[0]) == tcn.receptive_field


@pytest.mark.parametrize(("levels", "field"), [(3, 29), (4, 61)])
def test_receptive_field_in_numbers(levels: int, field: int) -> None:
    assert TCN(4, levels, 3, 0.2).receptive_field == field


@pytest.mark.parametrize("days", [1, 2, 7, 29, 30, 61, 64])
@pytest.mark.parametrize("kernel", [2, 3, 4])
def test_last_day_is_the_last_day_of_forward(kernel: int, days: int) -> None:
    tcn, x = network(kernel=kernel), image(days)
    torch.testing.assert_close(tcn.last_day(x), tcn(x)[:, :, -1], rtol=0, atol=1e-12)


def test_last_day_has_the_gradients_of_forward() -> None:
    tcn, x = network(), image(30)
    inputs = [x.requires_grad_(), *tcn.parameters()]
    short = torch.autograd.grad(tcn.last_day(x).square().sum(), inputs)
    long = torch.autograd.grad(tcn(x)[:, :, -1].square().sum(), inputs)
    for one, other in zip(short, long, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_block_equals_its_formula() -> None:
    block: Any = network().blocks[2]
    x = image(30)
    hidden = x[0].permute(2, 0, 1)
    for layer in (block.first, block.second):
        padded = F.pad(hidden, (8, 0))
        hidden = F.relu(F.conv1d(padded, layer.weight[..., 0], layer.bias, dilation=4))
    expected = F.relu(x + hidden.permute(1, 2, 0)[None])
    torch.testing.assert_close(block(x, dilation=4), expected, rtol=0, atol=1e-12)


def test_dropout_acts_while_training_only() -> None:
    torch.manual_seed(0)
    block, x = TemporalBlock(16, 3, dropout=1.0).double(), image(30)
    assert torch.equal(block(x), F.relu(x))
    assert not torch.equal(block.eval()(x), F.relu(x))


def test_the_effective_weight_starts_as_drawn() -> None:
    torch.manual_seed(0)
    weight = normalised_convolution(64, 3).weight
    assert weight.std().item() == pytest.approx(0.01, rel=0.03)
    assert abs(weight.mean().item()) < 3e-4
    default_std = (3 * 64 * 3) ** -0.5
    assert weight.std().item() < default_std / 3


def test_weight_is_length_times_direction() -> None:
    layer: Any = normalised_convolution(8, 3)
    parts = layer.parametrizations.weight
    with torch.no_grad():
        parts.original0.fill_(2.5)
        parts.original1.mul_(7)
    torch.testing.assert_close(layer.weight.flatten(1).norm(dim=1), torch.full((8,), 2.5))
