"""What steps leave, by closed forms; through whole trainings in test_tracking.py."""

import math
import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from alpha_lightning.factors.step_log import GradientNorms, LearningRates, Pace


def unit(*gradients: list[float] | None) -> Any:
    module = nn.Module()
    for place, gradient in enumerate(gradients):
        parameter = nn.Parameter(torch.zeros(2))
        parameter.grad = None if gradient is None else torch.tensor(gradient)
        module.register_parameter(f"p{place}", parameter)
    return module


def trainer(scaler: object = None) -> Any:
    return SimpleNamespace(precision_plugin=SimpleNamespace(scaler=scaler))


def test_norms_are_of_all_parameters_together() -> None:
    norms = GradientNorms()
    norms.add(trainer(), unit([3.0, 0.0], [0.0, 4.0], None))
    norms.add(trainer(), unit([1.0, 0.0], [0.0, 0.0]))
    assert norms.finish() == {"train/grad_norm": 3.0, "train/grad_norm_max": 5.0}
    assert norms.finish() == {}, "the count begins anew"
    norms.add(trainer(), unit(None))
    assert norms.finish() == {}


def test_half_an_epoch_goes_on_where_it_was() -> None:
    first, second = GradientNorms(), GradientNorms()
    first.add(trainer(), unit([3.0, 4.0]))
    second.state = first.state
    assert second.state == first.state == [5.0, 5.0, 1.0]
    second.add(trainer(), unit([1.0, 0.0]))
    assert second.finish() == {"train/grad_norm": 3.0, "train/grad_norm_max": 5.0}
    second.state = [5.0, 5.0, 1.0]
    assert second.finish() == {"train/grad_norm": 5.0, "train/grad_norm_max": 5.0}


def test_a_broken_gradient_shows_unless_a_scaler_leaves_its_step_out() -> None:
    broken = unit([math.inf, 0.0])
    for scaler in (None, object()):
        norms = GradientNorms()
        norms.add(trainer(scaler), unit([2.0, 0.0]))
        norms.add(trainer(scaler), broken)
        mean = norms.finish()["train/grad_norm"]
        assert mean == (math.inf if scaler is None else 2.0)
    norms = GradientNorms()
    norms.add(trainer(), unit([math.nan, 0.0]))
    norms.add(trainer(), unit([2.0, 0.0]))
    assert math.isnan(norms.finish()["train/grad_norm_max"])


def test_each_group_of_parameters_has_its_rate() -> None:
    rates = LearningRates()
    assert rates.finish() == {}
    first, second = unit([1.0, 1.0]), unit([1.0, 1.0])
    groups = [{"params": first.parameters()}, {"params": second.parameters(), "lr": 0.5}]
    rates.add(torch.optim.SGD(groups, lr=0.25))
    assert rates.finish() == {"train/lr": 0.25, "train/lr_1": 0.5}


def test_pace_is_windows_over_the_time_that_is_training(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 2.0, 10.0, 13.0, 20.0, 20.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    device = torch.device("cpu")
    reduced: list[str] = []

    def reduce(value: torch.Tensor, reduce_op: str) -> torch.Tensor:
        reduced.append(reduce_op)
        return value

    strategy = SimpleNamespace(root_device=device, reduce=reduce)
    pace, date = Pace(), SimpleNamespace(assets=torch.arange(20))
    pace.go()
    pace.add(date)
    pace.pause(device)  # after two seconds; what follows until ten is validation
    pace.pause(device)
    pace.go()
    pace.add([date, date])  # a batch of two dates
    finished = pace.finish(SimpleNamespace(strategy=strategy))  # type: ignore[arg-type]
    assert finished == {"train/samples_per_s": 60 / 5}
    assert reduced == ["sum", "max"]
    pace.go()
    assert pace.finish(SimpleNamespace(strategy=strategy)) == {}  # type: ignore[arg-type]


def test_work_of_an_accelerator_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    pace, device = Pace(), torch.device("cuda", 0)
    pace.pause(device)
    assert waited == []
    pace.go()
    pace.pause(device)
    assert waited == [device]
