import torch
from torch import Tensor, nn

from alpha_lightning.factors.networks import GRU


def plain_loop(cell: nn.GRU, layer: int, inputs: list[Tensor]) -> list[Tensor]:
    """Textbook recurrence over days; gates in the order reset, update, new."""
    w_in, w_hidden = getattr(cell, f"weight_ih_l{layer}"), getattr(cell, f"weight_hh_l{layer}")
    b_in, b_hidden = getattr(cell, f"bias_ih_l{layer}"), getattr(cell, f"bias_hh_l{layer}")
    hidden = inputs[0].new_zeros(len(inputs[0]), cell.hidden_size)
    states = []
    for x in inputs:
        r_in, u_in, n_in = (x @ w_in.T + b_in).chunk(3, dim=1)
        r_hidden, u_hidden, n_hidden = (hidden @ w_hidden.T + b_hidden).chunk(3, dim=1)
        reset, update = torch.sigmoid(r_in + r_hidden), torch.sigmoid(u_in + u_hidden)
        new = torch.tanh(n_in + reset * n_hidden)
        hidden = (1 - update) * new + update * hidden
        states.append(hidden)
    return states


def test_is_the_last_state_of_a_plain_loop() -> None:
    torch.manual_seed(0)
    network, x = GRU(6).double(), torch.randn(7, 30, 6).double()
    expected = plain_loop(network.recurrence, 0, list(x.transpose(0, 1)))[-1]
    torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-12)


def test_the_upper_layer_is_read() -> None:
    torch.manual_seed(0)
    network = GRU(6, hidden=16, layers=2, dropout=0.5).double().eval()
    x = torch.randn(7, 30, 6).double()
    lower = plain_loop(network.recurrence, 0, list(x.transpose(0, 1)))
    expected = plain_loop(network.recurrence, 1, lower)[-1]
    torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-12)
