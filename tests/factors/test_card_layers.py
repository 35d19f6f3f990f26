from typing import Any

import pytest
import torch
from torch import Tensor, nn

from alpha_lightning.factors.card_layers import layers_of, one_line, run_once
from alpha_lightning.factors.networks.restcn import RESTCN

SHAPE = (17, 12, 3)


class Shapes(nn.Module):
    """Layers whose batch axis stands in different places."""

    def __init__(self) -> None:
        super().__init__()
        self.over_time = nn.Conv1d(3, 5, 4, dilation=2)
        self.recurrence = nn.GRU(5, 7)
        self.position = nn.Embedding(2, 4)
        self.never = nn.Linear(2, 2)

    def forward(self, windows: Tensor) -> Tensor:
        """Factors ``(B, 7)``."""
        days = self.over_time(windows.mT)
        self.position(torch.tensor([0, 1]))
        states: Tensor = self.recurrence(days.permute(2, 0, 1))[0]
        return states[-1]


def told(unit: nn.Module) -> dict[str, dict[str, Any]]:
    runs = [run_once(unit, "own", (stocks, *SHAPE[1:])) for stocks in (17, 19)]
    return {layer["name"]: layer for layer in layers_of(unit.eval(), *runs)}


def test_shapes_are_batch_days_channels_whatever_the_layout() -> None:
    layers = told(Shapes())
    # 12 days less the reach 2 × 3 of the kernel.
    assert layers["over_time"]["output"] == "B × 6 × 5"
    assert layers["recurrence"]["output"] == "B × 6 × 7"
    assert layers["position"]["output"] == "2 × 4"
    assert layers["never"]["output"] is None
    assert layers["over_time"]["settings"] == {"in": 3, "out": 5, "kernel": 4, "dilation": 2}
    assert layers["recurrence"]["parameters"] == 3 * 7 * (5 + 7 + 2)


def test_images_of_a_cross_section_lose_their_own_batch_axis() -> None:
    layers = told(RESTCN(3, 12, hidden=4, levels=2))
    assert layers["residual.0.layers.0"]["output"] == "B × 12 × 4"
    assert layers["tcn.blocks.1.first"]["output"] == "B × 6 × 4"
    assert layers["tcn.blocks.1.first"]["settings"]["dilation"] == 2
    assert not any("parametrizations" in name for name in layers)


def test_the_gradient_is_that_of_each_day() -> None:
    weight = torch.zeros(12, 3)
    weight[4], weight[9] = 1.0, 2.0
    linear = nn.Linear(36, 1, bias=False)
    linear.weight.data = weight.flatten()[None]
    run = run_once(nn.Sequential(nn.Flatten(), linear), "own", SHAPE)
    assert [step for step, size in enumerate(run.by_step) if size] == [4, 9]
    assert run.by_step[9] == pytest.approx(2 * run.by_step[4])


def test_windows_that_do_not_matter_reach_nothing() -> None:
    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value = nn.Parameter(torch.ones(2))

        def forward(self, windows: Tensor) -> Tensor:
            return self.value.expand(len(windows), 2)

    assert set(run_once(Constant(), "own", SHAPE).by_step) == {0.0}


def test_hooks_are_taken_off() -> None:
    unit = Shapes()
    told(unit)
    assert not any(module._forward_hooks for module in unit.modules())


def test_a_message_is_one_line() -> None:
    assert one_line(ValueError("a\n  b")) == "ValueError: a b"
