import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, distributed, multiprocessing
from torchmetrics import MetricCollection

from alpha_lightning.metrics.date_mean import DateMean
from alpha_lightning.metrics.rank_ic import IC, ICIR, RankIC, RankICIR, _DailyIC

ALL = [RankIC, RankICIR, IC, ICIR]
TEST_TIMEOUT_S = 60


def market(dates: int = 5, assets: int = 101) -> tuple[Tensor, Tensor, Tensor]:
    """Predictions, returns with ties, and a ragged mask; holes in both."""
    rng = np.random.default_rng(7)
    preds = rng.normal(size=(dates, assets))
    target = 0.2 * preds + rng.normal(size=preds.shape)
    target[:, ::4] = np.round(target[:, ::4])
    preds[rng.random(preds.shape) < 0.1] = np.nan
    target[rng.random(preds.shape) < 0.1] = np.nan
    mask = rng.random(preds.shape) < rng.uniform(0.3, 1, (dates, 1))
    return torch.from_numpy(preds), torch.from_numpy(target), torch.from_numpy(mask)


def by_scipy(metric: type[_DailyIC], preds: Tensor, target: Tensor, mask: Tensor) -> float:
    correlation = stats.spearmanr if issubclass(metric, RankIC) else stats.pearsonr
    daily = []
    for x, y, kept in zip(preds.double(), target.double(), mask, strict=True):
        valid = kept & x.isfinite() & y.isfinite()
        daily.append(correlation(x[valid].numpy(), y[valid].numpy()).statistic)
    mean = float(np.mean(daily))
    return mean / float(np.std(daily, ddof=1)) if metric in (RankICIR, ICIR) else mean


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("metric", ALL)
def test_is_what_scipy_says(metric: type[_DailyIC], dtype: torch.dtype) -> None:
    preds, target, mask = market()
    preds, target = preds.to(dtype), target.to(dtype)
    at_once, one_by_one = metric(), metric()
    at_once.update(preds, target, mask)
    for x, y, kept in zip(preds, target, mask, strict=True):
        one_by_one.update(x[kept], y[kept])
    expected = by_scipy(metric, preds, target, mask)
    assert at_once.compute().item() == pytest.approx(expected, abs=1e-9)
    assert one_by_one.compute().item() == pytest.approx(expected, abs=1e-9)
    assert (at_once.dates, at_once.skipped) == (5, 0)


def test_dates_without_a_correlation_are_skipped_and_counted() -> None:
    climb = [1.0, 2.0, 3.0, 4.0]
    preds = torch.tensor([climb, [0.1] * 4, climb, [1.0, 2.0, math.nan, math.nan]])
    target = torch.tensor([climb, climb, [0.1] * 4, climb])
    metric = RankIC()
    metric.update(preds, target)
    metric.update(torch.empty(0), torch.empty(0))
    assert metric.compute() == 1
    assert (metric.dates, metric.skipped) == (1, 4)


@pytest.mark.parametrize("metric", ALL)
def test_no_date_is_nan_and_no_warning(metric: type[_DailyIC]) -> None:
    assert metric().compute().isnan()


@pytest.mark.parametrize("metric", [RankICIR, ICIR])
def test_a_ratio_needs_two_dates_that_differ(metric: type[_DailyIC]) -> None:
    one = metric()
    one.update(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 3.0, 2.0]))
    assert one.compute().isnan()
    for _ in range(6):
        one.update(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 3.0, 2.0]))
    assert one.compute().isnan()
    one.update(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0]))
    assert one.compute().isfinite()


@pytest.mark.parametrize(
    ("preds", "target"), [((4,), (4, 1)), ((2, 4), (4,)), ((), ()), ((2, 3, 4), (2, 3, 4))]
)
def test_anything_but_dates_is_refused(preds: tuple[int, ...], target: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"preds \(.*\) and target \("):
        RankIC().update(torch.ones(preds), torch.ones(target))


def test_a_collection_shares_sums_within_a_kind_and_never_across() -> None:
    preds, target, mask = market()
    collection = MetricCollection([metric() for metric in ALL])
    # A skipped first date leaves equal zeros in every state: the moment of torchmetrics' merger.
    collection.update(torch.zeros(5), torch.arange(5.0))
    assert sorted(map(sorted, collection.compute_groups.values())) == [
        ["IC", "ICIR"],
        ["RankIC", "RankICIR"],
    ]
    collection.update(preds, target, mask)
    numbers = collection.compute()
    for metric in ALL:
        expected = by_scipy(metric, preds, target, mask)
        assert numbers[metric.__name__].item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("metric", ALL)
def test_copies_go_on_alone(metric: type[_DailyIC]) -> None:
    preds, target, mask = market()
    original = metric()
    original.update(preds[:3], target[:3], mask[:3])
    pickled = multiprocessing.get_context("spawn").SimpleQueue()
    pickled.put(original)
    for copy in (original.clone(), pickled.get()):
        copy.update(preds[3:], target[3:], mask[3:])
        expected = by_scipy(metric, preds, target, mask)
        assert copy.compute().item() == pytest.approx(expected, abs=1e-9)
    assert original.dates == 3


def count_own_dates(rank: int, folder: str) -> None:
    """Rank 0 owns three dates, rank 1 two; each writes the numbers it sees."""
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2
    )
    try:
        preds, target, mask = market()
        own = slice(0, 3) if rank == 0 else slice(3, 5)
        collection = MetricCollection([metric() for metric in ALL])
        collection.update(preds[own], target[own], mask[own])
        coverage = DateMean()
        coverage.update(mask[own].double().mean(dim=-1))
        seen = {**collection.compute(), "DateMean": coverage.compute()}
        torch.save(seen, f"{folder}/rank{rank}.pt")
    finally:
        distributed.destroy_process_group()


def test_two_processes_give_the_number_of_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ranks = [context.Process(target=count_own_dates, args=(rank, str(tmp_path))) for rank in (0, 1)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(TEST_TIMEOUT_S)
    assert [process.exitcode for process in ranks] == [0, 0]
    preds, target, mask = market()
    for rank in range(2):
        seen = torch.load(tmp_path / f"rank{rank}.pt")
        for metric in ALL:
            expected = by_scipy(metric, preds, target, mask)
            assert seen[metric.__name__].item() == pytest.approx(expected, abs=1e-9)
        assert seen["DateMean"].item() == pytest.approx(mask.double().mean().item(), abs=1e-12)
