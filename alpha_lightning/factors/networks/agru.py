"""Gated recurrent unit with attention over time."""

import torch
from torch import Tensor, nn

from alpha_lightning.factors.networks.recurrent import recurrent_layers


class AGRU(nn.Module):
    """Gated recurrent unit that looks back at all its hidden states.

    ``a_t = softmax over t of v' tanh(W h_t)``; the context ``sum_t a_t h_t`` stands beside the
    last hidden state ``h_L``.

    Args:
        n_features: Features per day ``F``.
        window: Days in a window ``L``; a recurrence has no weight that depends on it.
        hidden: Width of the hidden state; ``out_features`` is twice that.
        layers: Recurrences on top of each other.
        dropout: Share of the hidden state dropped between two layers while training.
        attention: Width of ``W h_t``.

    Raises:
        ValueError: If there is dropout with one layer only.

    Example:
        >>> import torch
        >>> AGRU(n_features=6)(torch.zeros(5, 30, 6)).shape
        torch.Size([5, 128])

    Reference:
        Qin et al. (2017), A dual-stage attention-based recurrent neural network for time series
        prediction; the form follows the ALSTM of Qlib.
    """

    def __init__(
        self,
        n_features: int,
        window: int = 30,
        *,
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
        attention: int = 32,
    ) -> None:
        super().__init__()
        self.window = window
        self.out_features = 2 * hidden
        self.recurrence = recurrent_layers(nn.GRU, n_features, hidden, layers, dropout)
        self.attention = nn.Sequential(
            nn.Linear(hidden, attention, bias=False),
            nn.Tanh(),
            nn.Linear(attention, 1, bias=False),
        )

    def forward(self, windows: Tensor) -> Tensor:
        """Map windows ``(N, L, F)`` to context and last hidden state ``(N, 2 * hidden)``."""
        states = self._states(windows)
        weights = self.attention(states).softmax(dim=0)
        context = (weights * states).sum(dim=0)
        return torch.cat([context, states[-1]], dim=-1)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _states(self, windows: Tensor) -> Tensor:
        # A method of its own, or the attention would not be compiled either.
        states: Tensor
        states, _ = self.recurrence(windows.transpose(0, 1))
        return states
