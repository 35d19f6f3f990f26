import math

import numpy as np
import pytest
from scipy import stats

from alpha_lightning.evaluation import rank_ic as module
from alpha_lightning.evaluation.rank_ic import pearson_by_date, rank_ic, summarise_rank_ic
from alpha_lightning.panel.returns import Horizon


@pytest.mark.parametrize("cells", [1 << 21, 100])
def test_each_date_against_scipy(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    monkeypatch.setattr(module, "_CELLS_PER_BLOCK", cells)
    generator = np.random.default_rng(0)
    score = generator.normal(size=(30, 45)).round(1)
    returns = generator.normal(size=(30, 45)) + 0.3 * score
    score[generator.random(score.shape) < 0.1] = np.nan
    returns[generator.random(score.shape) < 0.1] = np.nan
    mask = generator.random(score.shape) < 0.9
    ranked, linear = rank_ic(score, returns, mask), pearson_by_date(score, returns, mask)
    for date in range(30):
        both = mask[date] & np.isfinite(score[date]) & np.isfinite(returns[date])
        pair = score[date, both], returns[date, both]
        assert ranked[date] == pytest.approx(stats.spearmanr(*pair).statistic, abs=1e-12)
        assert linear[date] == pytest.approx(stats.pearsonr(*pair).statistic, abs=1e-12)


def test_a_date_needs_twenty_stocks_and_a_score_that_varies() -> None:
    generator = np.random.default_rng(1)
    score, returns = generator.normal(size=(3, 25)), generator.normal(size=(3, 25))
    score[0, :5] = np.nan
    returns[1, :6] = np.nan
    score[2] = 1.5
    mask = np.ones(score.shape, dtype=bool)
    assert np.isfinite(rank_ic(score, returns, mask)).tolist() == [True, False, False]
    assert np.isfinite(pearson_by_date(score, returns, mask)).tolist() == [True, False, False]


def test_monotone_scores_reach_one() -> None:
    returns = np.random.default_rng(2).normal(size=(4, 40))
    mask = np.ones(returns.shape, dtype=bool)
    np.testing.assert_allclose(rank_ic(np.exp(returns), returns, mask), 1, atol=1e-12)
    np.testing.assert_allclose(rank_ic(-returns, returns, mask), -1, atol=1e-12)


def test_summary_counts_dates_and_is_not_annualised() -> None:
    generator = np.random.default_rng(3)
    series = generator.normal(0.1, 0.08, 60)
    series[[4, 9]] = np.nan
    known = np.arange(60) < 56
    series[~known] = np.nan
    summary = summarise_rank_ic(series, known, Horizon(10, 1), step=5)
    seen = series[np.isfinite(series)]
    assert (summary.dates, summary.skipped, summary.unknown) == (54, 2, 4)
    assert summary.mean == pytest.approx(seen.mean(), abs=1e-15)
    assert summary.ic_ir == pytest.approx(seen.mean() / np.std(seen, ddof=1), abs=1e-12)
    assert (summary.lag, summary.block) == (1, 4)
    assert summary.errors["plain"] == pytest.approx(stats.sem(seen), abs=1e-12)
    assert summary.errors["newey_west"] != summary.errors["plain"]


@pytest.mark.parametrize("dates", [0, 1])
def test_summary_of_hardly_anything_is_missing_and_silent(dates: int) -> None:
    series = np.full(5, np.nan)
    series[:dates] = 0.1
    summary = summarise_rank_ic(series, np.ones(5, dtype=bool), Horizon(5, 0), step=5)
    assert summary.dates == dates
    assert math.isnan(summary.mean) is (dates == 0)
    assert all(math.isnan(x) for x in (summary.std, summary.ic_ir, *summary.errors.values()))
