import math

import pytest
import torch

from alpha_lightning.metrics.date_mean import DateMean


def test_dates_weigh_the_same_however_they_arrive() -> None:
    values = [0.1, 0.7, 0.4, 0.9, 0.2]
    metric = DateMean()
    metric.update(torch.tensor(values[:3]))
    for value in values[3:]:
        metric.update(torch.tensor(value))
    assert metric.compute().item() == pytest.approx(sum(values) / 5, abs=1e-7)


def test_half_precision_is_added_up_in_float64() -> None:
    metric = DateMean()
    for _ in range(1_000):
        metric.update(torch.tensor(0.5, dtype=torch.bfloat16))
    assert metric.sums.tolist() == [500, 1_000]


def test_no_date_is_nan_and_no_warning() -> None:
    assert DateMean().compute().isnan()


def test_a_broken_date_shows() -> None:
    metric = DateMean()
    metric.update(torch.tensor([1.0, math.nan]))
    assert metric.compute().isnan()


def test_a_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match=r"value \(2, 3\)"):
        DateMean().update(torch.ones(2, 3))
