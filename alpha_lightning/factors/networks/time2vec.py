"""Time2Vec: the position in the window as a vector."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from alpha_lightning.artefacts.errors import UserError

WAYS = {"learnable": True, "fixed": False}


class Time2Vec(nn.Module):
    """Position in the window as a line and a sine.

    ``[w_0 τ + p_0, sin(w_1 τ + p_1)]`` with ``τ`` from 0 on the first day to 1 on the last. The
    start, ``w = (1, π)`` and ``p = (0, -π/2)``, lets both channels rise over the whole window, so
    that either alone tells the days apart.

    Args:
        window: Days in a window ``L``.
        channels: 2 for line and sine, 1 for the sine alone.
        time2vec: ``learnable``, or ``fixed`` at the start.

    Raises:
        UserError: If an option has an unknown value.

    Example:
        >>> Time2Vec(window=3)()
        tensor([[ 0.0000, -1.0000],
                [ 0.5000,  0.0000],
                [ 1.0000,  1.0000]], grad_fn=<CatBackward0>)

    Reference:
        Kazemi et al. (2019), Time2Vec: learning a vector representation of time, with k = 1.
    """

    def __init__(
        self,
        window: int,
        channels: Literal[1, 2] = 2,
        time2vec: Literal["learnable", "fixed"] = "learnable",
    ) -> None:
        super().__init__()
        if channels not in (1, 2):
            raise UserError(f"t2v_channels={channels} is unknown: use 1 (sine) or 2 (with line).")
        if time2vec not in WAYS:
            raise UserError(f"time2vec={time2vec!r} is unknown: use 'learnable' or 'fixed'.")
        learnable = WAYS[time2vec]
        frequency = torch.tensor([1.0, math.pi])[-channels:]
        phase = torch.tensor([0.0, -math.pi / 2])[-channels:]
        self.frequency = nn.Parameter(frequency.clone(), requires_grad=learnable)
        self.phase = nn.Parameter(phase.clone(), requires_grad=learnable)
        self.position: Tensor
        self.register_buffer("position", torch.linspace(0, 1, window)[:, None], persistent=False)

    def forward(self) -> Tensor:
        """Return the vectors of all days, ``(L, channels)``."""
        angle = self.position * self.frequency + self.phase
        return torch.cat([angle[:, :-1], angle[:, -1:].sin()], dim=-1)
