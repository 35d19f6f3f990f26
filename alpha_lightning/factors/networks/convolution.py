"""Causal convolution of whole cross-sections."""

import torch.nn.functional as F
from torch import Tensor, nn


class CausalConvolution(nn.Conv2d):
    """Convolution over time that sees the past only, each stock by itself.

    A cross-section is an image ``(1, C, L, N)``: channels, days down, stocks across. The kernel is
    one stock wide. In channels-last memory the image of a date-major panel is the panel itself, so
    neither input nor output is ever reordered.

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
