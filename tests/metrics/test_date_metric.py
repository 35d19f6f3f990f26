import pytest
import torch
from torch import Tensor, nn
from torchmetrics import MetricCollection

from alpha_lightning.metrics.date_metric import DateMetric


class Total(DateMetric):
    state_name = "total_sums"

    def __init__(self) -> None:
        super().__init__(size=1)

    def update(self, value: Tensor) -> None:
        self.add(value.double())

    def compute(self) -> Tensor:
        return self.sums[0]


class Negated(Total):
    state_name = "negated_sums"

    def update(self, value: Tensor) -> None:
        self.add(-value.double())


def test_sums_add_up_and_start_again_after_a_reset() -> None:
    metric = Total()
    assert metric.compute() == 0
    metric.update(torch.tensor(2.0))
    assert metric(torch.tensor(3.0)) == 3
    assert metric.compute() == 5
    metric.reset()
    assert metric.sums.tolist() == [0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_module_moved_to_low_precision_keeps_its_sums(dtype: torch.dtype) -> None:
    module = nn.ModuleList([Total()])
    metric = module[0]
    assert isinstance(metric, Total)
    metric.update(torch.tensor(1 / 3, dtype=torch.float64))
    for moved in (module.to(dtype), module.half()):
        assert moved[0] is metric
        assert metric.sums.tolist() == [1 / 3]
    metric.reset()
    assert metric.sums.dtype == torch.float64


def test_sums_follow_the_device() -> None:
    assert Total().to("meta").sums.is_meta


def test_the_state_keeps_no_graph() -> None:
    metric = Total()
    metric(torch.tensor(1.0, requires_grad=True))
    metric.update(torch.tensor(1.0, requires_grad=True))
    assert not metric.sums.requires_grad


def test_equal_first_sums_do_not_merge_different_metrics() -> None:
    both = MetricCollection({"total": Total(), "negated": Negated()})
    both.update(torch.tensor(0.0))
    both.update(torch.tensor(1.0))
    assert both.compute() == {"total": 1, "negated": -1}
