"""IC by date against the metrics that keep the mean only."""

import torch
from scipy import stats
from torch import Tensor

from alpha_lightning.metrics.ic_by_date import COLUMNS, ICByDate
from alpha_lightning.metrics.rank_ic import IC, RankIC


def dates(order: list[int]) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    made = []
    for date in order:
        generator = torch.Generator().manual_seed(date)
        score, returns = torch.randn(2, 5 + date, generator=generator)
        label = (returns - returns.mean()) / returns.std()
        returns[0] = label[0] = torch.nan
        made.append((torch.tensor(date), score, label, returns))
    return made


def test_rows_are_scipys_in_the_order_of_dates() -> None:
    metric = ICByDate()
    made = dates([30, 10, 20])
    for date in made:
        metric.update(*date)
    rows = metric.compute()
    assert rows.shape == (3, len(COLUMNS))
    assert rows[:, 0].tolist() == [10, 20, 30]
    for row, (_, score, label, returns) in zip(rows, sorted(made, key=lambda m: m[0]), strict=True):
        ic = stats.pearsonr(score[1:].double(), label[1:].double()).statistic
        rank_ic = stats.spearmanr(score[1:], returns[1:]).statistic
        expected = torch.tensor([ic, rank_ic, len(score) - 1], dtype=torch.float64)
        torch.testing.assert_close(row[1:], expected, rtol=1e-9, atol=1e-12)


def test_means_are_those_of_the_metrics_and_a_skipped_date_is_nan() -> None:
    by_date, ic, rank_ic = ICByDate(), IC(), RankIC()
    for date, score, label, returns in dates([1, 2, 3]):
        by_date.update(date, score, label, returns)
        ic.update(score, label)
        rank_ic.update(score, returns)
    by_date.update(torch.tensor(4), torch.ones(9), torch.randn(9), torch.randn(9))
    rows = by_date.compute()
    assert rows[3, 1:3].isnan().all()
    assert rows[3, 3] == 9
    torch.testing.assert_close(rows[:3, 1].mean(), ic.compute())
    torch.testing.assert_close(rows[:3, 2].mean(), rank_ic.compute())


def test_low_precision_of_the_unit_does_not_reach_it() -> None:
    metric = ICByDate()
    metric.update(*dates([3])[0])
    before = metric.compute().clone()
    metric.to(torch.bfloat16)
    assert metric.compute().equal(before)
    metric.reset()
    assert metric.rows == []
