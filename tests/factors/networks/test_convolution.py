import pytest
import torch
from torch import Tensor

from alpha_lightning.factors.networks.convolution import CausalConvolution, as_image


def plain_loop(layer: CausalConvolution, image: Tensor, dilation: int) -> Tensor:
    """One day and one tap at a time; days before the first are zero."""
    weight, days = layer.weight[..., 0], image[0].permute(1, 2, 0)
    kernel = weight.shape[2]
    out = []
    for t in range(len(days)):
        total = torch.zeros(days.shape[1], weight.shape[0])
        for tap in range(kernel):
            past = t - dilation * (kernel - 1 - tap)
            if past >= 0:
                total = total + days[past] @ weight[:, :, tap].T
        out.append(total if layer.bias is None else total + layer.bias)
    return torch.stack(out).permute(2, 0, 1)[None]


def example(kernel: int, days: int, *, bias: bool = True) -> tuple[CausalConvolution, Tensor]:
    torch.manual_seed(0)
    layer = CausalConvolution(3, 5, kernel, bias=bias).double()
    return layer, torch.randn(1, 3, days, 4).double()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dilation", [1, 2, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 8])
def test_equals_plain_loop(kernel: int, dilation: int, *, bias: bool) -> None:
    layer, image = example(kernel, 12, bias=bias)
    expected = plain_loop(layer, image, dilation)
    torch.testing.assert_close(layer(image, dilation), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("days", [1, 2, 11, 12])
@pytest.mark.parametrize("kernel", [1, 2, 3, 8])
def test_stride_counts_back_from_the_last_day(kernel: int, days: int) -> None:
    layer, image = example(kernel, days)
    expected = plain_loop(layer, image, 1).flip(2)[:, :, ::2].flip(2)
    torch.testing.assert_close(layer(image, stride=2), expected, rtol=0, atol=1e-12)


def test_image_shows_days_down_and_stocks_across() -> None:
    windows = torch.randn(5, 30, 6)
    image = as_image(windows)
    assert image.shape == (1, 6, 30, 5)
    assert torch.equal(image[0].permute(2, 1, 0), windows)


def test_a_date_major_panel_is_never_reordered() -> None:
    slab = torch.randn(30, 50, 6)
    image = as_image(slab.transpose(0, 1))
    assert image.data_ptr() == slab.data_ptr()
    convolved = CausalConvolution(6, 16, 3)(image)
    assert convolved.is_contiguous(memory_format=torch.channels_last)
