"""Transformer encoder over the days of a window."""

from typing import Literal

import torch
from torch import Tensor, nn

from alpha_lightning.factors.networks.encoder import EncoderBlock
from alpha_lightning.factors.networks.time2vec import Time2Vec


class Transformer(nn.Module):
    """Transformer encoder that learns its own sense of time.

    Time2Vec is concatenated to each day's features, a linear map takes both to ``hidden``, the
    encoder blocks follow. The head reads ``[u, H_L]``: the last day of the encoded window ``H``
    beside ``u = w' H + b``, a linear map over time with ``w`` in ``R^L`` shared by all channels.

    Args:
        n_features: Features per day ``F``.
        window: Days in a window ``L``.
        hidden: Width of a day; ``out_features`` is twice that.
        layers: Encoder blocks on top of each other.
        heads: Heads of the attention; divides ``hidden``.
        feedforward: Inner width of the feed-forward maps.
        dropout: Share of the embedded days and of each part's output dropped while training.
        t2v_channels: 2 for line and sine, 1 for the sine alone.
        time2vec: ``learnable``, or ``fixed`` at its start.

    Raises:
        ValueError: If an option has an unknown value, or ``heads`` does not divide ``hidden``.

    Example:
        >>> Transformer(n_features=6)(torch.zeros(5, 30, 6)).shape
        torch.Size([5, 128])

    Reference:
        Vaswani et al. (2017), Attention is all you need; Kazemi et al. (2019), Time2Vec.
    """

    def __init__(
        self,
        n_features: int,
        window: int = 30,
        *,
        hidden: int = 64,
        layers: int = 2,
        heads: int = 4,
        feedforward: int = 128,
        dropout: float = 0.1,
        t2v_channels: Literal[1, 2] = 2,
        time2vec: Literal["learnable", "fixed"] = "learnable",
    ) -> None:
        super().__init__()
        self.window = window
        self.out_features = 2 * hidden
        self.time2vec = Time2Vec(window, t2v_channels, time2vec)
        self.embedding = nn.Linear(n_features + t2v_channels, hidden)
        self.dropout = nn.Dropout(dropout)
        self.encoder = nn.Sequential(
            *(EncoderBlock(hidden, heads, feedforward, dropout) for _ in range(layers))
        )
        self.over_time = nn.Linear(window, 1)

    def forward(self, windows: Tensor) -> Tensor:
        """Map windows ``(N, L, F)`` to readout and last day ``(N, 2 * hidden)``."""
        time = self.time2vec().expand(len(windows), -1, -1)
        days = self.dropout(self.embedding(torch.cat([windows, time], dim=-1)))
        encoded = self.encoder(days)
        readout = self.over_time(encoded.mT).squeeze(-1)
        return torch.cat([readout, encoded[:, -1]], dim=-1)
