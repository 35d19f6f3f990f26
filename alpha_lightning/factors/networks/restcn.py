"""Residual convolutions below a temporal convolutional network."""

from collections.abc import Sequence
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.networks.convolution import CausalConvolution, as_image
from alpha_lightning.factors.networks.tcn import TCN

RESIDUAL_KERNELS = {"stack": ((3, 3), (3, 3), (3, 3)), "wang": ((8, 5, 3),)}


class ResidualBlock(nn.Module):
    """Causal convolutions with batch normalisation, and a shortcut past them.

    ``relu(shortcut(x) + f(x))``; ``f`` is convolution and normalisation once per kernel with ReLU
    in between, the shortcut a 1 × 1 convolution where the number of channels changes.

    Args:
        n_in: Channels of the input.
        n_out: Channels of the output.
        kernels: Days under each kernel, in order.
    """

    def __init__(self, n_in: int, n_out: int, kernels: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = n_in
        for kernel in kernels:
            convolution = CausalConvolution(channels, n_out, kernel, bias=False)
            layers += [convolution, nn.BatchNorm2d(n_out), nn.ReLU()]
            channels = n_out
        self.layers = nn.Sequential(*layers[:-1])
        self.shortcut = nn.Identity() if n_in == n_out else nn.Conv2d(n_in, n_out, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Map an image ``(1, n_in, L, N)`` to ``(1, n_out, L, N)``."""
        return F.relu(self.shortcut(image) + self.layers(image))


class RESTCN(nn.Module):
    """Residual convolutions below a temporal convolutional network, read on the last day.

    Args:
        n_features: Features per day ``F``.
        window: Days in a window ``L``.
        hidden: Channels of all convolutions, which is also ``out_features``.
        levels: Blocks of the TCN, with dilation 1, 2, 4, ...
        kernel: Days under a kernel of the TCN.
        dropout: Share of the TCN's activations dropped while training.
        residual: ``stack`` is three blocks of two convolutions over 3 days, ``wang`` one block of
            three convolutions over 8, 5 and 3 days.

    Raises:
        UserError: If the TCN does not reach back to the first day of the window, or ``residual``
            is unknown.

    Example:
        >>> import torch
        >>> RESTCN(n_features=6)(torch.zeros(5, 30, 6)).shape
        torch.Size([5, 64])

    Reference:
        Bai, Kolter and Koltun (2018) for the TCN; He et al. (2016), Deep residual learning, for
        ``stack``; Wang, Yan and Oates (2017), Time series classification from scratch, for
        ``wang``.
    """

    def __init__(
        self,
        n_features: int,
        window: int = 30,
        *,
        hidden: int = 64,
        levels: int = 4,
        kernel: int = 3,
        dropout: float = 0.2,
        residual: Literal["stack", "wang"] = "stack",
    ) -> None:
        super().__init__()
        if residual not in RESIDUAL_KERNELS:
            raise UserError(f"residual={residual!r} is unknown: use 'stack' or 'wang'.")
        self.window = window
        self.out_features = hidden
        blocks = RESIDUAL_KERNELS[residual]
        self.residual = nn.Sequential(
            *(
                ResidualBlock(hidden if depth else n_features, hidden, kernels)
                for depth, kernels in enumerate(blocks)
            )
        )
        self.tcn = TCN(hidden, levels, kernel, dropout)
        if self.receptive_field < window:
            raise UserError(
                f"A TCN with levels={levels} and kernel={kernel} sees {self.receptive_field} days "
                f"of a window of {window}: raise levels or kernel until "
                f"1 + 2 (kernel - 1) (2^levels - 1) >= {window}."
            )

    @property
    def receptive_field(self) -> int:
        """Days that the TCN reads back from the last one; the residual part below adds its own."""
        return self.tcn.receptive_field

    def forward(self, windows: Tensor) -> Tensor:
        """Map windows ``(N, L, F)`` to the last day's channels ``(N, hidden)``."""
        return self.tcn.last_day(self.residual(as_image(windows)))[0].T
