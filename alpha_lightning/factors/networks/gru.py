"""Gated recurrent unit."""

from torch import Tensor, nn

from alpha_lightning.factors.networks.recurrent import recurrent_layers


class GRU(nn.Module):
    """Gated recurrent unit; its last hidden state describes the window.

    Args:
        n_features: Features per day ``F``.
        window: Days in a window ``L``; a recurrence has no weight that depends on it.
        hidden: Width of the hidden state, which is also ``out_features``.
        layers: Recurrences on top of each other.
        dropout: Share of the hidden state dropped between two layers while training.

    Raises:
        ValueError: If there is dropout with one layer only.

    Example:
        >>> import torch
        >>> GRU(n_features=6)(torch.zeros(5, 30, 6)).shape
        torch.Size([5, 64])

    Reference:
        Cho et al. (2014), Learning phrase representations using RNN encoder-decoder.
    """

    def __init__(
        self,
        n_features: int,
        window: int = 30,
        *,
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.window = window
        self.out_features = hidden
        self.recurrence = recurrent_layers(nn.GRU, n_features, hidden, layers, dropout)

    def forward(self, windows: Tensor) -> Tensor:
        """Map windows ``(N, L, F)`` to the last hidden state ``(N, hidden)``."""
        last: Tensor
        _, last = self.recurrence(windows.transpose(0, 1))
        return last[-1]
