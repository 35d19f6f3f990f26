import torch
from torch import Tensor, nn

from alpha_lightning.factors.networks import LSTM


def plain_loop(cell: nn.LSTM, layer: int, inputs: list[Tensor]) -> list[Tensor]:
    """Textbook recurrence over days; gates in the order input, forget, new, output."""
    w_in, w_hidden = getattr(cell, f"weight_ih_l{layer}"), getattr(cell, f"weight_hh_l{layer}")
    bias = getattr(cell, f"bias_ih_l{layer}") + getattr(cell, f"bias_hh_l{layer}")
    hidden = memory = inputs[0].new_zeros(len(inputs[0]), cell.hidden_size)
    states = []
    for x in inputs:
        gates = (x @ w_in.T + hidden @ w_hidden.T + bias).chunk(4, dim=1)
        enter, keep, leave = (torch.sigmoid(gates[i]) for i in (0, 1, 3))
        memory = keep * memory + enter * torch.tanh(gates[2])
        hidden = leave * torch.tanh(memory)
        states.append(hidden)
    return states


def test_is_the_last_state_of_a_plain_loop() -> None:
    torch.manual_seed(0)
    network, x = LSTM(6).double(), torch.randn(7, 30, 6).double()
    expected = plain_loop(network.recurrence, 0, list(x.transpose(0, 1)))[-1]
    torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-12)


def test_the_upper_layer_is_read() -> None:
    torch.manual_seed(0)
    network = LSTM(6, hidden=16, layers=2, dropout=0.5).double().eval()
    x = torch.randn(7, 30, 6).double()
    lower = plain_loop(network.recurrence, 0, list(x.transpose(0, 1)))
    expected = plain_loop(network.recurrence, 1, lower)[-1]
    torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-12)
