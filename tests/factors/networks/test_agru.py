import math

import pytest
import torch
from torch import Tensor

from alpha_lightning.factors.networks import AGRU


def attention_weights(network: AGRU) -> tuple[Tensor, Tensor]:
    """``W`` and ``v'``."""
    inner, outer = network.attention.parameters()
    return inner, outer


def attention_by_loops(network: AGRU, states: Tensor) -> tuple[Tensor, Tensor]:
    """Weights ``(N, L)`` and contexts ``(N, H)``, one stock and one day at a time."""
    inner, (outer,) = attention_weights(network)
    weights, contexts = [], []
    for path in states.transpose(0, 1):
        scores = [math.exp(float(outer @ torch.tanh(inner @ state))) for state in path]
        shares = path.new_tensor([score / sum(scores) for score in scores])
        weights.append(shares)
        contexts.append(torch.stack([a * h for a, h in zip(shares, path, strict=True)]).sum(0))
    return torch.stack(weights), torch.stack(contexts)


@pytest.fixture
def network() -> AGRU:
    torch.manual_seed(0)
    network = AGRU(6).double()
    with torch.no_grad():
        attention_weights(network)[1].mul_(20)  # uneven weights: an average would not pass
    return network


@torch.no_grad()
def test_context_equals_plain_loops(network: AGRU) -> None:
    x = torch.randn(5, 30, 6).double()
    states, _ = network.recurrence(x.transpose(0, 1))
    weights, contexts = attention_by_loops(network, states)
    assert weights.max() > 2 / 30
    expected = torch.cat([contexts, states[-1]], dim=1)
    torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-12)


@torch.no_grad()
def test_attention_shares_out_time_and_not_stocks(network: AGRU) -> None:
    x = torch.randn(5, 30, 6).double()
    states, _ = network.recurrence(x.transpose(0, 1))
    attention_weights(network)[1].zero_()
    torch.testing.assert_close(network(x)[:, :64], states.mean(dim=0), rtol=0, atol=1e-12)


def test_width_of_the_attention() -> None:
    assert attention_weights(AGRU(6))[0].shape == (32, 64)
    assert attention_weights(AGRU(6, attention=8))[0].shape == (8, 64)
