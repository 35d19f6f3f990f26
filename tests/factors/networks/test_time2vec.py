import math
from typing import Any

import pytest
import torch

from alpha_lightning.factors.networks.time2vec import Time2Vec

FREQUENCY, PHASE = (0.7, 5.3), (-0.2, 1.1)


@torch.no_grad()
def with_known_weights(channels: Any, time2vec: Any) -> Time2Vec:
    layer = Time2Vec(30, channels, time2vec)
    layer.frequency.copy_(torch.tensor(FREQUENCY)[-channels:])
    layer.phase.copy_(torch.tensor(PHASE)[-channels:])
    return layer


@pytest.mark.parametrize("time2vec", ["learnable", "fixed"])
@pytest.mark.parametrize("channels", [1, 2])
def test_closed_form(channels: int, time2vec: str) -> None:
    got = with_known_weights(channels, time2vec)()
    for position in range(30):
        tau = position / 29
        line = FREQUENCY[0] * tau + PHASE[0]
        sine = math.sin(FREQUENCY[1] * tau + PHASE[1])
        assert got[position].tolist() == pytest.approx([line, sine][-channels:], abs=1e-6)


def test_each_channel_starts_by_telling_the_days_apart() -> None:
    vectors = Time2Vec(30)()
    assert (vectors.diff(dim=0) > 0).all()
    assert vectors[0].tolist() == pytest.approx([0, -1])
    assert vectors[-1].tolist() == pytest.approx([1, 1])


def test_only_the_learnable_kind_learns() -> None:
    learnable, fixed = Time2Vec(30), Time2Vec(30, time2vec="fixed")
    learnable().square().sum().backward()
    assert learnable.frequency.grad is not None
    assert learnable.phase.grad is not None
    assert (learnable.frequency.grad != 0).all()
    assert not fixed().requires_grad
    assert torch.equal(fixed(), learnable())


def test_refuses_unknown_options() -> None:
    three: Any = 3
    random: Any = "random"
    with pytest.raises(ValueError, match=r"t2v_channels=3 is unknown: use 1 .* or 2"):
        Time2Vec(30, three)
    with pytest.raises(ValueError, match="time2vec='random' is unknown: use 'learnable' or"):
        Time2Vec(30, 2, random)
