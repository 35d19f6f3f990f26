import pytest
import torch
from torch import nn

from alpha_lightning.factors.networks.recurrent import recurrent_layers


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_reads_time_first(kind: type[nn.GRU]) -> None:
    states, _ = recurrent_layers(kind, 6, 8, 2, 0.1)(torch.zeros(30, 5, 6))
    assert states.shape == (30, 5, 8)


def test_settings_arrive() -> None:
    layers = recurrent_layers(nn.GRU, 6, 8, 3, 0.25)
    assert (layers.input_size, layers.hidden_size) == (6, 8)
    assert (layers.num_layers, layers.dropout) == (3, 0.25)


def test_refuses_dropout_that_has_no_place() -> None:
    with pytest.raises(ValueError, match=r"dropout=0\.25 .* set dropout to 0 or layers to 2"):
        recurrent_layers(nn.GRU, 6, 8, 1, 0.25)
