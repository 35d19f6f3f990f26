"""Causal convolution of whole cross-sections."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def as_image(windows: Tensor) -> Tensor:
    """Turn windows ``(N, L, F)`` into an image ``(1, F, L, N)``: days down, stocks across.

    Its memory is channels-last. For windows sliced from a date-major panel that is the memory they
    already have, and nothing is copied. The batch axis comes in before the axes are permuted: put
    in afterwards it gets a stride that PyTorch does not take for channels-last.
    """
    image = windows.transpose(0, 1).unsqueeze(0).permute(0, 3, 1, 2)
    return image.contiguous(memory_format=torch.channels_last)


class CausalConvolution(nn.Conv2d):
    """Convolution over time that sees the past only, each stock by itself.

    The cross-section is an image (see ``as_image``) and the kernel is one stock wide.

    Args:
        n_in: Channels of the input.
        n_out: Channels of the output.
        kernel: Days under the kernel.
        bias: Whether each output channel has an offset of its own.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__(n_in, n_out, (kernel, 1), bias=bias)

    def forward(self, image: Tensor, dilation: int = 1, stride: int = 1) -> Tensor:
        """Convolve, with zeros before the first day.

        Args:
            image: Cross-section ``(1, C, L, N)``.
            dilation: Days between two taps of the kernel.
            stride: Keep every ``stride``-th day, counted back from the last one.

        Returns:
            Image ``(1, n_out, ceil(L / stride), N)``; its last day is the last day of the input.
        """
        reach = dilation * (self.kernel_size[0] - 1)
        skipped = (image.shape[2] - 1) % stride
        padded = F.pad(image, (0, 0, reach - skipped, 0))
        return F.conv2d(padded, self.weight, self.bias, stride=(stride, 1), dilation=(dilation, 1))
