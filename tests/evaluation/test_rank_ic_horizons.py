"""Several scores at several horizons at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from alpha_lightning.evaluation import rank_ic as module
from alpha_lightning.evaluation.rank_ic import rank_ic, rank_ics
from alpha_lightning.evaluation.sample import EvaluationRule, draw_sample
from alpha_lightning.panel.returns import EVALUATION_RETURNS, Horizon
from alpha_lightning.panel.signal_dates import Frequency

HORIZONS = [Horizon(*pair) for pair in EVALUATION_RETURNS]
Matrix = NDArray[Any]


def small_market(rows: Matrix, stocks: int = 60) -> tuple[Matrix, list[Matrix], list[Matrix]]:
    """Close with suspensions and a late listing; two scores, the second coarse; two masks."""
    generator = np.random.default_rng(len(rows))
    steps = generator.normal(0, 0.02, (90, stocks))
    close = 10 * np.exp(steps.cumsum(axis=0)).round(2)
    close[generator.random(close.shape) < 0.05] = np.nan
    close[:40, 3] = np.nan
    fine = generator.normal(size=(len(rows), stocks)).astype(np.float32)
    coarse = fine.round()
    fine[generator.random(fine.shape) < 0.1] = np.nan
    masks = [generator.random(fine.shape) < share for share in (0.9, 0.8)]
    # Nobody judges the last stocks: they are left out before anything is sorted.
    for mask in masks:
        mask[:, -5:] = False
    return close, [fine, coarse], masks


@pytest.mark.parametrize("rows", [np.arange(3, 80), np.arange(4, 90, 5), np.array([7])])
def test_each_score_horizon_and_date_against_scipy(rows: Matrix) -> None:
    close, scores, masks = small_market(rows)
    found = rank_ics(scores, masks, close, rows, HORIZONS)
    assert found.shape == (2, 6, len(rows))
    for score, of_score, mask in zip(scores, found, masks, strict=True):
        for horizon, series in zip(HORIZONS, of_score, strict=True):
            for number, row in enumerate(rows):
                if row + horizon.span >= len(close):
                    assert np.isnan(series[number])
                    continue
                came = close[row + horizon.span] / close[row + horizon.gap] - 1
                both = mask[number] & np.isfinite(score[number]) & np.isfinite(came)
                expected = stats.spearmanr(score[number, both], came[both]).statistic
                assert series[number] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("rows", [np.arange(80), np.arange(4, 90, 5)])
def test_threads_blocks_and_company_do_not_change_a_bit(
    monkeypatch: pytest.MonkeyPatch, rows: Matrix
) -> None:
    close, scores, masks = small_market(rows)
    expected = rank_ics(scores, masks, close, rows, HORIZONS, threads=1)
    alone = [rank_ics([x], [m], close, rows, HORIZONS) for x, m in zip(scores, masks, strict=True)]
    np.testing.assert_array_equal(np.concatenate(alone), expected)
    together = rank_ics([scores[1]] * 2, [masks[1]] * 2, close, rows, HORIZONS)
    np.testing.assert_array_equal(together, np.broadcast_to(expected[1], together.shape))
    for dates in (1, 7, 100):
        monkeypatch.setattr(module, "_DATES_PER_BLOCK", dates)
        np.testing.assert_array_equal(
            rank_ics(scores, masks, close, rows, HORIZONS, threads=3), expected
        )
    came = np.full(scores[0].shape, np.nan)
    known = rows[rows + 11 < len(close)]
    came[: len(known)] = close[known + 11] / close[known + 1] - 1
    np.testing.assert_array_equal(rank_ic(scores[0], came, masks[0]), expected[0, 4])


def test_prices_after_the_return_change_nothing() -> None:
    rows = np.arange(60)
    close, scores, masks = small_market(rows)
    before = rank_ics(scores, masks, close, rows, HORIZONS)
    changed = close.copy()
    changed[50:] *= np.random.default_rng(0).uniform(0.5, 2, close[50:].shape)
    after = rank_ics(scores, masks, changed, rows, HORIZONS)
    for number, horizon in enumerate(HORIZONS):
        until = 50 - horizon.span
        np.testing.assert_array_equal(after[:, number, :until], before[:, number, :until])
        later = slice(until, 50)
        assert not np.array_equal(after[:, number, later], before[:, number, later])
    cut = rank_ics(scores, masks, close[:50], rows, HORIZONS)
    for number, horizon in enumerate(HORIZONS):
        until = 50 - horizon.span
        np.testing.assert_array_equal(cut[:, number, :until], before[:, number, :until])
        assert np.isnan(cut[:, number, until:]).all()


def test_dates_of_few_stocks_and_constant_scores_are_missing() -> None:
    rows = np.arange(10)
    close, (fine, coarse), masks = small_market(rows)
    fine[2, 19:] = np.nan
    fine[3] = 1.5
    masks[0][4] = False
    found = rank_ics([fine, coarse], masks, close, rows, HORIZONS)
    missing = np.asarray(np.isnan(found).all(axis=1))
    assert np.flatnonzero(missing[0]).tolist() == [2, 3, 4]
    assert np.isfinite(found[1]).all()
    nobody = [np.zeros_like(mask) for mask in masks]
    assert np.isnan(rank_ics([fine, coarse], nobody, close, rows, HORIZONS)).all()


@pytest.mark.parametrize("frequency", ["daily", "weekly"])
def test_a_sample_measured_at_once_and_horizon_by_horizon_is_the_same(
    tmp_path: Path,
    market: Callable[..., Any],
    write_score: Callable[..., str],
    frequency: Frequency,
) -> None:
    panel = market(dates=80, stocks=40).write(tmp_path)
    values = np.random.default_rng(5).normal(size=(2, 80, 40))
    values[:, :, 7] = np.nan
    files = [write_score(panel, each, name) for each, name in zip(values, "ab", strict=True)]
    rule = EvaluationRule(frequency=frequency, end=str(panel.dates[75]))
    sample = draw_sample(panel.path, files, rule)
    until = slice(0, sample.last + 1)
    close = np.where(panel.traded[until], panel.adjusted("close", until), np.nan)
    scores = [score.values for score in sample.scores]
    found = rank_ics(scores, sample.masks, close, sample.rows, HORIZONS)
    for number, (_, known, returns) in enumerate(sample.returns()):
        assert np.isnan(found[:, number, ~known]).all()
        for score, mask, series in zip(scores, sample.masks, found[:, number], strict=True):
            np.testing.assert_array_equal(series, rank_ic(score, returns, mask))
            assert np.isfinite(series[known]).any()
