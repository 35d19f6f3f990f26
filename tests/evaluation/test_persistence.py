from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from alpha_lightning.evaluation.evaluate import measure_rank_ics
from alpha_lightning.evaluation.persistence import autocorrelation_table, decay_table
from alpha_lightning.evaluation.sample import EvaluationRule, Sample, draw_sample
from alpha_lightning.evaluation.standard_errors import newey_west_error
from alpha_lightning.panel.returns import forward_return

DATES, STOCKS = 90, 40
Write = Callable[..., str]


@pytest.fixture
def score_file(market: Callable[..., Any], write_score: Write, tmp_path: Path) -> Any:
    """Stocks' scores are a slow walk; a tenth of them is missing each day."""
    panel = market(DATES, STOCKS, seed=6, suspended=0.02).write(tmp_path / "market")
    generator = np.random.default_rng(0)
    values = np.cumsum(generator.normal(size=(DATES, STOCKS)), axis=0)
    values[generator.random(values.shape) < 0.1] = np.nan
    return panel, values, write_score(panel, values)


def drawn(score_file: Any, **rule: Any) -> Sample:
    return draw_sample(score_file[0].path, [score_file[2]], EvaluationRule(**rule))


@pytest.mark.parametrize("frequency", ["weekly", "daily"])
def test_the_return_starts_some_days_late(score_file: Any, frequency: str) -> None:
    panel, values, _ = score_file
    sample = drawn(score_file, frequency=frequency, end=str(panel.dates[85]))
    table = decay_table(sample).set_index("lag")
    assert table.index.tolist() == list(range(21))
    for lag in (0, 1, 7, 20):
        returns = forward_return(panel, 10, lag)
        series = np.full(len(sample.rows), np.nan)
        for place, (row, mask) in enumerate(zip(sample.rows, sample.masks[0], strict=True)):
            both = mask & np.isfinite(returns[row])
            if row + 10 + lag <= 85 and both.sum() >= 20:
                series[place] = stats.spearmanr(values[row, both], returns[row, both]).statistic
        row = table.loc[lag]
        assert row["rank_ic_pct"] == pytest.approx(100 * np.nanmean(series), abs=1e-4)
        known = sample.rows + 10 + lag <= 85
        error = newey_west_error(series[known], 1 if frequency == "weekly" else 9)
        assert row["rank_ic_se_pct"] == pytest.approx(100 * error, abs=1e-4)
        assert row["dates"] == np.isfinite(series).sum()
    label = measure_rank_ics(sample)["alpha"]
    assert table.loc[1, "rank_ic_pct"] == pytest.approx(100 * label[4].mean, abs=1e-9)
    assert table.loc[0, "rank_ic_pct"] == pytest.approx(100 * label[1].mean, abs=1e-9)


def test_lags_that_nobody_knows_have_no_row(score_file: Any) -> None:
    panel = score_file[0]
    short = drawn(score_file, end=str(panel.dates[22]))
    table = decay_table(short)
    assert table["lag"].tolist() == list(range(int(22 - short.rows[0]) - 9))
    assert table["dates"].tolist()[-1] == 1
    assert decay_table(drawn(score_file, end=str(panel.dates[8]))).empty


@pytest.mark.parametrize("frequency", ["weekly", "daily"])
def test_a_score_against_itself_some_dates_before(score_file: Any, frequency: str) -> None:
    _, values, _ = score_file
    sample = drawn(score_file, frequency=frequency)
    table = autocorrelation_table(sample).set_index("steps")
    assert table["days"].tolist() == [(5 if frequency == "weekly" else 1) * k for k in table.index]
    assert table.index.tolist() == list(range(1, min(20, len(sample.rows) - 1) + 1))
    for steps in (1, 3, 15):
        series = []
        for now in range(steps, len(sample.rows)):
            both = sample.masks[0][now] & sample.masks[0][now - steps]
            if both.sum() >= 20:
                pair = values[sample.rows[[now, now - steps]]][:, both]
                series.append(np.corrcoef(pair)[0, 1])
        row = table.loc[steps]
        assert row["correlation_pct"] == pytest.approx(100 * np.mean(series), abs=1e-4)
        assert row["dates"] == len(series)
    assert table["correlation_pct"].iloc[0] > table["correlation_pct"].iloc[10] > 0
