"""The encoder block of the Transformer."""

import math

from torch import Tensor, nn

from alpha_lightning.artefacts.errors import UserError


class SelfAttention(nn.Module):
    """Multi-head attention of each day to all days of its window, without a mask.

    ``softmax(Q K' / sqrt(d)) V`` per head of width ``d = hidden / heads``, then a linear map.

    Args:
        hidden: Width of a day.
        heads: Number of heads; divides ``hidden``.

    Raises:
        UserError: If ``hidden`` cannot be shared out to the heads.
    """

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        if hidden % heads:
            raise UserError(
                f"hidden={hidden} cannot be shared out to heads={heads}: "
                "choose a number of heads that divides it."
            )
        self.heads = heads
        self.query_key_value = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)

    def forward(self, days: Tensor) -> Tensor:
        """Map days ``(N, L, hidden)`` to what they attend to, ``(N, L, hidden)``.

        Written out, since on a CPU PyTorch's fused attention is slower for windows this short: by
        an eighth in float32 and fourfold in bfloat16 (30 days, 4 heads of 16, torch 2.13).
        """
        split = self.query_key_value(days).unflatten(-1, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4)
        weights = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(dim=-1)
        attended: Tensor = self.out((weights @ value).transpose(1, 2).flatten(2))
        return attended


class EncoderBlock(nn.Module):
    """Attention, then a feed-forward map; each with a residual sum normalised afterwards.

    ``x ← LayerNorm(x + dropout(attention(x)))``, ``x ← LayerNorm(x + dropout(feed_forward(x)))``.

    Args:
        hidden: Width of a day.
        heads: Heads of the attention.
        feedforward: Inner width of the feed-forward map.
        dropout: Share of either part's output dropped while training.

    Reference:
        Vaswani et al. (2017), Attention is all you need, sections 3.1 and 5.4.
    """

    def __init__(self, hidden: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.attention = SelfAttention(hidden, heads)
        self.attention_norm = nn.LayerNorm(hidden)
        self.feed_forward = nn.Sequential(
            nn.Linear(hidden, feedforward), nn.ReLU(), nn.Linear(feedforward, hidden)
        )
        self.feed_forward_norm = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, days: Tensor) -> Tensor:
        """Map days ``(N, L, hidden)`` to ``(N, L, hidden)``."""
        days = self.attention_norm(days + self.dropout(self.attention(days)))
        encoded: Tensor = self.feed_forward_norm(days + self.dropout(self.feed_forward(days)))
        return encoded
