import copy
from typing import Any

import pytest
import torch
from pytorch_lightning.callbacks import GradientAccumulationScheduler, Timer
from torch import Tensor, nn

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.networks import RESTCN
from alpha_lightning.factors.step_statistics import (
    StepStatistics,
    refuse_half_steps,
    refuse_other_steps,
    refuse_what_mixes_dates,
)

DATES = [torch.randn(n, 5, generator=torch.Generator().manual_seed(n)) + n for n in (4, 9, 6)]


def layer(**settings: Any) -> nn.BatchNorm1d:
    normalisation = nn.BatchNorm1d(5, **settings)
    normalisation.running_mean = torch.linspace(-1, 1, 5)
    normalisation.running_var = torch.linspace(1, 2, 5)
    return normalisation


def step(module: nn.Module, dates: list[Tensor], times: int = 1) -> Tensor:
    statistics = StepStatistics(module)
    total = torch.zeros(())
    for _ in range(times):
        for date in dates:
            with statistics.date():
                total = total + module(date).square().mul(date).sum()
        statistics.finish()
    return total


def test_a_step_against_the_closed_form() -> None:
    normalisation = layer(momentum=0.3)
    step(normalisation, DATES)
    means = torch.stack([date.double().mean(dim=0) for date in DATES]).mean(dim=0)
    variances = torch.stack([date.double().var(dim=0) for date in DATES]).mean(dim=0)
    expected = 0.7 * torch.linspace(-1, 1, 5) + 0.3 * means
    torch.testing.assert_close(normalisation.running_mean, expected.float(), rtol=1e-6, atol=1e-6)
    expected = 0.7 * torch.linspace(1, 2, 5) + 0.3 * variances
    torch.testing.assert_close(normalisation.running_var, expected.float(), rtol=1e-6, atol=1e-6)
    assert normalisation.num_batches_tracked == 1


def test_the_cumulative_average_counts_steps() -> None:
    normalisation = layer(momentum=None)
    step(normalisation, DATES, times=4)
    means = torch.stack([date.double().mean(dim=0) for date in DATES]).mean(dim=0)
    torch.testing.assert_close(normalisation.running_mean, means.float(), rtol=1e-6, atol=1e-6)
    assert normalisation.num_batches_tracked == 4


def test_a_step_of_one_date_gives_the_bits_it_always_gave() -> None:
    network = RESTCN(n_features=3, hidden=4)
    plain = copy.deepcopy(network)
    statistics = StepStatistics(network)
    for seed in range(3):
        windows = torch.randn(7, 30, 3, generator=torch.Generator().manual_seed(seed))
        for module in (network, plain):
            torch.manual_seed(seed)
            if module is network:
                with statistics.date():
                    module(windows)
                statistics.finish()
            else:
                module(windows)
    for name, value in plain.state_dict().items():
        assert value.equal(network.state_dict()[name]), name


def test_the_order_of_dates_and_their_split_leave_no_trace() -> None:
    normalisation, reverse, shared = layer(), layer(), (layer(), layer())
    step(normalisation, DATES)
    step(reverse, DATES[::-1])
    # Two processes of which one adds up the sums of both.
    ranks = [StepStatistics(module) for module in shared]
    sums: list[Tensor] = []
    for rank, module, dates in zip(ranks, shared, (DATES[:1], DATES[1:]), strict=True):
        for date in dates:
            with rank.date():
                module(date)
        assert rank._sums is not None
        sums.append(rank._sums)
    for rank in ranks:
        rank.finish(lambda _: torch.stack(sums).sum(dim=0))
    for other in (reverse, *shared):
        for name, value in normalisation.state_dict().items():
            torch.testing.assert_close(other.state_dict()[name], value, rtol=1e-6, atol=1e-7)


def test_the_backward_runs_after_statistics_are_put_back() -> None:
    normalisation, plain = layer(), layer()
    dates = [date.requires_grad_() for date in DATES]
    torch.autograd.backward(step(normalisation, dates))
    gradients = [date.grad for date in dates]
    for date, gradient in zip(DATES, gradients, strict=True):
        alone = date.detach().requires_grad_()
        torch.autograd.backward(plain(alone).square().mul(alone).sum())
        assert gradient is not None
        assert alone.grad is not None
        assert gradient.equal(alone.grad)


def test_between_dates_the_statistics_are_those_of_the_last_step() -> None:
    normalisation = layer()
    before = copy.deepcopy(normalisation.state_dict())
    statistics = StepStatistics(normalisation)
    with statistics.date():
        normalisation(DATES[0])
    assert all(v.equal(before[k]) for k, v in normalisation.state_dict().items())
    statistics.forget()
    statistics.finish()
    assert all(v.equal(before[k]) for k, v in normalisation.state_dict().items())


def test_every_kind_of_normalisation_and_none() -> None:
    instance = nn.InstanceNorm1d(5, affine=True, track_running_stats=True)
    frozen = nn.BatchNorm1d(5).eval()
    untracked = nn.BatchNorm1d(5, track_running_stats=False)
    for module in (frozen, untracked, nn.Linear(5, 5)):
        before = copy.deepcopy(module.state_dict())
        step(module, DATES)
        assert all(v.equal(before[k]) for k, v in module.state_dict().items())
    step(instance, [date.T[None] for date in DATES])
    means = [date.double().mean(dim=0) for date in DATES]
    expected = (0.1 * torch.stack(means).mean(dim=0)).float()
    torch.testing.assert_close(instance.running_mean, expected, rtol=1e-6, atol=1e-6)


def test_buffers_may_move_and_be_loaded() -> None:
    network = nn.Sequential(layer())
    statistics = StepStatistics(network)
    network.double()
    network.load_state_dict(nn.Sequential(layer()).double().state_dict())
    with statistics.date():
        network(DATES[0].double())
    statistics.finish()
    fresh = layer().double()
    fresh(DATES[0].double())
    assert fresh.running_mean is not None
    assert fresh.running_mean.equal(network.state_dict()["0.running_mean"])


def test_sync_batchnorm_is_refused() -> None:
    refuse_what_mixes_dates({"sync_batchnorm": False})
    refuse_what_mixes_dates({})
    with pytest.raises(UserError, match=r"trainer.sync_batchnorm must be false: .*each date"):
        refuse_what_mixes_dates({"sync_batchnorm": True})


def test_what_deals_out_dates_otherwise_is_refused() -> None:
    with pytest.raises(UserError, match=r"overfit_batches must be 0: .*limit_train_batches"):
        refuse_what_mixes_dates({"overfit_batches": 2})
    refuse_other_steps([Timer("00:01:00:00")])
    with pytest.raises(UserError, match=r"GradientAccumulationScheduler .*accumulate_grad_batc"):
        refuse_other_steps([GradientAccumulationScheduler({0: 1, 1: 2})])


def test_an_epoch_ends_with_a_whole_step() -> None:
    refuse_half_steps(6, 3)
    with pytest.raises(UserError, match=r"leaves 7 batches .*accumulate_grad_batches 3: limit"):
        refuse_half_steps(7, 3)


def test_a_copy_looks_after_its_own_layers() -> None:
    class Unit(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.normalisation = layer()
            self.statistics = StepStatistics(self.normalisation)

    unit = Unit()
    twin = copy.deepcopy(unit)
    with twin.statistics.date():
        twin.normalisation(DATES[0])
    twin.statistics.finish()
    assert twin.normalisation.num_batches_tracked == 1
    assert unit.normalisation.num_batches_tracked == 0
