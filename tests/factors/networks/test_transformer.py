from typing import Any

import pytest
import torch
from torch import Tensor

from alpha_lightning.factors.networks import Transformer


def build(**options: Any) -> Transformer:
    torch.manual_seed(0)
    return Transformer(6, **options).double().eval()


def example() -> Tensor:
    return torch.randn(5, 30, 6, generator=torch.Generator().manual_seed(1)).double()


def encode(network: Transformer, windows: Tensor) -> Tensor:
    """Encoded days, one stock at a time."""
    vectors = network.time2vec()
    encoded = []
    for window in windows:
        days = torch.stack([torch.cat([x, v]) for x, v in zip(window, vectors, strict=True)])
        encoded.append(network.encoder(network.embedding(days)[None])[0])
    return torch.stack(encoded)


@torch.no_grad()
def test_readout_is_linear_in_time_beside_the_last_day() -> None:
    network, windows = build(), example()
    encoded = encode(network, windows)
    weight, bias = network.over_time.weight[0], network.over_time.bias
    summed = sum((weight[t] * encoded[:, t] for t in range(30)), start=bias)
    expected = torch.cat([torch.as_tensor(summed), encoded[:, -1]], dim=1)
    torch.testing.assert_close(network(windows), expected, rtol=0, atol=1e-12)


def test_there_is_no_mask() -> None:
    network, windows = build(), example().requires_grad_()
    (gradient,) = torch.autograd.grad(encode(network, windows)[:, 0].square().sum(), windows)
    assert (gradient[:, -1].abs().sum(dim=1) > 0).all()


@torch.no_grad()
def test_time_enters_by_time2vec_only() -> None:
    network, windows = build(), example()
    earlier = torch.randperm(29, generator=torch.Generator().manual_seed(2)).tolist()
    shuffled = windows[:, [*earlier, 29]]
    difference = (network(shuffled) - network(windows))[:, 64:]
    assert difference.abs().max() > 1e-3
    network.time2vec.frequency.zero_()
    difference = (network(shuffled) - network(windows))[:, 64:]
    assert difference.abs().max() < 1e-12


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("time2vec", ["learnable", "fixed"])
def test_time2vec_options(channels: Any, time2vec: Any) -> None:
    network = build(t2v_channels=channels, time2vec=time2vec)
    assert network.embedding.in_features == 6 + channels
    assert network(example()).shape == (5, 128)
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    weights_of_time = 64 * channels + (2 * channels if time2vec == "learnable" else 0)
    assert trained == 67_423 + weights_of_time


def test_another_window() -> None:
    network = build(window=20)
    assert network.over_time.weight.shape == (1, 20)
    assert network(example()[:, :20]).shape == (5, 128)


def test_dropout_acts_on_the_embedded_days() -> None:
    network, windows = build(dropout=1.0, layers=0), example()
    assert not torch.equal(network(windows), network(2 * windows))
    network.train()
    assert torch.equal(network(windows), network(2 * windows))
