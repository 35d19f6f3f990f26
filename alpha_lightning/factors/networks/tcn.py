"""Temporal convolutional network."""

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from alpha_lightning.factors.networks.convolution import CausalConvolution

INITIAL_STD = 0.01


def normalised_convolution(channels: int, kernel: int) -> CausalConvolution:
    """Build a weight-normalised convolution whose weights start as ``N(0, 0.01²)``.

    They are drawn before wrapping: the wrapped weight is recomputed from its length and direction
    at each step, so values written to it afterwards would be lost.
    """
    convolution = CausalConvolution(channels, channels, kernel)
    nn.init.normal_(convolution.weight, std=INITIAL_STD)
    return cast(CausalConvolution, weight_norm(convolution))


class TemporalBlock(nn.Module):
    """Two causal convolutions and the way around them.

    ``relu(x + g(g(x)))`` with ``g`` = weight-normalised convolution, ReLU, dropout.

    Args:
        channels: Channels of input and output.
        kernel: Days under the kernel.
        dropout: Share of the activations dropped while training.
    """

    def __init__(self, channels: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.first = normalised_convolution(channels, kernel)
        self.second = normalised_convolution(channels, kernel)
        self.dropout = nn.Dropout(dropout)

    def forward(self, image: Tensor, dilation: int = 1, stride: int = 1) -> Tensor:
        """Map an image ``(1, C, L, N)`` to ``(1, C, ceil(L / stride), N)``."""
        hidden = self.dropout(F.relu(self.first(image, dilation)))
        hidden = self.dropout(F.relu(self.second(hidden, dilation, stride)))
        return F.relu(hidden + image[:, :, (image.shape[2] - 1) % stride :: stride])


class TCN(nn.Module):
    """Temporal convolutional network: blocks with dilation 1, 2, 4, ...

    Args:
        channels: Channels of input and output.
        levels: Number of blocks.
        kernel: Days under the kernel.
        dropout: Share of the activations dropped while training.

    Example:
        >>> TCN(channels=64, levels=4, kernel=3, dropout=0.2).receptive_field
        61

    Reference:
        Bai, Kolter and Koltun (2018), An empirical evaluation of generic convolutional and
        recurrent networks for sequence modeling.
    """

    def __init__(self, channels: int, levels: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.kernel = kernel
        self.blocks = nn.ModuleList(TemporalBlock(channels, kernel, dropout) for _ in range(levels))

    @property
    def receptive_field(self) -> int:
        """Days that the output of a day depends on: ``1 + 2 (kernel - 1) (2^levels - 1)``."""
        dilations: int = 2 ** len(self.blocks) - 1
        return 1 + 2 * (self.kernel - 1) * dilations

    def forward(self, image: Tensor) -> Tensor:
        """Map an image ``(1, C, L, N)`` to one of the same shape."""
        for level, block in enumerate(self.blocks):
            image = block(image, dilation=2**level)
        return image

    def last_day(self, image: Tensor) -> Tensor:
        """Return the last day of ``forward``, ``(1, C, N)``, with a third of its arithmetic.

        Counted back from the last day, only every second day of a level is read by the next one,
        and on the days that remain dilation ``2^level`` is dilation 1.
        """
        for block in self.blocks:
            image = block(image, stride=2)
        return image[:, :, -1]
